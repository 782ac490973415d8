"""Five small networks with known results on MNIST: trains them and prints the test accuracies.

    python benchmarks/known_networks.py                 all five
    python benchmarks/known_networks.py full-batch      one of them
    python benchmarks/known_networks.py --json FILE     also write the results, for `benchmarks/report.py`

MNIST is downloaded once, or found in FASTNN_DATA_DIR. tests/test_known_networks.py runs the same functions
and holds the accuracies to their floors.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import fastnn

Data = tuple[np.ndarray, np.ndarray]


def full_batch(train: Data, test: Data, **options: object) -> float:
    """784-10-10 ReLU, full-batch gradient descent, α = 0.1, 500 iterations, a line every 50th."""
    model = fastnn.train(
        *train, hidden=10, batch_size="full", learning_rate=0.1, epochs=500, verbose=50, seed=0, **options
    )
    return model.score(*test)


def tanh(train: Data, test: Data, **options: object) -> float:
    """784-10-10 tanh, mini-batches of 64, α = 0.1, 100 epochs."""
    model = fastnn.train(
        *train,
        hidden=10,
        activation="tanh",
        batch_size=64,
        learning_rate=0.1,
        epochs=100,
        seed=0,
        **options,
    )
    return model.score(*test)


def relu(train: Data, test: Data, **options: object) -> float:
    """784-10-10 ReLU, mini-batches of 64, α = 0.1, 100 epochs."""
    model = fastnn.train(*train, hidden=10, batch_size=64, learning_rate=0.1, epochs=100, seed=0, **options)
    return model.score(*test)


def from_csv(train: Data, test: Data, **options: object) -> float:
    """784-10-10-10 ReLU from a Kaggle-layout CSV, early stopping on a development set, saved, loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        write_kaggle_csv(path, *train)
        X, y = fastnn.datasets.load(path)
        X, y, X_dev, y_dev = fastnn.datasets.split(X, y, fraction=0.1, seed=0)
        model = fastnn.train(
            X,
            y,
            hidden=(10, 10),
            batch_size=64,
            learning_rate=0.05,
            epochs=200,
            validation=(X_dev, y_dev),
            early_stopping=20,
            seed=0,
            **options,
        )
        model.save(Path(folder) / "model.safetensors")
        loaded = fastnn.load(Path(folder) / "model.safetensors")
        return float(np.mean(loaded.predict(test[0]) == test[1]))


def relu_128(train: Data, test: Data, **options: object) -> float:
    """784-128-10 ReLU, 20 epochs, everything else as fastnn.train chooses it."""
    return fastnn.train(*train, hidden=128, epochs=20, seed=0, **options).score(*test)


@dataclass(frozen=True)
class Known:
    """A network, how to train it, and the accuracy that is expected of it at least."""

    name: str
    train: Callable[..., float]
    floor: float


NETWORKS = (
    Known("full-batch", full_batch, 0.89),
    Known("tanh", tanh, 0.922),
    Known("relu", relu, 0.933),
    Known("csv", from_csv, 0.935),
    Known("relu-128", relu_128, 0.978),
)


def write_kaggle_csv(path: Path, X: np.ndarray, y: np.ndarray) -> None:
    """Write images in the layout of Kaggle's digit recogniser: label,pixel0,pixel1,…"""
    header = ",".join(["label", *(f"pixel{i}" for i in range(X.shape[1]))])
    np.savetxt(path, np.column_stack([y, X]), fmt="%d", delimiter=",", header=header, comments="")


def main() -> None:
    """Train the networks asked for and print one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known.name for known in NETWORKS))
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {known.name for known in NETWORKS}
    if unknown:
        parser.error(f"unknown network {', '.join(sorted(unknown))}")
    train, test = (fastnn.datasets.load("mnist", split=split) for split in ("train", "test"))
    rows = []
    for known in NETWORKS:
        if not arguments.names or known.name in arguments.names:
            start = time.perf_counter()
            accuracy = known.train(train, test, backend=arguments.backend)
            seconds = time.perf_counter() - start
            print(f"{known.name:12} test accuracy {100 * accuracy:.2f} %  in {seconds:.1f} s", flush=True)
            rows.append(
                {
                    "name": known.name,
                    "what": (known.train.__doc__ or "").rstrip("."),
                    "floor": known.floor,
                    "accuracy": accuracy,
                    "seconds": seconds,
                }
            )
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"rows": rows}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
