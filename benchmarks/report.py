"""Writes README's tables from the JSON that the benchmarks saved: python benchmarks/report.py

Reads   benchmarks/results/known_networks.json  of `known_networks.py --json`
        benchmarks/results/backends.json        of `pytest benchmarks/ --benchmark-only --benchmark-json=…`
        benchmarks/results/side_by_side.json    of `side_by_side.py --json`
        benchmarks/results/side_by_side_elsewhere.json   the same of another machine
        benchmarks/results/whole_process.json   of `whole_process.py --json`
        benchmarks/results/options.json         of `options.py --json`, with and without `--dense`
        benchmarks/results/published.json       of `published.py --json`
        benchmarks/results/defaults.json        of `defaults.py --json`
        benchmarks/results/dropout.json         of `dropout.py --json`
        benchmarks/results/scaling.json         of `scaling.py --json`
        benchmarks/results/train_many.json      of `train_many.py --json`
        benchmarks/results/estimators.json      of `estimators.py --json`
Writes  the tables between the markers <!-- name --> and <!-- /name --> of README.md, and, where Matplotlib
        is installed, benchmarks/results/peers.png
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

from benchmarks.tables import accuracy, estimators, peers, speed  # noqa: E402
from benchmarks.tables.markdown import insert  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
TABLES = {
    "known-networks": ("known_networks.json", accuracy.known_networks),
    "backends": ("backends.json", speed.backends),
    "peers": ("side_by_side.json", peers.peers),
    "peers-elsewhere": ("side_by_side_elsewhere.json", peers.peers_briefly),
    "whole-process": ("whole_process.json", accuracy.whole_process),
    "options": ("options.json", speed.options),
    "defaults": ("defaults.json", accuracy.defaults),
    "published": ("published.json", accuracy.published),
    "dropout": ("dropout.json", accuracy.dropout),
    "scaling": ("scaling.json", speed.scaling),
    "train-many": ("train_many.json", speed.train_many),
    "estimators": ("estimators.json", estimators.estimators),
}


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
    for name, (file, render) in TABLES.items():
        path = RESULTS / file
        if path.exists():
            saved = read(path)
            text = insert(text, name, render(saved))
            print(f"{name}: from {path.relative_to(ROOT)}")
            if name == "peers":
                peers.draw_peers(saved, RESULTS / "peers.png")
        else:
            print(f"{name}: left as it is, for {path.relative_to(ROOT)} is missing")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
