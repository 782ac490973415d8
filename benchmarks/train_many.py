"""Many small trainings: fastnn.train_many beside training one after the other on one thread.

    python benchmarks/train_many.py [--rounds 5] [--models 16] [--json FILE]

Every timing trains the same models, which differ in their seed. With a worker for each CPU the speed-up
should be 0.9 times the CPUs at least, where a training lasts some milliseconds; what keeps shorter ones from
that is the Python at their beginning and end, for which all workers take turns. Timings are bracketed by
benchmarks/peak.py's probe.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

import fastnn  # noqa: E402
from benchmarks import record  # noqa: E402
from benchmarks.peak import Probe, cpus  # noqa: E402
from benchmarks.rounds import Timed, play, speed  # noqa: E402
from benchmarks.workloads import Net  # noqa: E402

WANTED = 0.9  # of a speed-up by the number of CPUs


@dataclass(frozen=True)
class Work:
    """A network, its data, and how long it is trained; `wanted` if a speed-up is expected of it."""

    name: str
    data: Callable[[], tuple[np.ndarray, np.ndarray]]
    options: dict[str, Any]
    wanted: bool = True


def iris_like() -> tuple[np.ndarray, np.ndarray]:
    """150 rows of four columns, three classes."""
    generator = np.random.default_rng(0)
    y = np.arange(150) % 3
    return (generator.normal(size=(150, 4)) + y[:, None]).astype(np.float32), y


PLAIN = {"optimizer": "sgd", "learning_rate": 0.05, "backend": "numba"}
WORKS = (
    Work(
        "20-64-64-2 b32, 1,000 rows",
        Net((20, 64, 64, 2), 32, 1_000, dense_floats=True).data,
        PLAIN | {"hidden": (64, 64), "batch_size": 32, "epochs": 40},
    ),
    Work(
        "20-64-64-2 b32, Adam, 10,000 rows",
        Net((20, 64, 64, 2), 32, 10_000, dense_floats=True).data,
        PLAIN | {"hidden": (64, 64), "batch_size": 32, "epochs": 4, "optimizer": "adam"},
    ),
    Work(
        "digits 64-32-10 b16, 1,437 rows",
        lambda: fastnn.datasets.load("digits", split="train"),
        PLAIN | {"hidden": 32, "batch_size": 16, "epochs": 40},
    ),
    Work(
        "4-16-3 b8, 150 rows",
        iris_like,
        PLAIN | {"hidden": 16, "batch_size": 8, "epochs": 100},
        wanted=False,
    ),
)


def measure(work: Work, n_models: int, probe: Probe, rounds: int) -> dict[str, Any]:
    """Seconds of all models one by one, and the speed-up with one worker and with one a CPU."""
    X, y = work.data()
    settings = fastnn.grid(seed=range(n_models))

    def one_by_one() -> None:
        for setting in settings:
            fastnn.train(X, y, threads=1, **work.options, **setting)

    def together(workers: int) -> Callable[[], object]:
        return lambda: fastnn.train_many(X, y, settings, workers=workers, **work.options)

    timed = [Timed.warm("one by one", one_by_one)]
    timed += [Timed.warm(str(workers), together(workers)) for workers in sorted({1, cpus()})]
    play(probe, timed, rounds)
    beside = {int(one.name): speed(probe, timed[0], one) for one in timed[1:]}
    alone = timed[0].result(probe)
    return {
        "name": work.name,
        "models": n_models,
        "epochs": work.options["epochs"],
        "seconds": alone["median"],
        "models_per_second": n_models / alone["median"],
        "speed_up": {workers: result["median"] for workers, result in beside.items()},
        "wanted": WANTED * cpus() if work.wanted else None,
        "quiet": alone["quiet"] and all(result["quiet"] for result in beside.values()),
    }


def show(result: dict[str, Any]) -> None:
    """Print one network's figures."""
    times = ", ".join(f"{ratio:.2f} × with {n} workers" for n, ratio in result["speed_up"].items())
    wanted = "" if result["wanted"] is None else f"  (wanted: {result['wanted']:.1f})"
    noise = "" if result["quiet"] else "  (noisy)"
    print(
        f"{result['name']:36} {result['models_per_second']:7.1f} models/s one by one; {times}{wanted}{noise}",
        flush=True,
    )


def main() -> None:
    """Measure, print, and save after each network, so that nothing is lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="accepted timings of each")
    parser.add_argument("--models", type=int, default=16, help="trainings in each timing")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    saved: dict[str, Any] = {"machine": record.machine(), "rounds": arguments.rounds, "rows": []}
    probe = Probe()
    for work in WORKS:
        saved["rows"].append(measure(work, arguments.models, probe, arguments.rounds))
        show(saved["rows"][-1])
        record.save(arguments.json, saved)
    probe.close()


if __name__ == "__main__":
    main()
