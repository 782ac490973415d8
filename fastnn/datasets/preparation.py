"""Preparing data for training: a train/development split by class, and one-hot labels."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn import inputs
from fastnn.errors import InputError
from fastnn.inputs.options import brief

# Bytes of a one-hot matrix beyond which its classes are surely no numbers of classes, but of something else.
LARGEST_ONE_HOT = 2**36

Indices = NDArray[np.intp]


def split(
    X: ArrayLike,
    y: ArrayLike,
    fraction: float = 0.1,
    seed: int | np.random.Generator = 0,
    stratify: bool = True,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Hold out a part of the data for development; the rows keep their order.

    Shapes     X (n, …), y (n,) -> X_train, y_train, X_dev, y_dev
    fraction   the share of rows held out, above 0 and below 1
    stratify   keep the classes' shares the same in both parts, and at least one row of each class in
               training; float y (regression) is split plainly
    Errors     InputError for a fraction out of range, lengths that differ, or too few rows
    """
    X, y = inputs.as_array(X, "X", "an array"), inputs.as_array(y, "y", "an array of labels")
    stratify = inputs.yes_or_no("stratify", stratify)
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise InputError(f"X and y must have one row per sample, got shapes {X.shape} and {y.shape}")
    train, dev = split_indices(y, fraction, inputs.generator(seed), stratify)
    return X[train], y[train], X[dev], y[dev]


def split_indices(
    y: NDArray[Any] | int, fraction: float, generator: np.random.Generator, stratify: bool = True
) -> tuple[Indices, Indices]:
    """Choose which rows to hold out.

    Shapes     y (n,), or just the number n -> train (n - k,), dev (k,), both ascending,
               k = round(fraction · n), at least 1 and at most n - 1; fewer where classes with a single
               row leave fewer to take
    Errors     InputError
    """
    n = y if isinstance(y, int) else len(y)
    if inputs.positive("fraction", fraction) >= 1:
        raise InputError(f"fraction={fraction!r} must be below 1")
    if n < 2:
        raise InputError(f"a split needs at least 2 rows, got {n}")
    k = min(max(round(fraction * n), 1), n - 1)
    by_class = stratify and not isinstance(y, int) and y.ndim == 1 and y.dtype.kind != "f"
    dev = _take_by_class(np.asarray(y), k, generator) if by_class else generator.permutation(n)[:k]
    held_out = np.zeros(n, bool)
    held_out[dev] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def one_hot(y: ArrayLike, n_classes: int | None = None, dtype: DTypeLike = "float32") -> NDArray[Any]:
    """Write class numbers as rows with a single 1.

    Shapes     y (n,) of integers 0..n_classes-1 -> (n, n_classes)
    n_classes  None: the largest label plus one
    Errors     InputError for labels that are not integers, negative, or not below n_classes
    """
    y = inputs.as_array(y, "y", "a vector of class numbers")
    if y.ndim != 1 or y.dtype.kind not in "bui":
        raise InputError(f"y must be a vector of integer class numbers, got {y.dtype} of shape {y.shape}")
    if n_classes is None:
        if not y.size:
            raise InputError("y is empty: say n_classes")
        n_classes = int(y.max()) + 1
    n_classes, kind = inputs.whole_number("n_classes", n_classes), _number_type(dtype)
    if len(y) * n_classes * kind.itemsize > LARGEST_ONE_HOT:
        raise InputError(
            f"n_classes={n_classes:.3g} and {len(y)} rows make too large a matrix; number the classes from 0 "
            "(np.unique(y, return_inverse=True))"
        )
    if y.size and (y.min() < 0 or y.max() >= n_classes):
        raise InputError(f"y must hold class numbers 0..{n_classes - 1}, it runs from {y.min()} to {y.max()}")
    encoded = np.zeros((len(y), n_classes), kind)
    encoded[np.arange(len(y)), y.astype(np.intp)] = 1
    return encoded


def _number_type(dtype: Any) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except Exception:  # NumPy parses text and lists of fields, and fails in many ways
        kind = None
    if kind is None or kind.kind not in "biuf":
        raise InputError(f"dtype={brief(dtype)} must be a type of numbers, such as 'float32'")
    return kind


def _take_by_class(y: NDArray[Any], k: int, generator: np.random.Generator) -> Indices:
    """Choose k rows so that each class gives its share."""
    _, classes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if counts.max() == 1:
        raise InputError("every class has a single row, so none can be held out; say stratify=False")
    rows_of = np.split(np.argsort(classes, kind="stable"), np.cumsum(counts)[:-1])
    shares = _shares(counts, k)
    return np.concatenate(
        [generator.permutation(rows)[:share] for rows, share in zip(rows_of, shares, strict=True)]
    )


def _shares(counts: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Deal k rows out to the classes in proportion, by largest remainder; each class keeps one row.

    Shapes   counts (n_classes,) -> shares (n_classes,), 0 <= shares < counts,
             their sum k or (where the classes have no more to give) as many as there are
    """
    exact = counts * (k / counts.sum())
    shares: NDArray[np.intp] = np.minimum(np.floor(exact).astype(np.intp), counts - 1)
    by_remainder = np.argsort(shares - exact, kind="stable")
    missing = min(k, int((counts - 1).sum())) - int(shares.sum())
    while missing:
        takers = [label for label in by_remainder if shares[label] < counts[label] - 1][:missing]
        shares[takers] += 1
        missing -= len(takers)
    return shares
