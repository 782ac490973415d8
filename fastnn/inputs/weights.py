"""Checks sample_weight and class_weight: how much each row counts, one number a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.arrays import as_array
from fastnn.inputs.features import check_finite
from fastnn.inputs.options import brief, not_negative
from fastnn.inputs.targets import Targets, shown, shown_all


def row_weights(
    sample_weight: Any, class_weight: Any, targets: Targets, *, dtype: np.dtype[Any]
) -> Array | None:
    """How much each row counts, (n,) of `dtype` and 1 on average: the product of both; None if all alike.

    sample_weight  (n,) numbers, 0 or more, or None
    class_weight   {label: weight}, a label that is left out counting 1; "balanced": n / (n_classes · count),
                   so that every class counts alike; or None
    """
    weights = np.ones(len(targets.values))
    given = sample_weights(sample_weight, len(weights))
    if given is not None:
        weights *= given
    if class_weight is not None:
        own = _class_weights(class_weight, targets)
        weights *= own[targets.values] / max(own.max(), np.finfo(np.float64).tiny)
    if not weights.any():
        raise InputError("sample_weight and class_weight leave no row that counts: one is 0 for every row")
    weights *= len(weights) / weights.sum()
    return None if np.all(weights == weights[0]) else weights.astype(dtype)


def sample_weights(sample_weight: Any, n_rows: int, name: str = "sample_weight") -> Array | None:
    """`sample_weight` as shares of the largest, (n,) float64, or InputError; None stays None.

    Weights must be finite, 0 or more, and not all 0. As shares, no sum or product of them overflows.
    """
    if sample_weight is None:
        return None
    array = as_array(sample_weight, name, "an array of numbers")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {array.dtype}; it must hold a number for each row")
    if array.shape != (n_rows,):
        raise InputError(f"{name} has shape {array.shape}; it must be ({n_rows},), a number for each row")
    check_finite(array, name)
    weights = array.astype(np.float64)
    if weights.min() < 0:
        row = int(weights.argmin())
        raise InputError(f"{name} holds {shown(array[row])} at row {row}; weights must be 0 or more")
    if not weights.any():
        raise InputError(f"{name} is 0 for every row; some row must count")
    return weights / weights.max()


def _class_weights(class_weight: Any, targets: Targets) -> Array:
    """A weight for each class, (n_classes,) float64."""
    if targets.classes is None or targets.loss != "cross_entropy":
        found = "this is a regression" if targets.classes is None else "rows have several labels"
        raise InputError(f"class_weight needs one class a row, but {found}; weigh rows with sample_weight")
    counts = np.bincount(targets.values, minlength=len(targets.classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        # A one-hot matrix may have columns that no row belongs to; their weight is never used.
        return len(targets.values) / (len(counts) * np.maximum(counts, 1))
    if not isinstance(class_weight, Mapping):
        raise InputError(f"class_weight={brief(class_weight)} must be {{label: weight}}, 'balanced', or None")
    weights = np.ones(len(counts))
    places = {label: place for place, label in enumerate(targets.classes.tolist())}
    for label, weight in class_weight.items():
        if label not in places:
            raise InputError(
                f"class_weight names the label {shown(label)}, but y has {shown_all(targets.classes)}"
            )
        weights[places[label]] = not_negative(f"class_weight[{shown(label)}]", weight)
    return weights
