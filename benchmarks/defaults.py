"""How fastnn.train's defaults were chosen: accuracy after 20 epochs over batch sizes and step sizes.

    python benchmarks/defaults.py [--seeds 5] [--with-mnist]

Small tables come from scikit-learn, raw and standardised, a quarter of the rows held out for testing, one
split and one initialisation a seed. The row "auto auto" is what fastnn.train does when told nothing.
"""

import argparse
import statistics
import warnings
from collections.abc import Iterator

import numpy as np

import fastnn

BATCH_SIZES = ("auto", 8, 32, 128)
LEARNING_RATES = ("auto", 0.03, 0.1, 0.3)


def tables() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(name, X, y) of scikit-learn's small classification tables, raw and standardised."""
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        table = getattr(datasets, f"load_{name}")()
        X, y = table.data, table.target
        yield f"{name} raw", X, y
        yield f"{name} standardised", (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9), y


def accuracy(X: np.ndarray, y: np.ndarray, seed: int, **settings: object) -> float:
    """Test accuracy on a held-out quarter; 0 if training diverged."""
    X_train, y_train, X_test, y_test = fastnn.datasets.split(X, y, fraction=0.25, seed=seed)
    try:
        return fastnn.train(X_train, y_train, seed=seed, **settings).score(X_test, y_test)
    except fastnn.errors.DivergedError:
        return 0.0


def mnist_accuracy(seed: int, **settings: object) -> float:
    """Accuracy on MNIST's own test images."""
    model = fastnn.train(*fastnn.datasets.load("mnist", split="train"), seed=seed, **settings)
    return model.score(*fastnn.datasets.load("mnist", split="test"))


def row(name: str, batch_size: object, learning_rate: object, scores: list[float]) -> None:
    """Print one line of the table."""
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    mean = statistics.mean(scores)
    print(
        f"{name:28} {batch_size!s:>6} {learning_rate!s:>6} {100 * mean:7.2f} {100 * spread:6.2f}", flush=True
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--with-mnist", action="store_true", help="also MNIST, default settings and 0.1 / 128"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # raw tables are badly scaled on purpose
    print(f"{'data':28} {'batch':>6} {'rate':>6} {'mean %':>7} {'sd':>6}")
    for name, X, y in tables():
        for batch_size in BATCH_SIZES:
            for learning_rate in LEARNING_RATES:
                settings = {"batch_size": batch_size, "learning_rate": learning_rate}
                scores = [accuracy(X, y, seed, **settings) for seed in range(arguments.seeds)]
                row(name, batch_size, learning_rate, scores)
    if arguments.with_mnist:
        for batch_size, learning_rate in (("auto", "auto"), (128, 0.1), (64, 0.2), (32, 0.1)):
            settings = {"batch_size": batch_size, "learning_rate": learning_rate}
            row("mnist", batch_size, learning_rate, [mnist_accuracy(seed, **settings) for seed in range(2)])


if __name__ == "__main__":
    main()
