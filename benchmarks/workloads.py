"""The data and networks that benchmarks share: made up, but of MNIST's shape and sparsity."""

from dataclasses import dataclass

import numpy as np

from fastnn.network import Network

DENSITY = 0.19  # of the pixels of MNIST's training images, 19 % are not zero


@dataclass(frozen=True)
class Net:
    """A network and how it is trained: layer sizes, rows a batch (0 is all of them), rows an epoch.

    optimizer   "sgd" or "adam", as fastnn.optimizers calls them
    """

    sizes: tuple[int, ...]
    batch_size: int
    n_rows: int
    dense_floats: bool = False
    optimizer: str = "sgd"

    @property
    def name(self) -> str:
        """Such as 784-128-10 b128, or 20-64-64-2 b32 adam dense."""
        batch = f"b{self.batch_size}" if self.batch_size else "full batch"
        optimizer = "" if self.optimizer == "sgd" else f" {self.optimizer}"
        return f"{'-'.join(map(str, self.sizes))} {batch}{optimizer}{' dense' if self.dense_floats else ''}"

    @property
    def flops_per_row(self) -> int:
        """Multiplications and additions of the three products for one row; the first layer has no dX."""
        products = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2 * (3 * sum(products) - products[0])

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """(X, labels): uint8 images as sparse as digits, or dense float32 rows."""
        generator = np.random.default_rng(0)
        shape = (self.n_rows, self.sizes[0])
        labels = generator.integers(0, self.sizes[-1], self.n_rows)
        if self.dense_floats:
            return generator.standard_normal(shape, np.float32), labels
        X = generator.integers(1, 256, shape, dtype=np.uint8)
        X[generator.random(shape, np.float32) > DENSITY] = 0
        return X, labels

    def network(self) -> Network:
        """A new float32 network of random weights."""
        return Network.initialise(
            self.sizes,
            generator=np.random.default_rng(1),
            dtype=np.dtype(np.float32),
            input_scale=None if self.dense_floats else 1 / 255,
        )


TRAINING = (
    Net((784, 10, 10), 64, 10_000),
    Net((784, 10, 10), 0, 10_000),
    Net((784, 128, 10), 128, 10_000),
    Net((784, 128, 10), 32, 10_000),
    Net((784, 512, 512, 10), 128, 5_000),
    Net((20, 64, 64, 2), 32, 10_000, dense_floats=True),
)
