"""Estimators, callbacks and scores that say where and by how many threads a network was trained."""

import os
import threading

from fastnn import cpus
from fastnn.callbacks import Callback

# Wide enough that several threads pay.
WIDE = {"hidden_layer_sizes": (512,), "max_iter": 2}


class Team(Callback):
    """Counts the threads of the training it watches, or of a larger team that the process has beside it."""

    def epoch_end(self, training):
        # A team's threads are all its own, and numbered; one thread is the caller's.
        names = {thread.name for thread in threading.enumerate()}
        self.threads = max(1, sum(name.startswith("fastnn") for name in names))


def score_and_place(estimator, X, y):
    """For `scoring=`: the estimator's own score, the threads that trained it, usable CPUs, the process."""
    return {
        "score": estimator.score(X, y),
        "threads": estimator.callbacks[0].threads,
        "usable": cpus.usable_cpus(),
        "process": os.getpid(),
    }


def places(search, n_folds):
    """(sets of threads, of usable CPUs, of process numbers) of all trainings of a search."""
    results = search.cv_results_
    return tuple(
        {int(value) for fold in range(n_folds) for value in results[f"split{fold}_test_{name}"]}
        for name in ("threads", "usable", "process")
    )
