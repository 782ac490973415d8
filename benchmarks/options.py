"""What each option of training costs: samples a second beside plain gradient descent on 784-512-512-10.

    python benchmarks/options.py [--dense] [--rounds 5] [--only NAME] [--rows N] [--threads N] [--json FILE]

An epoch in batches of 128 on uint8 digits: MNIST's with FASTNN_DATA_DIR, else made up and as sparse.
`--dense` takes made-up float32 rows without a zero, for plain gradient descent skips zeros. Every round times
each option once, and an option is compared with plain descent within each round; benchmarks/peak.py says
which timings count. With `--json` the two kinds of input share one file.
"""

import argparse
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

from benchmarks import record  # noqa: E402
from benchmarks.peak import Probe, cpus  # noqa: E402
from benchmarks.peers import task  # noqa: E402
from benchmarks.rounds import Timed, play, speed  # noqa: E402
from benchmarks.workloads import Net  # noqa: E402
from fastnn import backends, optimizers  # noqa: E402
from fastnn.regularisation import Regularisation  # noqa: E402
from fastnn.run_settings import RunSettings  # noqa: E402

NET = Net((784, 512, 512, 10), 128, 20_000)


@dataclass(frozen=True)
class Option:
    """One change to plain gradient descent with relu.

    wanted          least share of plain descent's samples a second
    weighted        whether rows have weights
    regularisation  as fastnn.train takes it
    """

    name: str
    wanted: float | None = None
    optimizer: str = "sgd"
    activation: str = "relu"
    weighted: bool = False
    regularisation: Mapping[str, Any] = field(default_factory=dict)


PLAIN = Option("plain")
OPTIONS = (
    PLAIN,
    Option("momentum", 0.85, optimizer="momentum"),
    Option("Nesterov's momentum", optimizer="nesterov"),
    Option("Adam", 0.7, optimizer="adam"),
    Option("AdamW", optimizer="adamw"),
    Option("RMSprop", optimizer="rmsprop"),
    Option("l2", regularisation={"l2": 1e-4}),
    Option("dropout, hidden and input", 0.8, regularisation={"dropout": 0.5, "input_dropout": 0.2}),
    Option("dropout, hidden", 0.8, regularisation={"dropout": 0.5}),
    Option("max-norm", regularisation={"max_norm": 2.0}),
    Option("clip norm", regularisation={"clip_norm": 0.5}),
    Option("clip value", regularisation={"clip_value": 0.01}),
    Option("label smoothing", regularisation={"label_smoothing": 0.1}),
    Option("tanh", 0.9, activation="tanh"),
    Option("gelu", activation="gelu"),
    Option("sample weights", 0.95, weighted=True),
)


class Epochs:
    """A training run with one option; every call is an epoch in another order."""

    def __init__(self, option: Option, data: task.Task, threads: int) -> None:
        optimizer = optimizers.get(option.optimizer)
        n_hidden = len(data.weights) - 1
        regularisation = Regularisation.checked(n_hidden=n_hidden, **option.regularisation)
        settings = RunSettings(data.batch_size, threads, optimizer, regularisation, dropout_seed=1)
        network = data.network()
        network.activations = (option.activation,) * n_hidden
        n_rows = len(data.X)
        weights = np.random.default_rng(4).uniform(0.5, 1.5, n_rows).astype(np.float32)
        numba = backends.get("numba")[1]
        # What matters of the rate is only that nothing overflows.
        self.rates = settings.constant_rates(n_rows, optimizer.usual_rate or 0.01)
        self.orders = itertools.cycle([data.order(seed) for seed in (1, 2, 3)])
        self.run = numba.open_run(
            network, data.X, data.labels, settings, weights if option.weighted else None
        )

    def __call__(self) -> None:
        """One epoch."""
        losses, _ = self.run.epoch(next(self.orders), self.rates)
        if not np.isfinite(losses).all():
            raise SystemExit("the loss is no longer a number, so the times would mean nothing")


def measure(
    options: Sequence[Option], net: Net, *, rounds: int, threads: int, real: bool = True
) -> dict[str, Any]:
    """Times of the options, plain gradient descent among them, on one kind of input."""
    data, probe = task.make(net, real=real), Probe(threads)
    epochs = [Epochs(option, data, threads) for option in options]
    timed = [Timed.warm(option.name, epoch) for option, epoch in zip(options, epochs, strict=True)]
    play(probe, timed, rounds)
    rows = []
    for option, one in zip(options, timed, strict=True):
        result, beside = one.result(probe), speed(probe, timed[0], one)
        rows.append(
            {
                "name": option.name,
                "seconds": result["median"],
                "samples_per_second": len(data.X) / result["median"],
                "share": beside["median"],
                "lowest": beside["lowest"],
                "highest": beside["highest"],
                "kept": beside["kept"],
                "quiet": beside["quiet"],
                "wanted": option.wanted,
            }
        )
    for epoch in epochs:
        epoch.run.close()
    probe.close()
    return {
        "machine": record.machine(),
        "net": replace(net, dense_floats=False).name,
        "rows": len(data.X),
        "data": data.source,
        "threads": threads,
        "rounds": rounds,
        "peak": probe.best,
        "options": rows,
    }


def show(measured: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{measured['net']}, {measured['rows']:,} rows, {measured['data']}, {measured['threads']} threads")
    for row in measured["options"]:
        wanted = "" if row["wanted"] is None else f"wanted {100 * row['wanted']:.0f} %"
        noise = "" if row["quiet"] else "  (noisy: too few quiet rounds)"
        print(
            f"  {row['name']:26} {row['samples_per_second']:10,.0f} samples/s  {100 * row['share']:6.1f} %  "
            f"[{100 * row['lowest']:.1f} … {100 * row['highest']:.1f}]  {wanted:12}{noise}"
        )


def main() -> None:
    """Measure what is asked for, print it and save it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dense", action="store_true", help="made-up float32 rows instead of uint8 digits")
    parser.add_argument("--rounds", type=int, default=5, help="accepted timings of each option")
    parser.add_argument("--only", metavar="NAME", help="; ".join(option.name for option in OPTIONS))
    parser.add_argument("--rows", type=int, default=NET.n_rows, help="rows of an epoch")
    parser.add_argument("--threads", type=int, default=cpus(), help="of every run; all CPUs if not given")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    wanted = (arguments.only or "").lower()
    chosen = [option for option in OPTIONS[1:] if wanted in option.name.lower()]
    if not chosen:
        parser.error(f"nothing is called {arguments.only}")
    net = replace(NET, n_rows=arguments.rows, dense_floats=arguments.dense)
    measured = measure([PLAIN, *chosen], net, rounds=arguments.rounds, threads=arguments.threads)
    show(measured)
    record.save_part(arguments.json, "dense" if arguments.dense else "digits", measured)


if __name__ == "__main__":
    main()
