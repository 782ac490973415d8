"""What fastnn's own parts cost: the two backends, the options of training, and how it all grows."""

from collections import defaultdict
from typing import Any

from benchmarks.tables.markdown import duration, measured_on, starred, stars, table

INPUTS = {"digits": "uint8 digits", "dense": "dense float32"}


def backends(saved: dict[str, Any]) -> str:
    """Median times of the two backends, group by group; for products GFLOP/s too."""
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for benchmark in saved["benchmarks"]:
        backend = benchmark["params"].get("backend_name")
        if backend:
            times = {"seconds": benchmark["stats"]["median"]}
            found[benchmark["group"]][backend] = times | benchmark.get("extra_info", {})
    rows = [
        _backends_row(group, both["numpy"], both["numba"])
        for group, both in sorted(found.items())
        if both.keys() >= {"numpy", "numba"}
    ]
    head = ["work", "numpy", "numba", "ratio", "GFLOP/s", "of peak"]
    return f"{table(head, rows)}\n\n{pytest_machine(saved['machine_info'])}"


def _backends_row(group: str, numpy: dict[str, float], numba: dict[str, float]) -> list[str]:
    times = numpy["seconds"], numba["seconds"]
    rates = ["", ""]
    if "of peak" in numba:
        rates = [f"{numba['GFLOP/s']:.0f}", f"{100 * numba['of peak']:.0f} %"]
    return [group, *map(duration, times), f"{times[0] / times[1]:.2f}", *rates]


def pytest_machine(info: dict[str, Any]) -> str:
    """One line on what pytest-benchmark's figures were measured with."""
    own = info["fastnn"]
    cpu = info["cpu"].get("brand_raw", "unknown CPU")
    return f"{cpu}, {own['cpus']} CPUs; NumPy {own['numpy']} ({own['blas']}), Numba {own['numba']}; medians."


def options(saved: dict[str, Any]) -> str:
    """Samples a second with each option, beside plain gradient descent, on both kinds of input."""
    kinds = [kind for kind in INPUTS if kind in saved]
    by_name = {kind: {row["name"]: row for row in saved[kind]["options"]} for kind in kinds}
    names = dict.fromkeys(name for rows in by_name.values() for name in rows)
    rows = []
    for name in names:
        line, wanted = [name], ""
        for kind in kinds:
            line += _options_cells(by_name[kind].get(name))
            least = by_name[kind].get(name, {}).get("wanted")
            wanted = wanted if least is None else f"{100 * least:.0f} %"
        rows.append([*line, wanted])
    columns = [text for kind in kinds for text in (f"{INPUTS[kind]}, samples/s", "of plain")]
    first = saved[kinds[0]]
    quiet = all(row["quiet"] for rows in by_name.values() for row in rows.values())
    return (
        f"{table(['option', *columns, 'wanted'], rows)}\n\n{first['net']}, {first['rows']:,} rows, "
        f"{first['threads']} threads. {measured_on(first['machine'])}. Medians of {first['rounds']} "
        f"alternating rounds.{stars(quiet)}"
    )


def _options_cells(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return ["–", "–"]
    return [f"{row['samples_per_second']:,.0f}", starred(f"{100 * row['share']:.0f} %", row["quiet"])]


def scaling(saved: dict[str, Any]) -> str:
    """Rows, threads, memory: a table each, and what they were measured on."""
    results = [row for part in ("growth", "teams") for row in saved[part]]
    quiet = all(row["quiet"] for result in results for row in result.get("sizes", result.get("teams")))
    machine = (
        f"{measured_on(saved['machine'])}. Medians of {saved['rounds']} alternating rounds.{stars(quiet)}"
    )
    return "\n\n".join([_growth(saved["growth"]), _teams(saved), _memory(saved["memory"]), machine])


def _growth(results: list[dict[str, Any]]) -> str:
    sizes = [row["rows"] for row in results[0]["sizes"]]
    rows = []
    for result in results:
        times = [
            starred(
                f"{duration(row['seconds'])} ({duration(row['seconds'] / row['rows'])} a row)", row["quiet"]
            )
            for row in result["sizes"]
        ]
        rows.append([result["name"], *times, f"{result['spread']:.2f}"])
    return table(["epoch", *(f"{n:,} rows" for n in sizes), "slowest / fastest row"], rows)


def _teams(saved: dict[str, Any]) -> str:
    counts = [row["threads"] for row in saved["teams"][0]["teams"]]
    rows = []
    for result in saved["teams"]:
        times = [starred(duration(row["seconds"]), row["quiet"]) for row in result["teams"]]
        slowdown = result["teams"][-1]["slowdown"]
        rows.append([result["name"], f"{result['rows']:,}", *times, f"{slowdown:.2f}"])
    cpus = saved["machine"]["cpus"]
    named = [f"{n} thread{'s' * (n > 1)}" for n in counts]
    return table(["epoch", "rows", *named, f"{counts[-1]} threads / {cpus}"], rows)


def _memory(result: dict[str, Any]) -> str:
    return (
        f"Training {result['name']} on {result['rows']:,} uint8 images ({result['data'] / 1e6:.0f} MB) took "
        f"{result['added'] / 1e6:.1f} MB of memory beside them (wanted: at most "
        f"{result['most'] / 1e6:.0f} MB)."
    )


def train_many(saved: dict[str, Any]) -> str:
    """Models a second trained one by one, and how much faster they are trained side by side."""
    counts = sorted({int(n) for row in saved["rows"] for n in row["speed_up"]})
    rows = []
    for row in saved["rows"]:
        ratios = {int(n): ratio for n, ratio in row["speed_up"].items()}
        cells = [starred(f"{ratios[n]:.2f}", row["quiet"]) for n in counts]
        wanted = "" if row["wanted"] is None else f"{row['wanted']:.1f}"
        rows.append([row["name"], f"{row['models_per_second']:.1f}", *cells, wanted])
    named = [f"{n} worker{'s' * (n > 1)}" for n in counts]
    quiet = all(row["quiet"] for row in saved["rows"])
    return (
        f"{table(['network', 'models/s one by one', *named, 'wanted'], rows)}\n\n"
        f"{measured_on(saved['machine'])}. Medians of {saved['rounds']} alternating rounds.{stars(quiet)}"
    )
