"""PyTorch: eager mode, Linear layers, fused SGD or Adam, batches sliced from tensors; no DataLoader.

torch.compile was slower on every network of the table.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.peers.task import Task
from benchmarks.peers.threads import CHOICES

NAME = "PyTorch"
PACKAGES = ("torch",)
INFERENCE_FORMS = tuple({"threads": threads} for threads in CHOICES)
# The shuffled rows are gathered once an epoch and then sliced, or batch by batch.
TRAINING_FORMS = tuple(
    {"threads": threads, "gather": gather} for threads in CHOICES for gather in ("epoch", "batch")
)


class Model:
    """The layers, with the task's weights."""

    def __init__(self, task: Task, threads: int) -> None:
        self.threads = threads
        self.X, self.labels = torch.from_numpy(task.floats), torch.from_numpy(task.labels)
        layers: list[nn.Module] = []
        for W, b in zip(task.weights, task.biases, strict=True):
            linear = nn.Linear(*W.shape)
            linear.weight.data = torch.from_numpy(W.T.copy())
            linear.bias.data = torch.from_numpy(b.copy())
            layers += [linear, nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def prepare(self) -> None:
        """Set PyTorch's threads."""
        torch.set_num_threads(self.threads)

    def close(self) -> None:
        """Free the tensors."""
        del self.model, self.X, self.labels


class Training(Model):
    """Mini-batch gradient descent, or Adam."""

    def __init__(self, task: Task, threads: int, gather: str) -> None:
        super().__init__(task, threads)
        self.gather, self.batch_size, self.full_batch = gather, task.batch_size, task.full_batch
        self.optimizer = _optimizer(task.optimizer, self.model, task.learning_rate)

    def epoch(self, order: np.ndarray) -> float:
        """Mean loss of one epoch."""
        total = torch.zeros(())
        for X, labels in self._batches(torch.from_numpy(order)):
            self.optimizer.zero_grad()
            loss = cross_entropy(self.model(X), labels)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(X)
        return total.item() / len(order)

    def parameters(self) -> list[np.ndarray]:
        """[W1, b1, …]; Linear keeps its weights transposed."""
        return [p.detach().numpy().T for p in self.model.parameters()]

    def _batches(self, order: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
        if self.full_batch:
            return [(self.X, self.labels)]
        if self.gather == "epoch":
            X, labels = self.X.index_select(0, order), self.labels.index_select(0, order)
            return zip(X.split(self.batch_size), labels.split(self.batch_size), strict=True)
        return (
            (self.X.index_select(0, rows), self.labels.index_select(0, rows))
            for rows in order.split(self.batch_size)
        )


class Inference(Model):
    """The forward pass and a softmax, in inference mode."""

    @torch.inference_mode()
    def predict(self) -> Tensor:
        """Probabilities of all rows."""
        return torch.softmax(self.model(self.X), dim=1)


def _optimizer(name: str, model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[name]
    try:
        return kind(model.parameters(), lr=learning_rate, fused=True)
    except (RuntimeError, TypeError):  # PyTorch before 2.4 has no fused steps for CPUs
        return kind(model.parameters(), lr=learning_rate, foreach=True)
