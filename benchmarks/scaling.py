"""How time and memory grow: rows from 1,000 to 1,000,000, threads beyond the CPUs, memory beside the data.

    python benchmarks/scaling.py [--rounds 5] [--most 1000000] [--json FILE]

Rows      an epoch of 784-10-10 in batches of 64 on made-up uint8 images (784 MB at a million rows), and of
          20-64-64-2 in batches of 32 on float32 tables. The time a row takes should stay the same.
Threads   one, as many as CPUs, and four times as many, asked for as of fastnn.train, which then chooses: that
          should take at most twice as long.
Memory    of a process that trains 784-128-10 on 60,000 uint8 images (47 MB): how far its resident memory
          rises above what it holds once data are loaded and kernels are warm; at most 40 MB.

Timings are bracketed by benchmarks/peak.py's probe.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

from benchmarks import record  # noqa: E402
from benchmarks.peak import Probe, cpus  # noqa: E402
from benchmarks.rounds import Timed, play, speed  # noqa: E402
from benchmarks.workloads import Net  # noqa: E402
from fastnn import backends  # noqa: E402
from fastnn.run_settings import RunSettings  # noqa: E402
from fastnn.trainer import resolving  # noqa: E402

ROWS = (1_000, 10_000, 100_000, 1_000_000)
GROWING = (Net((784, 10, 10), 64, 0), Net((20, 64, 64, 2), 32, 0, dense_floats=True))
THREADED = (
    Net((784, 128, 10), 128, 20_000),
    Net((784, 512, 512, 10), 128, 5_000),
    Net((20, 64, 64, 2), 32, 20_000, dense_floats=True),
)
CROWD = 4  # times as many threads as CPUs
MOST_SLOWDOWN = 2.0
MOST_MEGABYTES = 40

MEMORY = """
import json, sys
import numpy as np
import fastnn
from benchmarks.memory import resident, forget_peak, peak
from benchmarks.workloads import Net

X, y = Net((784, 128, 10), 128, int(sys.argv[1])).data()
settings = dict(hidden=128, batch_size=128, learning_rate=0.1, epochs=1, seed=0)
fastnn.train(X[:1000], y[:1000], **settings)
forget_peak()
before = resident()
fastnn.train(X, y, **settings)
print(json.dumps({"data": X.nbytes + y.nbytes, "before": before, "peak": peak()}))
"""


class Epochs:
    """A training run; every call is an epoch in the same shuffled order."""

    def __init__(self, net: Net, X: np.ndarray, labels: np.ndarray, threads: int | None = None) -> None:
        settings = RunSettings(net.batch_size, threads)
        self.order = np.random.default_rng(2).permutation(len(X))
        self.rates = settings.constant_rates(len(X), 0.01)
        self.run = backends.get("numba")[1].open_run(net.network(), X, labels, settings)

    def __call__(self) -> None:
        """One epoch."""
        self.run.epoch(self.order, self.rates)


def many_rows(net: Net, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """So many made-up rows: ten thousand different ones over and over, for drawing them all takes minutes."""
    X, labels = replace(net, n_rows=min(n_rows, 10_000)).data()
    copies = -(-n_rows // len(X))
    return np.tile(X, (copies, 1))[:n_rows], np.tile(labels, copies)[:n_rows]


def growth(net: Net, sizes: Sequence[int], probe: Probe, rounds: int) -> dict[str, Any]:
    """Seconds of an epoch at each number of rows."""
    X, labels = many_rows(net, max(sizes))
    epochs = [Epochs(net, X[:n], labels[:n]) for n in sizes]
    timed = [Timed.warm(str(n), epoch) for n, epoch in zip(sizes, epochs, strict=True)]
    play(probe, timed, rounds)
    rows = [
        {"rows": n, "seconds": result["median"], "quiet": result["quiet"]}
        for n, result in zip(sizes, (one.result(probe) for one in timed), strict=True)
    ]
    for epoch in epochs:
        epoch.run.close()
    a_row = [row["seconds"] / row["rows"] for row in rows]
    return {"name": net.name, "data": X.nbytes, "sizes": rows, "spread": max(a_row) / min(a_row)}


def teams(net: Net, counts: Sequence[int], probe: Probe, rounds: int) -> dict[str, Any]:
    """Seconds of an epoch with each number of threads, and how fast each is beside as many as CPUs."""
    X, labels = net.data()
    counts = sorted(counts, key=lambda n: n != cpus())  # what the others are compared with comes first
    epochs = [Epochs(net, X, labels, threads=resolving.threads(n, "numba")) for n in counts]
    timed = [Timed.warm(str(n), epoch) for n, epoch in zip(counts, epochs, strict=True)]
    play(probe, timed, rounds)
    rows = []
    for n, one in zip(counts, timed, strict=True):
        result, beside = one.result(probe), speed(probe, timed[0], one)
        quiet = result["quiet"] and beside["quiet"]
        rows.append(
            {"threads": n, "seconds": result["median"], "slowdown": 1 / beside["median"], "quiet": quiet}
        )
    for epoch in epochs:
        epoch.run.close()
    return {"name": net.name, "rows": len(X), "teams": sorted(rows, key=lambda row: row["threads"])}


def memory(n_rows: int) -> dict[str, Any]:
    """Bytes that training adds, in a process of its own; a process before it fills the cache of kernels."""
    # With a fixed threshold glibc gives freed arrays back at once, so none is found again and not counted.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", MEMORY, str(n_rows)]
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the process that measures memory failed:\n{done.stderr}")
    measured = json.loads(done.stdout)
    return {"name": "784-128-10 b128", "rows": n_rows, "most": 1e6 * MOST_MEGABYTES, **measured} | {
        "added": measured["peak"] - measured["before"]
    }


def show_growth(result: dict[str, Any]) -> None:
    """Print one network's times."""
    print(f"\n{result['name']}: slowest row / fastest row = {result['spread']:.2f}")
    for row in result["sizes"]:
        noise = "" if row["quiet"] else "  (noisy)"
        print(
            f"  {row['rows']:9,} rows {1e3 * row['seconds']:12.3f} ms  "
            f"{1e9 * row['seconds'] / row['rows']:8.1f} ns a row{noise}",
            flush=True,
        )


def show_teams(result: dict[str, Any]) -> None:
    """Print one network's times with different numbers of threads."""
    print(f"\n{result['name']}, {result['rows']:,} rows")
    for row in result["teams"]:
        noise = "" if row["quiet"] else "  (noisy)"
        print(
            f"  {row['threads']:2} threads {1e3 * row['seconds']:12.3f} ms  {row['slowdown']:6.2f} × the "
            f"time of {cpus()}{noise}",
            flush=True,
        )


def main() -> None:
    """Measure, print, and save after each part, so that nothing is lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="accepted timings of each")
    parser.add_argument("--most", type=int, default=ROWS[-1], help="rows of the largest epoch")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    saved: dict[str, Any] = {"machine": record.machine(), "rounds": arguments.rounds}
    saved |= {"growth": [], "teams": [], "most_slowdown": MOST_SLOWDOWN}
    saved["memory"] = memory(60_000)
    print(f"memory: {saved['memory']['added'] / 1e6:.1f} MB added (wanted at most {MOST_MEGABYTES} MB)")
    record.save(arguments.json, saved)
    probe = Probe()
    sizes = [n for n in ROWS if n <= arguments.most]
    for net in GROWING:
        saved["growth"].append(growth(net, sizes, probe, arguments.rounds))
        show_growth(saved["growth"][-1])
        record.save(arguments.json, saved)
    counts = sorted({1, cpus(), CROWD * cpus()})
    for net in THREADED:
        saved["teams"].append(teams(net, counts, probe, arguments.rounds))
        show_teams(saved["teams"][-1])
        record.save(arguments.json, saved)
    probe.close()


if __name__ == "__main__":
    main()
