"""fastnn's own fast backend, by the same interface as the peers."""

import numpy as np

from benchmarks.peers.agreement import interleaved
from benchmarks.peers.task import Task
from benchmarks.peers.threads import CHOICES
from benchmarks.record import OWN_PACKAGES
from fastnn import backends

NAME = "fastnn"
PACKAGES = OWN_PACKAGES

# Timed each for itself; the first one, on fastnn's own choice, is what peers are compared with.
TRAINING_CONTENDERS = {
    NAME: {},
    **{f"{NAME}, {n} thread{'s' * (n > 1)}": {"threads": n} for n in sorted(CHOICES)},
    f"{NAME}, float32 input": {"floats": True},
}


class Training:
    """One training run of the Numba backend; `floats` feeds it the peers' float32 rows."""

    def __init__(self, task: Task, threads: int | None = None, floats: bool = False) -> None:
        self.network, self.learning_rate = task.network(), task.learning_rate
        X = task.floats if floats else task.X
        self.settings = task.settings(threads)
        self.run = backends.get("numba")[1].open_run(self.network, X, task.labels, self.settings)

    def prepare(self) -> None:
        """Nothing to set."""

    def epoch(self, order: np.ndarray) -> float:
        """Mean loss of one epoch."""
        rates = self.settings.constant_rates(len(order), self.learning_rate)
        return self.settings.mean_loss(self.run.epoch(order, rates)[0], len(order))

    def parameters(self) -> list[np.ndarray]:
        """[W1, b1, …]."""
        self.run.write_back()
        return interleaved(self.network.weights, self.network.biases)

    def close(self) -> None:
        """Free the run."""
        self.run.close()


class Inference:
    """Through the public predict_proba, checks of the input included."""

    def __init__(self, task: Task) -> None:
        self.network, self.X = task.network(), task.X
        self.network.backend = "numba"

    def prepare(self) -> None:
        """Nothing to set."""

    def predict(self) -> np.ndarray:
        """Probabilities of all rows."""
        return self.network.predict_proba(self.X)

    def close(self) -> None:
        """Nothing to free."""
