"""What looking for NaN in X costs: its share of one epoch of training.

    python benchmarks/nan_scan.py [--json benchmarks/results/nan_scan.json]

A training looks at X once, whatever its number of epochs, so the share of one epoch is the most it can be.
One pass finds the least and largest value of each column, which say whether X is badly scaled; NaN and
infinities come through it, so all that the scan adds is a look at these. uint8 images hold no NaN and are not
looked at; the tables here are floats.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import fastnn
from benchmarks.record import machine, save
from fastnn import inputs

MOST = 0.02
# name -> rows, features, hidden layers
TABLES = {
    "MNIST as floats": (60_000, 784, (128,)),
    "wide table": (20_000, 200, (64, 64)),
    "small table": (2_000, 20, (32,)),
}


def seconds_of(action: Callable[[], Any], rounds: int) -> float:
    """The median of `rounds` runs, after one that is not counted."""
    action()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measured(name: str, rounds: int, scale: float = 1.0) -> dict[str, Any]:
    """Seconds of the pass, of the scan, and of an epoch, of the table called so, `scale` of its rows."""
    rows, features, hidden = TABLES[name]
    generator = np.random.default_rng(0)
    X = generator.normal(size=(max(10, int(rows * scale)), features)).astype(np.float32)
    y = generator.integers(0, 10, len(X))
    one_pass = seconds_of(lambda: inputs.column_ranges(X), rounds)
    ranges = inputs.column_ranges(X)
    scan = seconds_of(lambda: inputs.all_finite(*ranges), rounds)
    model = fastnn.train(X, y, hidden=hidden, epochs=rounds + 1, seed=0)
    epoch = statistics.median(model.history["seconds"][1:])
    seconds = {"pass": one_pass, "scan": scan, "epoch": epoch, "share": scan / epoch}
    return {"rows": len(X), "features": features, **seconds}


def main(arguments: list[str] | None = None) -> None:
    """Measure all tables, print a line each, and end with status 1 where a share is above 2 %."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--rounds", type=int, default=15, help="scans and epochs, of which the median counts")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows, for a quick look")
    options = parser.parse_args(arguments)
    found = {name: measured(name, options.rounds, options.scale) for name in TABLES}
    for name, row in found.items():
        print(
            f"{name:16} {row['rows']:6} × {row['features']:3}: pass {1e3 * row['pass']:7.2f} ms, scan "
            f"{1e3 * row['scan']:6.3f} ms, epoch {1e3 * row['epoch']:7.2f} ms: the scan is {row['share']:.2%}"
        )
    save(options.json, {"machine": machine(), "most": MOST, "tables": found})
    if options.scale == 1 and max(row["share"] for row in found.values()) > MOST:
        sys.exit(f"a scan costs more than {MOST:.0%} of an epoch")


if __name__ == "__main__":
    main()
