"""Checks and coerces X: a finite, non-empty table of numbers, uint8 kept as uint8."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.arrays import as_array
from fastnn.inputs.options import first_line
from fastnn.warning import warn

# Raw pixels as floats (0–255) and unscaled tables lie above this; standardised and 0–1 data far below.
LARGE_FEATURE = 50.0
# Beyond these, squares and sums of a training overflow, whatever its settings.
LARGEST_NUMBER = {"float32": 1e16, "float64": 1e140}
# Numbers that are looked at one by one in less time than a sum needs to be set up; and so few, such as the
# probabilities of one row, that Python does it in less time than NumPy (0.3 µs, not 1.9).
FEW, VERY_FEW = 4096, 32
# Numbers that stay in a CPU's cache while their least and largest are found.
BLOCK = 1 << 18
# Widest range of a column over the narrowest: of pixels and one-hot columns 255 at most.
UNLIKE_RANGES = 1000.0


def features(
    X: Any,
    *,
    name: str = "X",
    dtype: np.dtype[Any] | None,
    n_features: int | None = None,
    scan: bool = True,
) -> Array:
    """X as a C-contiguous (n, n_features) array: uint8 stays uint8, everything else becomes `dtype`.

    dtype None leaves all numbers as they are, in whatever order. Images (n, height, width) are flattened.
    scan False leaves it to the caller to look for NaN and infinities.
    Raises InputError for anything that is not a finite, non-empty table of numbers, or does not have
    `n_features` columns.
    """
    array = _numbers(X, name)
    if array.ndim > 2:
        array = array.reshape(len(array), -1) if len(array) else array.reshape(0, math.prod(array.shape[1:]))
    if array.ndim != 2:
        hint = "; for one row pass X.reshape(1, -1)" if array.ndim == 1 else ""
        raise InputError(f"{name} has shape {array.shape}; it must be (n_rows, n_features){hint}")
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise InputError(f"{name} is empty: its shape is {array.shape}")
    if n_features is not None:
        check_n_features(array, n_features, name)
    if dtype is None or array.dtype == np.uint8:
        converted = array
    else:
        with np.errstate(over="ignore"):
            converted = array.astype(dtype, copy=False)
    # One look is enough: what is finite now was finite before.
    if scan and array.dtype.kind == "f" and not all_finite(converted):
        check_finite(array, name)
        check_finite(converted, f"{name} as {dtype}")
    if dtype is None:
        return array
    converted = np.ascontiguousarray(converted)
    return converted if converted.flags.aligned else converted.copy()


def check_n_features(X: Array, n_features: int, name: str = "X") -> None:
    """Raise InputError unless X (n, n_features) is as wide as the model takes."""
    if X.shape[1] != n_features:
        raise InputError(
            f"{name} has {X.shape[1]} features (shape {X.shape}), but the model takes {n_features}"
        )


def is_ready(X: Any, dtype: np.dtype[Any], n_features: int) -> bool:
    """Whether X needs no conversion at all: what lets the prediction of a single row be fast."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.shape[1] == n_features
        and len(X) > 0
        and X.dtype is dtype
        and X.flags.c_contiguous
        and X.flags.aligned
    )


def check_pixels(X: Array, input_scale: float | None, name: str = "X") -> None:
    """InputError or a warning where either the model or X is of uint8 images, and the other is not.

    input_scale   what the model multiplies uint8 by; None for a model of other numbers
    """
    if X.dtype == np.uint8 and input_scale is None:
        raise InputError(
            f"{name} is uint8, but the model was trained on other numbers: convert it to float and scale "
            "it as the training data were"
        )
    if X.dtype == np.uint8 or input_scale is None:
        return
    largest, expected = float(X.max()), 255 * input_scale
    if not math.isfinite(largest):  # an error, which comes with the outputs
        return
    too_small = 0 < largest <= 1 < expected  # a standardised model takes 0…255
    if largest > 1.5 * expected or too_small:
        factor = expected if too_small else input_scale
        warn(
            f"{name} is {X.dtype} with values up to {largest:g}, but the model was trained on uint8 images "
            f"scaled to 0…{expected:g}: pass uint8" + (f", or {name} * {factor:.6g}" if factor != 1 else "")
        )


def column_ranges(X: Array) -> tuple[Array, Array]:
    """(least, largest) value of each column of X (n, n_features), float64; not finite where it holds such.

    In one pass over the memory, for blocks of rows stay in a CPU's cache: so a look for NaN comes with it.
    """
    rows = max(1, BLOCK // X.shape[1])
    blocks = [X[start : start + rows] for start in range(0, len(X), rows)]
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = zip(*((block.min(axis=0), block.max(axis=0)) for block in blocks), strict=True)
        return np.min(low, axis=0).astype(np.float64), np.max(high, axis=0).astype(np.float64)


def warn_if_badly_scaled(low: Array, high: Array, dtype: np.dtype[Any]) -> None:
    """Warn once if float features are so large, or so unlike, that plain gradient descent learns badly.

    InputError if they are so large that nothing could be learned from them at all.
    low, high   of each feature (n_features,)
    dtype       in which they are trained on
    """
    check_size(max(high.max(), -low.min()), dtype, "X")
    ranges, largest = high - low, max(high.max(), -low.min())
    narrow = int(np.argmin(np.where(ranges > 0, ranges, np.inf)))  # constant columns do no harm
    wide = int(np.argmax(ranges))
    if largest > LARGE_FEATURE:
        what = f"X has values up to {largest:.4g}"
    elif ranges[narrow] > 0 and ranges[wide] > UNLIKE_RANGES * ranges[narrow]:
        what = (
            f"X has columns of very different ranges: column {wide} spans {ranges[wide]:.3g}, column "
            f"{narrow} {ranges[narrow]:.3g}"
        )
    else:
        return
    warn(
        f"{what}; networks learn best from features near −1…1: scale them with standardize=True "
        "(--standardize), or pass images as uint8"
    )


def check_size(largest: float, dtype: np.dtype[Any], name: str) -> None:
    """InputError for a largest absolute value with which no training in `dtype` can reckon."""
    limit = LARGEST_NUMBER[dtype.name]
    if largest > limit:
        raise InputError(
            f"{name} has values up to {largest:.3g}, and {limit:g} is the most that a training in "
            f"{dtype.name} can reckon with; divide them"
        )


def _numbers(values: Any, name: str) -> Array:
    array = as_array(values, name, "a table of numbers with rows of equal length")
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except Exception as error:  # whatever an object's own conversion raises
            raise InputError(f"{name} is not all numbers: {first_line(error)}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} has dtype {array.dtype}; it must hold real numbers (float, int, bool or uint8)"
        )
    return array


def all_finite(*arrays: Array) -> bool:
    """Whether float arrays hold no NaN and no infinity."""
    return all(map(is_finite, arrays))  # a generator would take longer than the look at a few numbers


def is_finite(array: Array) -> bool:
    """Whether a float array holds no NaN and no infinity."""
    flat = array.ravel("K")
    # A sum is finite only if every number is; where it is not, large ones may have overflowed together.
    if flat.size <= VERY_FEW and flat.itemsize <= 8 and math.isfinite(sum(flat.tolist())):
        return True
    if flat.size > FEW:
        # A sum of squares is finite if every value is (and not huge), and takes no temporary of X's size.
        with np.errstate(all="ignore"):
            if math.isfinite(flat.dot(flat)):
                return True
    return bool(np.isfinite(flat).all())


def odd_rows(X: Array) -> Array | None:
    """(n,) bool, which rows of X hold a NaN or an infinity; None if none does."""
    if X.dtype.kind != "f" or is_finite(X):
        return None
    return np.logical_not(np.isfinite(X).all(axis=1))


def check_finite(array: Array, name: str) -> None:
    """Raise InputError at the first NaN or infinity of a float array."""
    if array.dtype.kind != "f" or all_finite(array):
        return
    first = np.argwhere(~np.isfinite(array))[0]
    place = "row " + ", column ".join(str(i) for i in first)
    raise InputError(f"{name} holds {array[tuple(first)]} at {place}; remove or fill such values first")
