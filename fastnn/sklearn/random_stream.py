"""Random numbers drawn as scikit-learn draws them, so that equal seeds give equal weights and batches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from fastnn.alignment import on_a_line
from fastnn.backends import Array


def first_parameters(
    sizes: Sequence[int], activation: Any, stream: np.random.RandomState, dtype: np.dtype[Any]
) -> tuple[list[Array], list[Array]]:
    """Weights and biases, both uniform in ±√(6 / (fan_in + fan_out)); 2 instead of 6 for "logistic"."""
    factor = 2.0 if activation == "logistic" else 6.0
    weights, biases = [], []
    for fan_in, fan_out in pairwise(sizes):
        bound = np.sqrt(factor / (fan_in + fan_out))
        weights.append(on_a_line(stream.uniform(-bound, bound, (fan_in, fan_out)), dtype))
        biases.append(stream.uniform(-bound, bound, fan_out).astype(dtype))
    return weights, biases


def split_rows(
    n_rows: int, share: float, stream: np.random.RandomState, stratify: Array | None
) -> tuple[Array, Array]:
    """(rows to train on, rows to validate on): those that scikit-learn's own split of X would hold."""
    rows, chosen = train_test_split(
        np.arange(n_rows), random_state=stream, test_size=share, stratify=stratify
    )
    if len(chosen) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return rows, chosen


class Shuffler:
    """Stands in for a generator in a training: every epoch shuffles the order of the epoch before.

    rows   as they were taken last
    """

    def __init__(self, stream: np.random.RandomState, rows: Array) -> None:
        self._stream, self._order = stream, np.arange(len(rows))
        self.rows = rows

    def permutation(self, rows: Array) -> Array:
        """The rows in their next order."""
        moves = np.arange(len(self._order))
        self._stream.shuffle(moves)
        self._order = self._order[moves]
        self.rows = rows[self._order]
        return self.rows
