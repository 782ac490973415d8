"""Writes README's tables from the JSON that the benchmarks saved: python benchmarks/report.py

Reads   benchmarks/results/known_networks.json  of `known_networks.py --json`
        benchmarks/results/backends.json        of `pytest benchmarks/ --benchmark-only --benchmark-json=…`
        benchmarks/results/side_by_side.json    of `side_by_side.py --json`
        benchmarks/results/whole_process.json   of `whole_process.py --json`
Writes  the tables between the markers <!-- name --> and <!-- /name --> of README.md, and, where Matplotlib
        is installed, benchmarks/results/peers.png
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
# Of bars: told apart by colour-blind readers too (Okabe and Ito).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#999999")


def known_networks(saved: dict[str, Any]) -> str:
    """Accuracy of the known networks."""
    rows = [
        [
            row["name"],
            row["what"],
            f"{100 * row['accuracy']:.2f} %",
            f"{100 * row['floor']:g} %",
            f"{row['seconds']:.1f}",
        ]
        for row in saved["rows"]
    ]
    return table(["name", "network", "test accuracy", "at least", "seconds"], rows)


def backends(saved: dict[str, Any]) -> str:
    """Median times of the two backends, group by group."""
    medians: dict[str, dict[str, float]] = defaultdict(dict)
    for benchmark in saved["benchmarks"]:
        backend = benchmark["params"].get("backend_name")
        if backend:
            medians[benchmark["group"]][backend] = benchmark["stats"]["median"]
    rows = [
        [group, duration(times["numpy"]), duration(times["numba"]), f"{times['numpy'] / times['numba']:.2f}"]
        for group, times in sorted(medians.items())
        if times.keys() >= {"numpy", "numba"}
    ]
    return f"{table(['work', 'numpy', 'numba', 'ratio'], rows)}\n\n{machine(saved['machine_info'])}"


def peers(saved: dict[str, Any]) -> str:
    """fastnn beside other libraries, then fastnn on its own: threads, GFLOP/s, share of the peak."""
    parts = [peer_times(saved), own_rates(saved), peers_machine(saved)]
    draw_peers(saved, RESULTS / "peers.png")
    return "\n\n".join(parts)


def peer_times(saved: dict[str, Any]) -> str:
    """Median times: a row a piece of work, a column a library."""
    names = peer_names(saved)
    rows = []
    for row in saved["rows"]:
        times = [time_of(row["contenders"].get(name)) for name in ("fastnn", *names)]
        ratio = f"**{row['ratio']:.2f}**" if row["ratio"] else "–"
        rows.append([row["name"], f"{row['rows']:,} {row['data']}", *times, ratio])
    return table(["work", "rows", "fastnn", *names, "fastest peer / fastnn"], rows)


def own_rates(saved: dict[str, Any]) -> str:
    """fastnn's training with each number of threads, and how near its own choice comes to the peak."""
    variants = list(
        dict.fromkeys(
            name for row in saved["rows"] for name in row["contenders"] if name.startswith("fastnn, ")
        )
    )
    rows = []
    for row in saved["rows"]:
        own = row["contenders"]["fastnn"]
        if row["kind"] == "training":
            times = [time_of(row["contenders"].get(name)) for name in variants]
            rate, share = f"{own['gflops']:.0f}", f"{100 * own['share_of_peak']:.0f} %"
            rows.append([row["name"], time_of(own), *times, rate, share])
    head = ["epoch", "fastnn", *(name.removeprefix("fastnn, ") for name in variants), "GFLOP/s", "of peak"]
    return table(head, rows)


def peer_names(saved: dict[str, Any]) -> list[str]:
    """The peers that took part, in the order of the first row that has them."""
    names = dict.fromkeys(name for row in saved["rows"] for name in row["contenders"])
    return [name for name in names if not name.startswith("fastnn")]


def time_of(result: dict[str, Any] | None) -> str:
    """A median, with a star if too few quiet trials were left."""
    return "–" if result is None else duration(result["median"]) + ("" if result["quiet"] else "\\*")


def peers_machine(saved: dict[str, Any]) -> str:
    """One paragraph on what the comparison was measured with."""
    info = saved["machine"]
    peaks = ", ".join(f"{rate:.0f} GFLOP/s on {threads}" for threads, rate in saved["peak"].items())
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    noisy = any(not result["quiet"] for row in saved["rows"] for result in row["contenders"].values())
    star = " \\* The machine was not quiet in enough of the trials." if noisy else ""
    return (
        f"{info['cpu']}, {info['cpus']} CPUs; measured peak {peaks}; Python {info['python']}, "
        f"{versions}. Medians of {saved['rounds']} alternating rounds.{star}"
    )


def draw_peers(saved: dict[str, Any], path: Path) -> None:
    """Bars: how many times longer each peer takes than fastnn."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print(f"{path.name}: not drawn, for Matplotlib is missing")
        return
    names, rows = peer_names(saved), saved["rows"][::-1]
    figure = Figure(figsize=(8, 1 + 0.62 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / len(names)
    for number, name in enumerate(names):
        found = [(place, row["contenders"]) for place, row in enumerate(rows) if name in row["contenders"]]
        ratios = [times[name]["median"] / times["fastnn"]["median"] for _, times in found]
        places = [place + 0.4 - (number + 0.5) * height for place, _ in found]
        bars = axes.barh(places, ratios, height, label=name, color=COLOURS[number])
        axes.bar_label(bars, fmt="%.2g", fontsize=6, padding=2)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}×")
    axes.margins(x=0.08, y=0.01)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set_xlabel("time / fastnn's time (beyond the line fastnn is faster)")
    figure.legend(loc="outside upper center", ncols=len(names), frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def whole_process(saved: dict[str, Any]) -> str:
    """Wall time of whole processes."""
    rows = [
        [name, duration(saved["medians"][name]), ", ".join(str(run["epochs"]) for run in runs)]
        for name, runs in saved["runs"].items()
    ]
    first = f"fastnn's first run of all, which compiles, took {duration(saved['cold']['seconds'])}."
    return f"{table(['process', 'median', 'epochs until 97 %'], rows)}\n\n{first}"


def machine(info: dict[str, Any]) -> str:
    """One line on what the figures were measured with."""
    own = info["fastnn"]
    cpu = info["cpu"].get("brand_raw", "unknown CPU")
    return f"{cpu}, {own['cpus']} CPUs; NumPy {own['numpy']} ({own['blas']}), Numba {own['numba']}; medians."


def percent(share: float) -> str:
    """A share as a percentage with two decimals."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all but the first two columns are numbers."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def insert(text: str, name: str, content: str) -> str:
    """`text` with the part between the markers of `name` replaced."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"README.md has no markers <!-- {name} --> … <!-- /{name} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def read(path: Path) -> dict[str, Any]:
    """The JSON of one file; pytest-benchmark's list of every single timing (megabytes) is dropped from it."""
    saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    timings = [benchmark["stats"].pop("data", None) for benchmark in saved.get("benchmarks", [])]
    if any(timing is not None for timing in timings):
        path.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
    return saved


def main() -> None:
    """Rewrite the tables whose JSON is there; say which are not."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, file, render in (
        ("known-networks", "known_networks.json", known_networks),
        ("backends", "backends.json", backends),
        ("peers", "side_by_side.json", peers),
        ("whole-process", "whole_process.json", whole_process),
    ):
        path = RESULTS / file
        if path.exists():
            text = insert(text, name, render(read(path)))
            print(f"{name}: from {path.relative_to(ROOT)}")
        else:
            print(f"{name}: left as it is, for {path.relative_to(ROOT)} is missing")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
