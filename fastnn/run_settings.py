"""What a training run needs to know beside the network and the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from fastnn.backends import Array
from fastnn.optimizers import SGD, Optimizer
from fastnn.regularisation import Regularisation


@dataclass(frozen=True)
class RunSettings:
    """Every value already checked.

    batch_size      rows an update
    threads         None: the backend chooses; the result does not depend on it
    optimizer       how a gradient becomes a step
    regularisation  penalties, dropout, limits
    dropout_seed    from which, with the number of the update, every dropout mask follows
    by_batch        as in scikit-learn, penalties and weighted gradients are divided by what the mini-batch
                    weighs: l2 and l1 by its rows (the sum of their weights), and the gradient is
                    Σ wᵢ gᵢ / Σ wᵢ. The run's `penalties` then hold ½ l2 ΣW² / Σ wᵢ before each update.
    """

    batch_size: int
    threads: int | None = None
    optimizer: Optimizer = field(default_factory=SGD)
    regularisation: Regularisation = field(default_factory=Regularisation)
    dropout_seed: int = 0
    by_batch: bool = False

    def n_updates(self, n_rows: int) -> int:
        """Mini-batches in so many rows, the last one perhaps smaller."""
        return -(-n_rows // self.batch_size)

    def batch_rows(self, n_rows: int) -> Array:
        """Rows in each of the mini-batches that so many make, (n_updates,) float64, read-only."""
        return _batch_rows(self.batch_size, n_rows)

    def divisors(self, order: Array, weights: Array | None) -> Array:
        """What each mini-batch's sums over the rows of `order` are divided by, (n_updates,) float64.

        Its rows, or with `by_batch` their weights; 1 where these are all 0, which leaves sums of 0.
        """
        if weights is None or not self.by_batch:
            return self.batch_rows(len(order))
        starts = np.arange(0, len(order), self.batch_size)
        sums = np.add.reduceat(weights[order].astype(np.float64), starts)
        return np.where(sums > 0, sums, 1.0)

    def mean_loss(self, losses: Array, n_rows: int) -> float:
        """Mean over so many rows, of the mean losses of their mini-batches."""
        return float((losses * self.batch_rows(n_rows)).sum() / n_rows)

    def constant_rates(self, n_rows: int, learning_rate: float) -> Array:
        """The same learning rate for each update that so many rows need."""
        return np.full(self.n_updates(n_rows), learning_rate)


@lru_cache(maxsize=8)
def _batch_rows(batch_size: int, n_rows: int) -> Array:
    """Asked for in every epoch, which may last 50 µs."""
    rows = np.full(-(-n_rows // batch_size), float(batch_size))
    rows[-1] = n_rows - batch_size * (len(rows) - 1)
    rows.flags.writeable = False
    return rows
