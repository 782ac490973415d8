"""What a report is about: a model, rows with their targets, and what the model makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.report.markup import named
from fastnn.trainer.record_of_training import data_digests


@dataclass(frozen=True)
class Subject:
    """A model and rows; predictions are made once, for all parts of the report.

    X, y           as the caller passed them
    name, data     what model and data are called
    about_data     a sentence on which rows of the data they are, or ""
    feature_names  of tables, one a feature, or None
    shape          (height, width) of each row as an image; None for tables
    """

    model: Network
    X: Any
    y: Any
    name: str
    data: str
    about_data: str = ""
    feature_names: Sequence[str] | None = None
    shape: tuple[int, int] | None = None

    @cached_property
    def table(self) -> Array:
        """X as (n, n_features) numbers of the caller's type."""
        array: Array = inputs.features(self.X, dtype=None, n_features=self.model.sizes[0])
        return array

    @cached_property
    def true(self) -> Array:
        """Class indices (n,), or 0 and 1 (n, n_labels), or a regression's targets (n, n_outputs)."""
        return self.model.checked_targets(self.y, self.n_rows)

    @cached_property
    def outputs(self) -> Array:
        """Probabilities, or a regression's predictions: (n, n_outputs)."""
        if self.model.classes is not None:
            return self.model.predict_proba(self.X)
        return self.model.predict(self.X).reshape(self.n_rows, -1)

    @cached_property
    def predicted(self) -> Array:
        """In the form of `true`."""
        if self.model.classes is None:
            return self.outputs
        if self.model.multilabel:
            return (self.outputs > 0.5).astype(np.int64)
        found: Array = self.outputs.argmax(axis=1)
        return found

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.table)

    @property
    def regression(self) -> bool:
        """Whether the model predicts numbers."""
        return self.model.classes is None

    @cached_property
    def class_names(self) -> list[str]:
        """Of the classes, of the labels by number, or of a regression's outputs."""
        if self.model.classes is not None:
            return [named(label) for label in self.model.classes]
        n_outputs = self.model.sizes[-1]
        return ["output"] if n_outputs == 1 else [f"output\u00a0{number}" for number in range(n_outputs)]

    @cached_property
    def seen_in_training(self) -> bool:
        """Whether these are, as far as digests tell, the very rows that the model was trained on."""
        origin = self.model.history.origin
        digests = data_digests(self.table, self.true)
        return origin is not None and all(origin.data.get(name) == text for name, text in digests.items())

    def feature_name(self, column: int) -> str:
        """What a column of X is called: its name, else its number from 0."""
        return str(column) if self.feature_names is None else named(self.feature_names[column])


def image_shape(model: Network, X: Any, shape: tuple[int, int] | None) -> tuple[int, int] | None:
    """(height, width) of a row as an image: as told, of 3-D X, or of square grey levels; else None."""
    n_features = model.sizes[0]
    if shape is not None:
        height, width = (inputs.whole_number("shape", side) for side in shape)
        if height * width != n_features:
            raise InputError(
                f"shape={shape!r} is {height * width} pixels, the model has {n_features} features"
            )
        return height, width
    dimensions = np.shape(X)
    if len(dimensions) == 3:
        return int(dimensions[1]), int(dimensions[2])
    side = math.isqrt(n_features)
    return (side, side) if model.input_scale is not None and side * side == n_features else None
