"""Trains, saves, kills, resumes and predicts at random, and checks what must always be so.

    python -m tests.long.soak --seconds 600              # a seed a round; each is printed before it begins
    python -m tests.long.soak --first 1234 --rounds 1    # the round that failed once more

A round draws data, settings and what it does with them from its seed. What it checks, see the functions named
check_…; pytest -m soak runs it too (tests/long/test_soak.py).
"""

from __future__ import annotations

import argparse
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import fastnn
from fastnn import backends
from fastnn.trainer import resolving

ROOT = Path(fastnn.__file__).parents[1]
MOST_GROWTH = 60  # MB between the tenth round and the last: kernels go on being loaded


class Round:
    """What one seed stands for: data and settings."""

    def __init__(self, seed: int) -> None:
        self.seed, self.random = seed, np.random.default_rng(seed)
        random = self.random
        n_rows, n_features = int(random.integers(20, 700)), int(random.integers(1, 90))
        self.kind = str(random.choice(["classes", "images", "labels", "numbers", "counts"]))
        X = random.normal(size=(n_rows, n_features)) * (
            random.random((n_rows, n_features)) < random.uniform(0.2, 1)
        )
        self.X = (np.abs(X) * 80).clip(0, 255).astype(np.uint8) if self.kind == "images" else X
        scores = X @ random.normal(size=(n_features, 4)) / np.sqrt(n_features)
        self.y = {
            "labels": (scores > 0).astype(int),
            "numbers": scores[:, :2].astype(np.float64),
            "counts": random.poisson(np.exp(scores[:, :1].clip(-2, 2))).astype(np.float64),
        }.get(self.kind, np.arange(n_rows) % 3)
        self.settings = self._settings()

    def _settings(self) -> dict[str, Any]:
        random = self.random
        depth = int(random.integers(0, 4))
        settings: dict[str, Any] = {
            "hidden": tuple(int(width) for width in random.integers(1, 140, depth)),
            "activation": [
                str(random.choice(["relu", "tanh", "gelu", "logistic", "elu"])) for _ in range(depth)
            ],
            "epochs": int(random.integers(2, 6)),
            "batch_size": random.choice(np.array([1, 7, 32, 100, "full"], object)),
            "optimizer": str(random.choice(["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])),
            "learning_rate": 1e-3,
            "dtype": str(random.choice(["float32", "float64"])),
            "seed": self.seed,
            "clip_norm": 1.0,
        }
        if self.kind == "counts":
            settings["loss"] = "poisson"
        chances = {
            "dropout": 0.2, "input_dropout": 0.1, "l2": 1e-3, "l1": 1e-4, "max_norm": 3.0,
            "weight_decay": 1e-3, "schedule": "cosine", "validation": 0.2, "standardize": True,
        }  # fmt: skip
        settings |= {name: value for name, value in chances.items() if random.random() < 0.25}
        if not depth:
            settings.pop("dropout", None)
        if random.random() < 0.3:
            settings |= {"sample_weight": random.uniform(0.1, 2, len(self.X))}
        if settings.get("validation") and random.random() < 0.5:
            settings |= {"early_stopping": 2, "monitor": "validation_loss"}
        return settings

    def train(self, **changes: Any) -> fastnn.Network:
        """Train, with other settings than drawn."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fastnn.train(self.X, self.y, **self.settings | changes)


def bits(model: fastnn.Network) -> tuple[Any, ...]:
    """Everything of a model that must be the same wherever and however it was trained."""
    arrays = [array.tobytes() for array in (*model.weights, *model.biases)]
    history = {name: column for name, column in model.history.items() if name != "seconds"}
    return (*arrays, repr(history), model.history.stop_reason, model.history.best_epoch)


def predictions(model: fastnn.Network, X: Any) -> bytes:
    """Of the path for few rows and of the other."""
    return model.predict(X[:7]).tobytes() + model.predict(X).tobytes()


# ---- what must be so --------------------------------------------------------------------------------------


def check_threads(round_: Round, backend: str, expected: tuple[Any, ...]) -> None:
    """The bits do not depend on the number of threads."""
    if backend == "numba":
        threads = int(round_.random.integers(1, 9))
        assert bits(round_.train(backend=backend, threads=threads)) == expected, f"{threads} threads"


def check_concurrency(round_: Round, backend: str, expected: tuple[Any, ...]) -> None:
    """Nor on what else runs at the same time, nor whether train_many or train was called."""
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(round_.train, backend=backend) for _ in range(3)]
        models = [future.result() for future in futures]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models += fastnn.train_many(round_.X, round_.y, [{}, {}], backend=backend, **round_.settings)
    assert all(bits(model) == expected for model in models)


def check_predictions(round_: Round, backend: str, expected: tuple[Any, ...], folder: Path) -> None:
    """Saved and loaded, pickled, in many threads, and in a fork: the same predictions."""
    model = round_.train(backend=backend)
    wanted = predictions(model, round_.X)
    model.save(folder / "model.safetensors")
    loaded = fastnn.load(folder / "model.safetensors", backend=backend)
    assert predictions(loaded, round_.X) == wanted
    assert predictions(pickle.loads(pickle.dumps(model)), round_.X) == wanted
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: predictions(loaded, round_.X), range(8))) == {wanted}
    if hasattr(os, "fork"):
        check_fork(round_, backend, expected, model, wanted)


def check_fork(
    round_: Round, backend: str, expected: tuple[Any, ...], model: fastnn.Network, wanted: bytes
) -> None:
    """A fork predicts and trains, and ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of forks where there are threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(120)
            status = int(
                predictions(model, round_.X) != wanted or bits(round_.train(backend=backend)) != expected
            )
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0, "in a fork"


def check_interruption(round_: Round, backend: str, expected: tuple[Any, ...], folder: Path) -> None:
    """Ctrl-C at some moment; then two epochs more from the checkpoint, to the bits of one training."""
    path = folder / "interrupted.fastnn"
    options: dict[str, Any] = {"backend": backend, "schedule": "constant"}
    timer = threading.Timer(float(round_.random.uniform(0, 0.05)), os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        model = round_.train(checkpoint=path, epochs=10_000, **options)
        assert model.history.stop_reason in ("interrupted", "early stopping")
        assert {len(column) for column in model.history.values()} <= {model.history.n_epochs}
        timer.join()
        time.sleep(0.01)  # where training was over first, the signal comes here
    except KeyboardInterrupt:
        pass
    model = None  # which keeps the threads that validated it
    check_no_threads()
    if path.exists():
        options["epochs"] = fastnn.trainer.checkpoint.read(path).epoch + 2
        resumed = round_.train(checkpoint=path, resume=True, **options)
        assert bits(resumed) == bits(round_.train(**options)), "interrupted and resumed"


def check_no_threads() -> None:
    """All of fastnn's threads have ended, or do so at once."""
    for _ in range(200):
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith("fastnn")]
        if not left:
            return
        time.sleep(0.01)
    raise AssertionError(f"threads are left: {left}")


def check_kill(round_: Round, backend: str, expected: tuple[Any, ...], folder: Path) -> None:
    """Killed at some moment; then resumed, to the same bits."""
    path = folder / "killed.fastnn"
    code = (
        "import sys; from tests.long.soak import Round\n"
        "print('ready', flush=True)\n"
        f"Round({round_.seed}).train(backend={backend!r}, checkpoint={str(path)!r}, resume=True)"
    )
    for _ in range(int(round_.random.integers(1, 3))):
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(round_.random.uniform(0, 0.6)))
            process.kill()
        if path.exists():
            fastnn.load(path)
    assert bits(round_.train(backend=backend, checkpoint=path, resume=True)) == expected, "killed and resumed"


def check_round(seed: int, folder: Path) -> str:
    """One round; returns what it did."""
    round_ = Round(seed)
    backend = str(round_.random.choice(backends.available()))
    expected = bits(round_.train(backend=backend))
    assert all(np.isfinite(np.frombuffer(array, round_.settings["dtype"])).all() for array in expected[:-3])
    what = str(
        round_.random.choice(
            ["threads", "concurrency", "predictions", "interruption", "kill"], p=[0.3, 0.2, 0.25, 0.15, 0.1]
        )
    )
    if what == "threads":
        check_threads(round_, backend, expected)
    elif what == "concurrency":
        check_concurrency(round_, backend, expected)
    else:
        check = {"predictions": check_predictions, "interruption": check_interruption, "kill": check_kill}[
            what
        ]
        check(round_, backend, expected, folder)
    return f"{backend}, {round_.kind}, {what}"


def resident() -> float:
    """MB of this process in memory; 0 where that cannot be read."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
    except OSError:
        return 0.0


def run(first: int, *, seconds: float = float("inf"), rounds: float = float("inf")) -> int:
    """Rounds with the seeds first, first + 1, … until the time is up; returns how many there were."""
    resolving.granted_cpus = lambda: 8  # so that threads= is taken at its word
    end, count, memory = time.monotonic() + seconds, 0, 0.0
    while count < rounds and time.monotonic() < end:
        seed = first + count
        print(f"round {seed}", end=": ", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            print(check_round(seed, Path(folder)), flush=True)
        count += 1
        if count == 10:
            memory = resident()
    if count > 30:
        assert resident() - memory < MOST_GROWTH, f"memory grew by {resident() - memory:.0f} MB"
    return count


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--rounds", type=float, default=float("inf"))
    parser.add_argument("--first", type=int, help="seed of the first round; without, it is drawn")
    arguments = parser.parse_args()
    first = int.from_bytes(os.urandom(3)) if arguments.first is None else arguments.first
    print(f"{run(first, seconds=arguments.seconds, rounds=arguments.rounds)} rounds, all good")


if __name__ == "__main__":
    main()
