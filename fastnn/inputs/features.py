"""Checks and coerces X: a finite, non-empty table of numbers, uint8 kept as uint8."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.options import first_line

# Raw pixels as floats (0–255) and unscaled tables lie above this; standardised and 0–1 data far below.
LARGE_FEATURE = 50.0


def features(X: Any, *, name: str = "X", dtype: np.dtype[Any], n_features: int | None = None) -> Array:
    """X as a C-contiguous (n, n_features) array: uint8 stays uint8, everything else becomes `dtype`.

    Images (n, height, width) are flattened. Raises InputError for anything that is not a finite, non-empty
    table of numbers, or does not have `n_features` columns.
    """
    array = _numbers(X, name)
    if array.ndim > 2:
        array = array.reshape(len(array), -1) if len(array) else array.reshape(0, math.prod(array.shape[1:]))
    if array.ndim != 2:
        hint = "; for one row pass X.reshape(1, -1)" if array.ndim == 1 else ""
        raise InputError(f"{name} has shape {array.shape}; it must be (n_rows, n_features){hint}")
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise InputError(f"{name} is empty: its shape is {array.shape}")
    if n_features is not None and array.shape[1] != n_features:
        raise InputError(
            f"{name} has {array.shape[1]} features (shape {array.shape}), but the model takes {n_features}"
        )
    if array.dtype != np.uint8:
        check_finite(array, name)
        with np.errstate(over="ignore"):
            array = array.astype(dtype, copy=False)
        check_finite(array, f"{name} as {dtype}")
    return np.ascontiguousarray(array)


def is_ready(X: Any, dtype: np.dtype[Any], n_features: int) -> bool:
    """Whether X needs no conversion at all: what lets the prediction of a single row be fast."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.shape[1] == n_features
        and len(X) > 0
        and X.dtype is dtype
        and X.flags.c_contiguous
    )


def warn_if_badly_scaled(X: Array) -> None:
    """Warn once if float features are so large that plain gradient descent learns slowly or not at all."""
    if X.dtype == np.uint8:
        return
    largest = float(max(X.max(), -X.min()))
    if largest > LARGE_FEATURE:
        warnings.warn(
            f"X has values up to {largest:.4g}; networks learn best from features near −1…1: scale "
            "the columns (subtract the mean, divide by the standard deviation), or pass images as uint8",
            stacklevel=3,
        )


def _numbers(values: Any, name: str) -> Array:
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise InputError(f"{name} is a sparse matrix; pass {name}.toarray()")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} is not a table of numbers: {first_line(error)}; every row must be as long"
        ) from None
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise InputError(f"{name} is not all numbers: {first_line(error)}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} has dtype {array.dtype}; it must hold real numbers (float, int, bool or uint8)"
        )
    return array


def check_finite(array: Array, name: str) -> None:
    """Raise InputError at the first NaN or infinity of a float array."""
    if array.dtype.kind != "f":
        return
    # A sum of squares is finite if every value is (and not huge), and takes no temporary of the array's size.
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        if math.isfinite(np.dot(flat, flat)) or np.isfinite(array).all():
            return
    first = np.argwhere(~np.isfinite(array))[0]
    place = "row " + ", column ".join(str(i) for i in first)
    raise InputError(f"{name} holds {array[tuple(first)]} at {place}; remove or fill such values first")
