"""Checks and encodes y: labels of any kind become class indices, floats become regression targets."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.features import check_finite
from fastnn.inputs.options import choice, first_line

LossName = Literal["cross_entropy", "squared_error"]
LOSS_NAMES = ("auto", "cross_entropy", "squared_error")


@dataclass(frozen=True)
class Targets:
    """What y turned out to be.

    loss     "cross_entropy" or "squared_error"
    values   class indices int64 (n,), or regression targets (n, n_outputs) of the network's dtype
    classes  the caller's own labels in sorted order, classes[index]; None for a regression
    n_outputs  width of the output layer
    """

    loss: LossName
    values: Array
    classes: Array | None
    n_outputs: int


def targets(y: Any, n_rows: int, *, loss: str = "auto", dtype: np.dtype[Any]) -> Targets:
    """Decide from `y` (and `loss`) between classification and regression, and encode it.

    Classification: ints, strings or bools (n,), or a one-hot matrix (n, n_classes), whose classes are its
    column numbers. Regression: floats (n,) or (n, n_outputs). `loss` by name overrules the choice.
    """
    choice("loss", loss, LOSS_NAMES)
    array = _target_array(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    _check_length(array, n_rows, "y")
    regression = loss == "squared_error" or (
        loss == "auto" and array.dtype.kind == "f" and not _is_one_hot(array)
    )
    if regression:
        if loss == "auto":
            _warn_if_classes(array)
        values = _regression_values(array, dtype)
        return Targets("squared_error", values, None, values.shape[1])
    labels, classes = _encode(array)
    return Targets("cross_entropy", labels, classes, len(classes))


def known_targets(
    y: Any, n_rows: int, *, classes: Array | None, n_outputs: int, dtype: np.dtype[Any], name: str = "y"
) -> Array:
    """Encode `y` for a model that is already there: the same classes, or the same number of outputs."""
    array = _target_array(y, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    _check_length(array, n_rows, name)
    if classes is None:
        values = _regression_values(array, dtype, name)
        if values.shape[1] != n_outputs:
            raise InputError(f"{name} has {values.shape[1]} outputs a row, but the model has {n_outputs}")
        return values
    if array.ndim == 2:
        if not _is_one_hot(array) or array.shape[1] != len(classes):
            raise InputError(
                f"{name} has shape {array.shape}; pass {n_rows} labels or a one-hot (n, {len(classes)})"
            )
        return array.argmax(axis=1)
    return _look_up(array, classes, name)


def _target_array(y: Any, name: str = "y") -> Array:
    try:
        array = np.asarray(y)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} is not an array of labels: {first_line(error)}") from None
    if array.dtype == object:
        array = _plain_objects(array, name)
    if array.dtype.kind not in "biufU":
        raise InputError(f"{name} has dtype {array.dtype}; labels may be ints, strings, bools or floats")
    if array.ndim not in (1, 2):
        raise InputError(
            f"{name} has shape {array.shape}; it must be (n_rows,), or (n_rows, n_outputs) for a one-hot "
            "matrix or a regression"
        )
    if array.size == 0:
        raise InputError(f"{name} is empty: its shape is {array.shape}")
    check_finite(array, name)
    return array


def _plain_objects(array: Array, name: str) -> Array:
    """Objects (pandas strings, mixed lists) as strings or numbers: all of one kind, or an error."""
    kinds = {type(value) for value in array.ravel().tolist()}
    if kinds == {str}:
        return array.astype(np.str_)
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return array.astype(np.bool_)
    if kinds and all(issubclass(kind, int | np.integer) and not issubclass(kind, bool) for kind in kinds):
        return array.astype(np.int64)
    if kinds and all(issubclass(kind, int | float | np.number) for kind in kinds):
        return array.astype(np.float64)
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise InputError(f"{name} mixes values of type {found}; labels must all be ints, strings or bools")


def _check_length(array: Array, n_rows: int, name: str) -> None:
    if len(array) != n_rows:
        raise InputError(f"{name} has {len(array)} rows but X has {n_rows}; every row needs one target")


def _is_one_hot(array: Array) -> bool:
    if array.ndim != 2 or array.dtype.kind == "U" or array.shape[1] < 2:
        return False
    return bool(np.all((array == 0) | (array == 1)) and np.all(array.sum(axis=1) == 1))


def _encode(array: Array) -> tuple[Array, Array]:
    """(class indices, classes) of a vector of labels or a one-hot matrix."""
    if array.ndim == 2:
        if not _is_one_hot(array):
            raise InputError(
                f"y has shape {array.shape} but is not one-hot (one 1 in each row, 0 elsewhere); pass labels "
                "(n_rows,), or loss='squared_error' for a regression"
            )
        return array.argmax(axis=1), np.arange(array.shape[1])
    classes, labels = np.unique(array, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"y has one class only ({_shown(classes[0])}); a classifier needs at least two")
    return labels.astype(np.int64, copy=False), classes


def _look_up(array: Array, classes: Array, name: str) -> Array:
    if (array.dtype.kind == "U") != (classes.dtype.kind == "U"):
        raise InputError(
            f"{name} has labels of dtype {array.dtype}, but the model knows {classes.dtype} labels: "
            f"{_shown_all(classes)}"
        )
    indices = np.minimum(np.searchsorted(classes, array), len(classes) - 1)
    unknown = classes[indices] != array
    if unknown.any():
        raise InputError(
            f"{name} holds the label {_shown(array[unknown][0])}, which the model does not know; it knows "
            f"{_shown_all(classes)}"
        )
    return indices.astype(np.int64, copy=False)


def _regression_values(array: Array, dtype: np.dtype[Any], name: str = "y") -> Array:
    if array.dtype.kind == "U":
        raise InputError(
            f"{name} holds strings; squared_error needs numbers (for classes: loss='cross_entropy')"
        )
    values = array.reshape(len(array), -1).astype(dtype)
    check_finite(values, f"{name} as {dtype}")
    return np.ascontiguousarray(values)


def _warn_if_classes(array: Array) -> None:
    # class labels read from a text file are often floats; a regression on them trains, and disappoints
    if array.ndim == 1 and np.all(array == np.round(array)) and len(np.unique(array)) <= 20 < len(array):
        warnings.warn(
            "y holds floats, so this is a regression; its values look like class labels: for classes pass "
            "y.astype(int) or loss='cross_entropy' (loss='squared_error' silences this)",
            stacklevel=4,
        )


def _shown(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _shown_all(classes: Array, most: int = 10) -> str:
    shown = ", ".join(_shown(value) for value in classes[:most])
    return shown + (f", … ({len(classes)} in all)" if len(classes) > most else "")
