"""fastnn.sklearn's estimators beside scikit-learn's own: fitting, predicting, and a grid search.

    python benchmarks/estimators.py [--rounds 5] [--only NAME] [--mnist ROWS] [--json FILE]

Both get the same data, settings and random_state, hence the same first weights and mini-batches, and train
for the same number of epochs, for nothing stops them early; work that does not end alike is not timed. Every
round times both, on float64 and on float32 rows. scikit-learn's products run on all CPUs or on one, whichever
is faster for it. With FASTNN_DATA_DIR the images are MNIST's, else made up and as sparse. benchmarks/peak.py
says which timings count. With `--json` a row replaces the one of its name in the file.
"""

import argparse
import math
import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

import fastnn.sklearn  # noqa: E402
from benchmarks import record  # noqa: E402
from benchmarks.peak import Probe  # noqa: E402
from benchmarks.peers import task  # noqa: E402
from benchmarks.peers.threads import CHOICES, limit_blas  # noqa: E402
from benchmarks.rounds import Timed, play, speed  # noqa: E402
from benchmarks.workloads import Net  # noqa: E402

CLASSES = {"scikit-learn": sklearn.neural_network.MLPClassifier, "fastnn": fastnn.sklearn.MLPClassifier}
DTYPES = ("float64", "float32")
LONG = 1.0  # seconds; longer work is called once before it is timed, not twice
ALIKE = 0.01  # relative difference of losses, absolute difference of probabilities and accuracies

Table = tuple[np.ndarray, np.ndarray, str]  # X float64, y, where they come from


def digits(rows: int) -> Table:
    """The 8 × 8 digits of scikit-learn, from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    return X[:rows] / 16, y[:rows], "digits"


def images(rows: int) -> Table:
    """MNIST, or images as sparse, from 0 to 1."""
    made = task.make(Net((784, 100, 10), 200, rows))
    return made.floats.astype(np.float64), made.labels, made.source


def normal(rows: int) -> Table:
    """Rows of 20 normally distributed columns; which of two classes a row is follows from four of them."""
    X = np.random.default_rng(0).standard_normal((rows, 20))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > X[:, 3]).astype(np.int64), "made up"


@dataclass(frozen=True)
class Work(ABC):
    """One row of the table: what is trained on what; `wanted` is how many times faster fastnn should be."""

    name: str
    table: Callable[[int], Table]
    rows: int
    wanted: float | None = None
    hidden: tuple[int, ...] = (100,)
    batch_size: int | str = "auto"
    epochs: int = 20
    n_jobs: int = 1

    def estimator(self, library: str) -> Any:
        """The estimator of one library, with settings that let it train all its epochs."""
        return CLASSES[library](
            hidden_layer_sizes=self.hidden,
            batch_size=self.batch_size,
            max_iter=self.epochs,
            n_iter_no_change=self.epochs + 1,
            random_state=0,
        )

    @abstractmethod
    def job(self, library: str, X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
        """What is timed."""

    @abstractmethod
    def differs(self, ours: Any, theirs: Any) -> str | None:
        """How the results of two jobs differ more than by rounding, or None."""


class Fit(Work):
    """One call of fit."""

    def job(self, library: str, X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
        """See Work.job."""
        estimator = self.estimator(library)
        return lambda: estimator.fit(X, y)

    def differs(self, ours: Any, theirs: Any) -> str | None:
        """See Work.differs."""
        ends = [(estimator.n_iter_, estimator.loss_) for estimator in (ours, theirs)]
        alike = ends[0][0] == ends[1][0] == self.epochs and math.isclose(
            ends[0][1], ends[1][1], rel_tol=ALIKE
        )
        return None if alike else f"epochs and losses {ends}"


@dataclass(frozen=True)
class Prediction(Work):
    """predict_proba of the first `predicted` rows, by an estimator that is fitted already."""

    predicted: int = 1

    def job(self, library: str, X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
        """See Work.job."""
        estimator, rows = self.estimator(library).fit(X, y), X[: self.predicted].copy()
        return lambda: estimator.predict_proba(rows)

    def differs(self, ours: Any, theirs: Any) -> str | None:
        """See Work.differs."""
        difference = float(np.abs(ours - theirs).max())
        return None if difference <= ALIKE else f"probabilities by up to {difference:.3g}"


@dataclass(frozen=True)
class Search(Work):
    """GridSearchCV over every combination of `choices`, by cross-validation."""

    choices: Mapping[str, Sequence[Any]] = field(
        default_factory=lambda: {
            "hidden_layer_sizes": [(50,), (100,), (50, 50), (100, 50)],
            "alpha": [1e-5, 1e-3, 1e-1],
            "learning_rate_init": [1e-3, 1e-2],
        }
    )
    folds: int = 5

    def job(self, library: str, X: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
        """See Work.job."""
        search = GridSearchCV(self.estimator(library), self.choices, cv=self.folds, n_jobs=self.n_jobs)
        return lambda: search.fit(X, y)

    def differs(self, ours: Any, theirs: Any) -> str | None:
        """See Work.differs."""
        scores = [search.cv_results_["mean_test_score"] for search in (ours, theirs)]
        difference = float(np.abs(scores[0] - scores[1]).max())
        return None if difference <= ALIKE else f"accuracies by up to {difference:.3g}"


WORKS = (
    Fit("fit digits, 64-100-10", digits, 1_797, 4.0, epochs=50),
    Fit("fit MNIST, 784-100-10", images, 60_000, 4.0, epochs=2),
    Fit("fit 20-64-64-2, batches of 32", normal, 100_000, 8.0, hidden=(64, 64), batch_size=32, epochs=1),
    Prediction("predict_proba, 1 row, 64-100-10", digits, 1_797, 5.0),
    Prediction("predict_proba, 1,000 rows, 64-100-10", digits, 1_797, predicted=1_000),
    Search("grid search, 24 candidates × 5 folds, n_jobs=1", digits, 1_797, 4.0),
    Search("grid search, 24 candidates × 5 folds, n_jobs=2", digits, 1_797, 4.0, n_jobs=2),
)


def measure(work: Work, probe: Probe, rounds: int) -> dict[str, Any]:
    """Seconds of both libraries on float64 and on float32 rows, and how many times faster fastnn is."""
    X, y, source = work.table(work.rows)
    tables = {dtype: X.astype(dtype) for dtype in DTYPES}
    jobs = {(dtype, library): work.job(library, tables[dtype], y) for dtype in DTYPES for library in CLASSES}
    for dtype in DTYPES:
        difference = work.differs(jobs[dtype, "fastnn"](), jobs[dtype, "scikit-learn"]())
        if difference:
            raise SystemExit(f"{work.name}, {dtype}: fastnn and scikit-learn differ: {difference}")
    threads = faster_blas(jobs["float64", "scikit-learn"])
    timed = {key: warm(f"{key[1]}, {key[0]}", job) for key, job in jobs.items()}
    play(probe, list(timed.values()), rounds)
    row = {
        "name": work.name,
        "kind": type(work).__name__,
        "rows": len(X),
        "data": source,
        "epochs": work.epochs,
        "n_jobs": work.n_jobs,
        "scikit-learn_threads": threads,
        "wanted": work.wanted,
        "rounds": rounds,
        "machine": record.machine((*record.OWN_PACKAGES, "scikit-learn")),
    }
    for dtype in DTYPES:
        pair = {library: timed[dtype, library] for library in CLASSES}
        row[dtype] = {
            **{library: one.result(probe) for library, one in pair.items()},
            "times faster": speed(probe, pair["scikit-learn"], pair["fastnn"]),
        }
    return row


def faster_blas(job: Callable[[], object]) -> int:
    """Give scikit-learn's products as many threads as are faster for `job`, and return the number."""

    def seconds(threads: int) -> float:
        limit_blas(threads)
        return min(once(job) for _ in range(2))

    threads = min(CHOICES, key=seconds)
    limit_blas(threads)
    return threads


def once(job: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def warm(name: str, job: Callable[[], object]) -> Timed:
    """As Timed.warm; long work was called before, which is enough."""
    return Timed(name, job) if once(job) > LONG else Timed.warm(name, job)


def show(row: dict[str, Any]) -> None:
    """Print one row."""
    wanted = "" if row["wanted"] is None else f"  (wanted: {row['wanted']:g})"
    print(f"{row['name']}{wanted}")
    for dtype in DTYPES:
        seconds = [row[dtype][library]["median"] for library in CLASSES]
        beside = row[dtype]["times faster"]
        noise = "" if beside["quiet"] else "  (noisy)"
        print(
            f"    {dtype}: scikit-learn {seconds[0]:.3g} s, fastnn {seconds[1]:.3g} s, "
            f"{beside['median']:.2f} times faster [{beside['lowest']:.2f} … {beside['highest']:.2f}]{noise}",
            flush=True,
        )


def main() -> None:
    """Measure, print, and save after each row, so that nothing is lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="accepted timings of each")
    parser.add_argument("--only", default="", metavar="NAME", help="; ".join(work.name for work in WORKS))
    parser.add_argument("--mnist", type=int, default=60_000, metavar="ROWS", help="images to fit")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    chosen = [work for work in WORKS if arguments.only.lower() in work.name.lower()]
    if not chosen:
        parser.error(f"nothing is called {arguments.only}")
    warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose
    probe = Probe()
    for work in chosen:
        work = replace(work, rows=arguments.mnist) if work.table is images else work
        row = measure(work, probe, arguments.rounds)
        show(row)
        record.save_part(arguments.json, work.name, row)
    probe.close()


if __name__ == "__main__":
    main()
