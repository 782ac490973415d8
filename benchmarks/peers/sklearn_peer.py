"""scikit-learn: MLPClassifier with SGD or Adam, one partial_fit an epoch, its check for NaN switched off."""

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.agreement import interleaved
from benchmarks.peers.task import Task
from benchmarks.peers.threads import CHOICES, limit_blas

NAME = "scikit-learn"
PACKAGES = ("scikit-learn",)
TRAINING_FORMS = INFERENCE_FORMS = tuple({"threads": threads} for threads in CHOICES)


class Model:
    """A classifier with the task's weights."""

    def __init__(self, task: Task, threads: int) -> None:
        self.X, self.labels, self.threads = task.floats, task.labels, threads
        self.full_batch = task.full_batch
        self.classifier = MLPClassifier(
            task.net.sizes[1:-1],
            solver=task.optimizer,
            alpha=0,
            batch_size=1,
            learning_rate_init=task.learning_rate,
            momentum=0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        # Memory for the weights exists only after a first call, whose step Adam must not remember.
        self.classifier.partial_fit(self.X[:1], self.labels[:1], classes=np.arange(task.net.sizes[-1]))
        del self.classifier._optimizer
        self.classifier.batch_size = task.batch_size
        self.same_output = task.net.sizes[-1] > 2
        self._copy(interleaved(task.weights, task.biases) if self.same_output else _one_output(task))

    def _copy(self, parameters: list[np.ndarray]) -> None:
        for own, given in zip(self._own(), parameters, strict=True):
            own[...] = given

    def _own(self) -> list[np.ndarray]:
        return interleaved(self.classifier.coefs_, self.classifier.intercepts_)

    def prepare(self) -> None:
        """Set BLAS's threads."""
        limit_blas(self.threads)

    def close(self) -> None:
        """Nothing to free."""


class Training(Model):
    """Mini-batch gradient descent, or Adam.

    `same_output`: with two classes scikit-learn has one logistic output, whose weights learn at half the pace
    of the difference of two outputs. `unscaled_epsilon`: its Adam divides by √v + ε, see agreement.py.
    """

    unscaled_epsilon = True

    def epoch(self, order: np.ndarray) -> float:
        """Mean loss of one epoch; the shuffle is fastnn's, to have the same batches."""
        X, labels = (self.X, self.labels) if self.full_batch else (self.X[order], self.labels[order])
        with sklearn.config_context(assume_finite=True):
            self.classifier.partial_fit(X, labels)
        return self.classifier.loss_

    def parameters(self) -> list[np.ndarray]:
        """[W1, b1, …]."""
        return self._own()


class Inference(Model):
    """Its public predict_proba."""

    def predict(self) -> np.ndarray:
        """Probabilities of all rows."""
        with sklearn.config_context(assume_finite=True):
            return self.classifier.predict_proba(self.X)


def _one_output(task: Task) -> list[np.ndarray]:
    # softmax(z0, z1)[1] = logistic(z1 − z0)
    *hidden, W, b = interleaved(task.weights, task.biases)
    return [*hidden, W[:, 1:] - W[:, :1], b[1:] - b[:1]]
