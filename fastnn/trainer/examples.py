"""The rows to train on: what the caller passed as X and y, checked, and converted once for many trainings."""

from __future__ import annotations

import copy
from threading import RLock
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.backends import Array
from fastnn.inputs import Targets
from fastnn.trainer.loop import Data


class Examples:
    """X and y, and which rows of them there are; `train` takes one in place of X.

    table   X as (n_all, n_features) numbers of the caller's own type, finite
    rows    (n,) indices of the rows to use. What belongs to single rows comes in their order
    """

    def __init__(self, X: Any, y: Any) -> None:
        self.table = inputs.features(X, dtype=None, scan=False)
        self._ranges = None if self.table.dtype == np.uint8 else inputs.column_ranges(self.table)
        if self._ranges is not None and not inputs.all_finite(*self._ranges):
            inputs.check_finite(self.table, "X")
        self.rows = np.arange(len(self.table))
        self._y, self._whole = y, True
        self._converted: dict[np.dtype[Any], Array] = {}
        self._targets: dict[tuple[str, np.dtype[Any]], Targets] = {}
        self._lock = RLock()

    @classmethod
    def of(cls, X: Any, y: Any) -> Examples:
        """X itself if it is one already."""
        return X if isinstance(X, Examples) else cls(X, y)

    def part(self, rows: Array) -> Examples:
        """The same arrays, of which only `rows` (m,) are to be used."""
        part = copy.copy(self)
        part.rows, part._whole, part._targets = rows, False, {}
        return part

    @property
    def y(self) -> Any:
        """The targets of `rows`, as the caller wrote them; of a part they must be an array."""
        return self._y if self._whole else self._y[self.rows]

    def features(self, dtype: np.dtype[Any]) -> Array:
        """All rows of X, ready for a backend; badly scaled numbers bring one warning. See inputs.features."""
        with self._lock:
            if dtype not in self._converted:
                fits = self._ranges is None or np.abs(self._ranges).max() <= np.finfo(dtype).max
                self._converted[dtype] = inputs.features(self.table, dtype=dtype, scan=not fits)
                if self._ranges is not None:
                    inputs.warn_if_badly_scaled(*self._ranges, dtype)
            return self._converted[dtype]

    def targets(self, loss: str, dtype: np.dtype[Any]) -> Targets:
        """What `inputs.targets` makes of y."""
        inputs.choice("loss", loss, inputs.LOSS_NAMES)
        with self._lock:
            if (loss, dtype) not in self._targets:
                self._targets[loss, dtype] = inputs.targets(self.y, len(self.rows), loss=loss, dtype=dtype)
            return self._targets[loss, dtype]

    def data(self, X: Array, y: Array, weights: Array | None) -> Data:
        """All rows of X with the targets and weights of `rows`, which are the rows to use."""
        return Data(X, self._spread(y), self.rows, None if weights is None else self._spread(weights))

    def _spread(self, values: Array) -> Array:
        if self._whole:
            return values
        spread = np.zeros((len(self.table), *values.shape[1:]), values.dtype)
        spread[self.rows] = values
        return spread
