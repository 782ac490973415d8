"""What every contender gets: one network's first weights, its data in both forms, and how to descend."""

import os
from dataclasses import dataclass, replace

import numpy as np

import fastnn
from benchmarks.workloads import Net
from fastnn import optimizers
from fastnn.alignment import on_a_line
from fastnn.network import Network
from fastnn.run_settings import RunSettings

# Adam's usual numbers, for the peers that write it by hand; fastnn and the libraries have them as defaults.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Task:
    """The same work for everybody. Nobody may write into these arrays.

    X       (n, features) as fastnn takes it: uint8 images, or float32 rows of a table
    floats  the same rows as peers take them: float32, pixels already scaled by 1/255
    labels  int64 (n,)
    source  where X comes from: "MNIST" or "made up"
    """

    net: Net
    X: np.ndarray
    floats: np.ndarray
    labels: np.ndarray
    source: str
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    @property
    def full_batch(self) -> bool:
        """Whether an update takes all rows: then nobody needs to gather them in another order."""
        return not self.net.batch_size

    @property
    def batch_size(self) -> int:
        """Rows an update; all of them for full-batch gradient descent."""
        return self.net.batch_size or self.net.n_rows

    @property
    def learning_rate(self) -> float:
        """Adam's usual 1e-3; for plain steps 0.1 for images, and less for dense random rows."""
        if self.optimizer == "adam":
            return 1e-3
        return 0.01 if self.net.dense_floats else 0.1

    @property
    def optimizer(self) -> str:
        """What peers choose their update by: "sgd", plain gradient descent, or "adam"."""
        return self.net.optimizer

    def settings(self, threads: int | None = None) -> RunSettings:
        """The same for a training run of fastnn."""
        return RunSettings(self.batch_size, threads, optimizers.get(self.optimizer))

    def network(self) -> Network:
        """A new fastnn network that starts from the task's weights, on cache lines as its own always are."""
        return Network(
            [on_a_line(W, W.dtype) for W in self.weights],
            [b.copy() for b in self.biases],
            input_scale=None if self.net.dense_floats else 1 / 255,
        )

    def order(self, seed: int) -> np.ndarray:
        """A shuffle of all rows; for the full batch, as in fastnn.train, the rows as they are."""
        if self.full_batch:
            return np.arange(len(self.X))
        return np.random.default_rng(seed).permutation(len(self.X))


def make(net: Net, *, split: str = "train", real: bool = True) -> Task:
    """The task of `net`: on MNIST if it lies in FASTNN_DATA_DIR and fits, else on made-up rows."""
    X, labels, source = _images(net, split) if real else (*net.data(), "made up")
    net = replace(net, n_rows=len(X))
    floats = X if X.dtype == np.float32 else np.multiply(X, np.float32(1 / 255), dtype=np.float32)
    network = net.network()
    # Biases of zero would hide a peer that ignores them.
    generator = np.random.default_rng(3)
    biases = [generator.uniform(-0.1, 0.1, b.shape).astype(b.dtype) for b in network.biases]
    return Task(net, X, floats, labels, source, network.weights, biases)


def _images(net: Net, split: str) -> tuple[np.ndarray, np.ndarray, str]:
    if os.environ.get("FASTNN_DATA_DIR") and not net.dense_floats and net.sizes[0] == 784:
        try:
            X, y = fastnn.datasets.load("mnist", split=split)
        except fastnn.errors.FastnnError:
            return *net.data(), "made up"
        return X[: net.n_rows], y[: net.n_rows].astype(np.int64), "MNIST"
    return *net.data(), "made up"
