"""Rows of features as images: their shape, their range of greys, and how many a picture may hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.backends import Array
from fastnn.errors import InputError

MOST_IMAGES = 100
# Smaller squares are tables: iris has 2 × 2 features.
SMALLEST_SIDE = 4


def image_shape(n_features: int, shape: Any = None) -> tuple[int, int]:
    """(height, width) of images of so many pixels: what `shape` says, else a square; or InputError."""
    if shape is not None:
        return _checked(shape, n_features)
    side = math.isqrt(n_features)
    if side * side != n_features or side < SMALLEST_SIDE:
        raise InputError(
            f"the model's {n_features} features are not a square image, such as 8 × 8 = 64; if they are an "
            "image, pass shape=(height, width) (--shape 20x30)"
        )
    return side, side


def as_images(X: Any, n_features: int, shape: Any = None) -> Array:
    """X (n, n_features) or (n, height, width) as (n, height, width); or InputError."""
    array = np.asarray(X)
    if shape is None and array.ndim == 3:
        return array
    return array.reshape(len(array), *image_shape(n_features, shape))


def grey_range(images: Array) -> tuple[float, float]:
    """The values that are drawn white and black: 0 and 255 of uint8, else the least and the largest."""
    return (0.0, 255.0) if images.dtype == np.uint8 else (float(images.min()), float(images.max()))


def image_count(count: Any) -> int:
    """`count` as an int from 1 to 100, or InputError."""
    number = inputs.whole_number("count", count)
    if number > MOST_IMAGES:
        raise InputError(f"count={number} is more than a picture can show; use up to {MOST_IMAGES}")
    return number


def _checked(shape: Any, n_features: int) -> tuple[int, int]:
    sides = inputs.items("shape", shape)
    if len(sides) != 2:
        raise InputError(f"shape={shape!r} must be (height, width)")
    height, width = (inputs.whole_number("shape", side) for side in sides)
    if height * width != n_features:
        raise InputError(
            f"shape={shape!r} is {height * width} pixels, but the model has {n_features} features"
        )
    return height, width
