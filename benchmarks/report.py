"""Writes README's tables from the JSON that the benchmarks saved: python benchmarks/report.py

Reads   benchmarks/results/known_networks.json  of `known_networks.py --json`
        benchmarks/results/backends.json        of `pytest benchmarks/ --benchmark-only --benchmark-json=…`
Writes  the tables between the markers <!-- name --> and <!-- /name --> of README.md
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


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


def main() -> None:
    """Rewrite the tables whose JSON is there; say which are not."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, file, render in (
        ("known-networks", "known_networks.json", known_networks),
        ("backends", "backends.json", backends),
    ):
        path = RESULTS / file
        if path.exists():
            text = insert(text, name, render(json.loads(path.read_text(encoding="utf-8"))))
            print(f"{name}: from {path.relative_to(ROOT)}")
        else:
            print(f"{name}: left as it is, for {path.relative_to(ROOT)} is missing")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
