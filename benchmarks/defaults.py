"""fastnn.train told nothing beside scikit-learn's MLPClassifier told nothing, on small tables and MNIST.

    python benchmarks/defaults.py [--seeds 10] [--json FILE]     the comparison
    python benchmarks/defaults.py --grid                         how the defaults were chosen

Tables come from scikit-learn, raw and standardised by the training rows; a quarter of the rows is held out,
stratified, one split and one initialisation a seed. MNIST is trained once a seed, with --mnist N seeds.
"""

import argparse
import json
import statistics
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import fastnn

GRID = [
    {"optimizer": optimizer, "batch_size": batch_size, "epochs": epochs}
    for optimizer in ("sgd", "adam")
    for batch_size in ("auto", 32, 128)
    for epochs in (20, 100, 200)
]

Scores = list[float]


def tables(seed: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    """(name, [X_train, y_train, X_test, y_test]) of scikit-learn's small tables, raw and standardised."""
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        table = getattr(datasets, f"load_{name}")()
        parts = list(fastnn.datasets.split(table.data, table.target, fraction=0.25, seed=seed))
        yield f"{name} raw", parts
        mean, deviation = parts[0].mean(axis=0), parts[0].std(axis=0)
        scaled = [(X - mean) / np.where(deviation > 0, deviation, 1) for X in (parts[0], parts[2])]
        yield f"{name} standardised", [scaled[0], parts[1], scaled[1], parts[3]]


def accuracy(parts: list[np.ndarray], seed: int, **settings: object) -> float:
    """Test accuracy of fastnn; 0 if training diverged."""
    X, y, X_test, y_test = parts
    try:
        return fastnn.train(X, y, seed=seed, **settings).score(X_test, y_test)
    except fastnn.errors.DivergedError:
        return 0.0


def scikit_learn_accuracy(parts: list[np.ndarray], seed: int) -> float:
    """Test accuracy of MLPClassifier with its own defaults."""
    from sklearn.neural_network import MLPClassifier

    X, y, X_test, y_test = parts
    return float(MLPClassifier(random_state=seed).fit(X, y).score(X_test, y_test))


def mean_and_error(scores: Scores) -> tuple[float, float]:
    """Mean and standard error."""
    deviation = statistics.stdev(scores) if len(scores) > 1 else 0.0
    return statistics.mean(scores), deviation / len(scores) ** 0.5


def compare(seeds: int) -> list[dict[str, object]]:
    """A row a table: accuracies of both."""
    scores: dict[str, tuple[Scores, Scores]] = {}
    for seed in range(seeds):
        for name, parts in tables(seed):
            ours, theirs = scores.setdefault(name, ([], []))
            ours.append(accuracy(parts, seed))
            theirs.append(scikit_learn_accuracy(parts, seed))
    rows = []
    for name, pair in scores.items():
        (ours, our_error), (theirs, their_error) = map(mean_and_error, pair)
        rows.append(
            {
                "name": name,
                "fastnn": ours,
                "fastnn_error": our_error,
                "scikit-learn": theirs,
                "scikit-learn_error": their_error,
            }
        )
        print(
            f"{name:28} fastnn {100 * ours:6.2f} ± {100 * our_error:.2f}   "
            f"scikit-learn {100 * theirs:6.2f} ± {100 * their_error:.2f}",
            flush=True,
        )
    return rows


def mnist(seeds: int) -> list[dict[str, object]]:
    """One row: accuracy on MNIST's own test images."""
    train, test = (fastnn.datasets.load("mnist", split=split) for split in ("train", "test"))
    mean, error = mean_and_error([accuracy([*train, *test], seed) for seed in range(seeds)])
    print(f"{'mnist':28} fastnn {100 * mean:6.2f} ± {100 * error:.2f}", flush=True)
    return [{"name": "mnist", "fastnn": mean, "fastnn_error": error}]


def grid(seeds: int) -> None:
    """Print accuracies over the grid."""
    for settings in [{}, *GRID]:
        scores: dict[str, Scores] = {}
        for seed in range(seeds):
            for name, parts in tables(seed):
                scores.setdefault(name, []).append(accuracy(parts, seed, **settings))
        shown = "  ".join(f"{name} {100 * statistics.mean(values):.1f}" for name, values in scores.items())
        print(f"{settings or 'auto'}: {shown}", flush=True)


def main() -> None:
    """Print the comparison, or the grid."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--mnist", type=int, default=0, metavar="N", help="seeds of MNIST")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of badly scaled tables, and of trainings that have not converged
    if arguments.grid:
        grid(arguments.seeds)
        return
    rows = compare(arguments.seeds) + (mnist(arguments.mnist) if arguments.mnist else [])
    if arguments.json is not None:
        saved = {"seeds": arguments.seeds, "mnist_seeds": arguments.mnist, "rows": rows}
        arguments.json.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
