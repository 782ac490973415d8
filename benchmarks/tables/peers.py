"""fastnn beside other libraries: tables and a picture of side_by_side.py's results."""

from pathlib import Path
from typing import Any

from benchmarks.tables.markdown import duration, measured_on, starred, stars, table

# Of bars: told apart by colour-blind readers too (Okabe and Ito).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#999999")


def peers(saved: dict[str, Any]) -> str:
    """fastnn beside other libraries, then fastnn on its own: threads, GFLOP/s, share of the peak."""
    shown = [result for row in saved["rows"] for result in row["contenders"].values()]
    return "\n\n".join([peer_times(saved), own_rates(saved), peers_machine(saved, shown)])


def peers_briefly(saved: dict[str, Any]) -> str:
    """fastnn and the fastest peer alone: for a further machine."""
    rows, shown = [], []
    for row in saved["rows"]:
        results = row["contenders"]
        present = [name for name in peer_names(saved) if name in results]
        name = min(present, key=lambda peer: results[peer]["median"], default="")
        own, fastest = results["fastnn"], results.get(name)
        shown += [result for result in (own, fastest) if result]
        share = f"{100 * own['share_of_peak']:.0f} %" if row["kind"] == "training" else "–"
        rows.append([row["name"], time_of(own), f"{time_of(fastest)} {name}".strip(), ratio_of(row), share])
    head = ["work", "fastnn", "fastest peer", "fastest peer / fastnn", "of peak"]
    return "\n\n".join([table(head, rows), peers_machine(saved, shown)])


def peer_times(saved: dict[str, Any]) -> str:
    """Median times: a row a piece of work, a column a library."""
    names = peer_names(saved)
    rows = []
    for row in saved["rows"]:
        times = [time_of(row["contenders"].get(name)) for name in ("fastnn", *names)]
        rows.append([row["name"], f"{row['rows']:,} {row['data']}", *times, ratio_of(row)])
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


def ratio_of(row: dict[str, Any]) -> str:
    """How many times longer the fastest peer takes."""
    return f"**{row['ratio']:.2f}**" if row["ratio"] else "–"


def time_of(result: dict[str, Any] | None) -> str:
    """A median, with a star if too few quiet trials were left."""
    return "–" if result is None else starred(duration(result["median"]), result["quiet"])


def peers_machine(saved: dict[str, Any], shown: list[dict[str, Any]]) -> str:
    """One paragraph on what the comparison was measured with; `shown` are the results that may have stars."""
    peaks = ", ".join(f"{rate:.0f} GFLOP/s on {threads}" for threads, rate in saved["peak"].items())
    quiet = all(result["quiet"] for result in shown)
    return (
        f"{measured_on(saved['machine'])}; measured peak {peaks}. "
        f"Medians of {saved['rounds']} alternating rounds.{stars(quiet)}"
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
