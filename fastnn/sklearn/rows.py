"""The rows an estimator is given: dense, or sparse and made dense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastnn.backends import Array

# Numbers of a sparse X made dense at a time for prediction.
BLOCK = 1 << 22
SPARSE = ("csr", "csc")


@dataclass(frozen=True)
class Given:
    """X dense, y and weights of the rows, as the user gave them but for their types."""

    X: Array
    y: Any
    weights: Array | None


def dense(X: Any) -> Array:
    """X row by row in one piece of memory."""
    return np.ascontiguousarray(X.toarray() if issparse(X) else X)


def dense_blocks(X: Any) -> Iterator[Array]:
    """The rows of a sparse X, some at a time."""
    rows, size = X.tocsr(), max(1, BLOCK // X.shape[1])
    return (rows[start : start + size].toarray() for start in range(0, X.shape[0], size))
