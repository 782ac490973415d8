"""NumPy: the loop of a good tutorial, in float32, with indexing by the shuffled rows of each batch."""

import math

import numpy as np

from benchmarks.peers.agreement import interleaved
from benchmarks.peers.task import BETA_1, BETA_2, EPSILON, Task
from benchmarks.peers.threads import CHOICES, limit_blas

NAME = "NumPy"
PACKAGES = ("numpy",)
TRAINING_FORMS = INFERENCE_FORMS = tuple({"threads": threads} for threads in CHOICES)


class Network:
    """The layers, and the forward pass through them."""

    def __init__(self, task: Task, threads: int) -> None:
        self.X, self.labels, self.threads = task.floats, task.labels, threads
        self.weights = [W.copy() for W in task.weights]
        self.biases = [b.copy() for b in task.biases]

    def prepare(self) -> None:
        """Set BLAS's threads."""
        limit_blas(self.threads)

    def forward(self, X: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """(input of every layer, logits)."""
        inputs = [X]
        for W, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            inputs.append(np.maximum(inputs[-1] @ W + b, 0))
        return inputs, inputs[-1] @ self.weights[-1] + self.biases[-1]

    def close(self) -> None:
        """Nothing to free."""


class Training(Network):
    """Mini-batch gradient descent, or Adam; parameters are numbered as `parameters` returns them."""

    def __init__(self, task: Task, threads: int) -> None:
        super().__init__(task, threads)
        self.batch_size, self.learning_rate = task.batch_size, task.learning_rate
        self.full_batch = task.full_batch
        self.update = {"sgd": self._sgd, "adam": self._adam}[task.optimizer]
        self.step = 0
        if task.optimizer == "adam":
            self.means = [np.zeros_like(p) for p in self.parameters()]
            self.squares = [np.zeros_like(p) for p in self.parameters()]

    def epoch(self, order: np.ndarray) -> float:
        """Mean loss of one epoch."""
        if self.full_batch:
            return self._step(self.X, self.labels) / len(order)
        total = 0.0
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            total += self._step(self.X[rows], self.labels[rows])
        return total / len(order)

    def _step(self, X: np.ndarray, labels: np.ndarray) -> float:
        inputs, logits = self.forward(X)
        rows = np.arange(len(X))
        logits -= logits.max(axis=1, keepdims=True)
        E = np.exp(logits)
        sums = E.sum(axis=1, keepdims=True)
        loss = np.log(sums).sum() - logits[rows, labels].sum()
        dZ = E / sums
        dZ[rows, labels] -= 1
        dZ /= len(X)
        self.step += 1
        for layer in reversed(range(len(self.weights))):
            dW, db = inputs[layer].T @ dZ, dZ.sum(axis=0)
            if layer > 0:
                dZ = (dZ @ self.weights[layer].T) * (inputs[layer] > 0)
            self.update(2 * layer, self.weights[layer], dW)
            self.update(2 * layer + 1, self.biases[layer], db)
        return float(loss)

    def _sgd(self, number: int, parameter: np.ndarray, gradient: np.ndarray) -> None:
        parameter -= self.learning_rate * gradient

    def _adam(self, number: int, parameter: np.ndarray, gradient: np.ndarray) -> None:
        mean, square = self.means[number], self.squares[number]
        mean *= BETA_1
        mean += (1 - BETA_1) * gradient
        square *= BETA_2
        square += (1 - BETA_2) * gradient**2
        root = np.sqrt(square) / math.sqrt(1 - BETA_2**self.step)
        parameter -= self.learning_rate / (1 - BETA_1**self.step) * mean / (root + EPSILON)

    def parameters(self) -> list[np.ndarray]:
        """[W1, b1, …]."""
        return interleaved(self.weights, self.biases)


class Inference(Network):
    """The forward pass and a softmax."""

    def predict(self) -> np.ndarray:
        """Probabilities of all rows."""
        logits = self.forward(self.X)[1]
        E = np.exp(logits - logits.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)
