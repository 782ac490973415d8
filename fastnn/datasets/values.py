"""What every reader hands back: X as (n, features) of pixels or floats, y as (n,) labels or targets."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.errors import DataError

# uint8 means "grey levels, to be scaled by 1/255" all over the library. Whole numbers whose largest is
# this small are counts, flags or grades far more often than images, and 1/255 of a flag trains nothing.
LARGEST_COUNT = 127


def as_features(X: NDArray[Any], pixels: bool | None, path: Path) -> NDArray[Any]:
    """Turn an array from a file into features.

    Shapes   (n, …) -> (n, product of the rest)
    pixels   True: uint8, an error where the values are not grey levels; False: never uint8;
             None: uint8 stays uint8, other whole numbers become uint8 when `looks_like_pixels`,
             everything else is float (integers as float64; float16 and bool as float32)
    """
    if X.ndim == 0 or X.dtype.kind not in "buif":
        raise DataError(f"{path}: the features must be numbers, one row per sample; got {X.dtype} {X.shape}")
    X = X.reshape(len(X), math.prod(X.shape[1:]))
    if pixels is True:
        return _as_pixels(X, path)
    if pixels is None and (X.dtype == np.uint8 or (X.dtype.kind in "iu" and looks_like_pixels(X))):
        return X.astype(np.uint8, copy=False)
    return X.astype(_float_type(X.dtype), copy=False)


def looks_like_pixels(X: NDArray[Any]) -> bool:
    """Tell whether all values are whole numbers 0..255 with at least one above 127."""
    return is_grey(X) and bool(X.max() > LARGEST_COUNT)


def is_grey(X: NDArray[Any]) -> bool:
    """Tell whether all values are whole numbers 0..255."""
    if X.dtype == np.uint8:
        return bool(X.size)
    return bool(
        X.size and X.min() >= 0 and X.max() <= 255 and (X.dtype.kind in "biu" or (np.rint(X) == X).all())
    )


def as_labels(y: NDArray[Any], path: Path) -> NDArray[Any]:
    """Turn an array from a file into labels or targets.

    Shapes   (n,) or (n, 1) -> (n,); (n, k) may be float targets, or 0 and 1 (bools) for k labels
    Types    integers as int64, floats as float64, bools and strings as they are
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    table = y.ndim == 2 and (y.dtype.kind == "f" or (y.dtype.kind in "biu" and np.all((y == 0) | (y == 1))))
    if y.dtype.kind not in "buifU" or not (y.ndim == 1 or table):
        raise DataError(
            f"{path}: the labels must be one number or string per sample, or a row of 0 and 1; got {y.dtype} "
            f"{y.shape}"
        )
    if y.dtype.kind in "iu":
        return y.astype(np.int64)
    return y.astype(np.float64) if y.dtype.kind == "f" else y


def _as_pixels(X: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if X.size and not is_grey(X):
        raise DataError(
            f"{path}: grey levels must be whole numbers 0..255, the values run from {X.min()} to {X.max()}"
        )
    return X.astype(np.uint8, copy=False)


def _float_type(dtype: np.dtype[Any]) -> type[np.floating[Any]]:
    exact_in_float32 = dtype == np.float32 or dtype.itemsize == 1 or dtype == np.float16
    return np.float32 if exact_in_float32 else np.float64
