"""Checks and encodes y: labels become class indices, yes-no matrices 0 and 1, floats regression targets."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.arrays import as_array
from fastnn.inputs.features import check_finite, check_size
from fastnn.inputs.options import brief, choice

CLASSIFIER_LOSSES = ("cross_entropy", "binary_cross_entropy")
REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "poisson")
LOSS_NAMES = ("auto", *CLASSIFIER_LOSSES, *REGRESSION_LOSSES)


@dataclass(frozen=True)
class Targets:
    """What y turned out to be.

    loss     name of the loss, "auto" resolved
    values   class indices int64 (n,); or of the network's dtype (n, n_outputs): 0 or 1 for each label of a
             row, or a regression's targets
    classes  the caller's own labels in sorted order, classes[index]; the numbers of the columns where a row
             has several labels; None for a regression
    n_outputs  width of the output layer
    """

    loss: str
    values: Array
    classes: Array | None
    n_outputs: int


def targets(y: Any, n_rows: int, *, loss: str = "auto", dtype: np.dtype[Any]) -> Targets:
    """Decide from `y` (and `loss`) what kind of problem it is, and encode it.

    One class a row: ints, strings or bools (n,), or a one-hot matrix (n, n_classes), whose classes are its
    column numbers. Several labels a row: a matrix (n, n_labels) of ints 0 and 1, or bools, that is not
    one-hot in every row. Regression: floats (n,) or (n, n_outputs). `loss` by name overrules the choice:
    "binary_cross_entropy" takes any matrix or vector of 0 and 1 for labels of their own.
    """
    choice("loss", loss, LOSS_NAMES)
    array = _without_single_column(target_array(y))
    _check_length(array, n_rows, "y")
    if loss == "auto":
        loss = loss_for(array)
        if loss == "squared_error":
            _warn_if_classes(array)
    if loss == "cross_entropy":
        labels, classes = _encode(array)
        return Targets(loss, labels, classes, len(classes))
    values = _yes_or_no(array, dtype) if loss == "binary_cross_entropy" else _numbers(array, loss, dtype)
    n_outputs = values.shape[1]
    return Targets(loss, values, np.arange(n_outputs) if loss in CLASSIFIER_LOSSES else None, n_outputs)


def known_targets(
    y: Any,
    n_rows: int,
    *,
    loss: str,
    classes: Array | None,
    n_outputs: int,
    dtype: np.dtype[Any],
    name: str = "y",
) -> Array:
    """Encode `y` for a model that is already there: the same classes, or the same number of outputs."""
    array = _without_single_column(target_array(y, name))
    _check_length(array, n_rows, name)
    if classes is not None and loss == "cross_entropy":
        return _known_labels(array, classes, name)
    width = array.shape[1] if array.ndim == 2 else 1
    if width != n_outputs:
        what = "label" if loss == "binary_cross_entropy" else "output"
        many = "s" if width > 1 else ""
        raise InputError(f"{name} has {width} {what}{many} a row, but the model has {n_outputs}")
    if loss == "binary_cross_entropy":
        return _yes_or_no(array, dtype, name)
    return _numbers(array, loss, dtype, name)


def loss_for(array: Array) -> str:
    """What "auto" means, by type and shape, and of a matrix by whether it holds 0 and 1 alone."""
    array = _without_single_column(array)
    if _is_one_hot(array):
        return "cross_entropy"
    if array.dtype.kind == "f":
        return "squared_error"
    return "binary_cross_entropy" if array.ndim == 2 and _is_yes_or_no(array) else "cross_entropy"


def _without_single_column(array: Array) -> Array:
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def target_array(y: Any, name: str = "y") -> Array:
    """`y` as a finite array of labels or numbers, (n,) or (n, k), not yet encoded; or InputError."""
    array = as_array(y, name, "an array of labels")
    if array.dtype == object:
        array = _plain_objects(array, name)
    if array.dtype == np.longdouble:
        with np.errstate(over="ignore"):  # what float64 does not hold is refused below
            array = array.astype(np.float64)
    if array.dtype.kind not in "biufU":
        instead = f"; for bytes pass {name}.astype(str)" if array.dtype.kind == "S" else ""
        raise InputError(
            f"{name} has dtype {array.dtype}; labels may be ints, strings, bools or floats{instead}"
        )
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
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return array.astype(np.str_)
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return array.astype(np.bool_)
    try:
        if kinds and all(issubclass(kind, int | np.integer) and not issubclass(kind, bool) for kind in kinds):
            return array.astype(np.int64)
        if kinds and all(issubclass(kind, int | float | np.integer | np.floating) for kind in kinds):
            return array.astype(np.float64)
    except (OverflowError, TypeError):
        raise InputError(f"{name} holds numbers too large for 64 bits; pass strings as labels") from None
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise InputError(f"{name} mixes values of type {found}; labels must all be ints, strings or bools")


def _check_length(array: Array, n_rows: int, name: str) -> None:
    if len(array) != n_rows:
        raise InputError(f"{name} has {len(array)} rows but X has {n_rows}; every row needs one target")


def _is_yes_or_no(array: Array) -> bool:
    return array.dtype.kind != "U" and bool(np.all((array == 0) | (array == 1)))


def _is_one_hot(array: Array) -> bool:
    if array.ndim != 2 or array.shape[1] < 2 or not _is_yes_or_no(array):
        return False
    return bool(np.all(array.sum(axis=1) == 1))


def _encode(array: Array) -> tuple[Array, Array]:
    """(class indices, classes) of a vector of labels or a one-hot matrix."""
    if array.ndim == 2:
        if not _is_one_hot(array):
            raise InputError(
                f"y has shape {array.shape} but is not one-hot (one 1 in each row, 0 elsewhere); pass labels "
                "(n_rows,), a matrix of 0 and 1 for several labels a row, or loss='squared_error' for a "
                "regression"
            )
        return array.argmax(axis=1), np.arange(array.shape[1])
    classes, labels = np.unique(array, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"y has one class only ({shown(classes[0])}); a classifier needs at least two")
    return labels.astype(np.int64, copy=False), classes


def _known_labels(array: Array, classes: Array, name: str) -> Array:
    if array.ndim == 1:
        return _look_up(array, classes, name)
    if not _is_one_hot(array) or array.shape[1] != len(classes):
        raise InputError(
            f"{name} has shape {array.shape}; pass {len(array)} labels or a one-hot (n, {len(classes)})"
        )
    return array.argmax(axis=1)


def _look_up(array: Array, classes: Array, name: str) -> Array:
    if (array.dtype.kind == "U") != (classes.dtype.kind == "U"):
        raise InputError(
            f"{name} has labels of dtype {array.dtype}, but the model knows {classes.dtype} labels: "
            f"{shown_all(classes)}"
        )
    order = np.argsort(classes, kind="stable")  # those of a model made by hand may have any
    indices = order[np.minimum(np.searchsorted(classes, array, sorter=order), len(classes) - 1)]
    unknown = classes[indices] != array
    if unknown.any():
        raise InputError(
            f"{name} holds the label {shown(array[unknown][0])}, which the model does not know; it knows "
            f"{shown_all(classes)}"
        )
    return indices.astype(np.int64, copy=False)


def _yes_or_no(array: Array, dtype: np.dtype[Any], name: str = "y") -> Array:
    """0 or 1 for each label of each row, (n, n_labels)."""
    if not _is_yes_or_no(array):
        wrong = array.flat[0] if array.dtype.kind == "U" else array[(array != 0) & (array != 1)][0]
        raise InputError(
            f"{name} holds {shown(wrong)}; binary_cross_entropy needs 0 or 1 for each label of a row "
            "(for one class a row: loss='cross_entropy')"
        )
    return np.ascontiguousarray(array.reshape(len(array), -1), dtype)


def _numbers(array: Array, loss: str, dtype: np.dtype[Any], name: str = "y") -> Array:
    """A regression's targets, (n, n_outputs)."""
    if array.dtype.kind == "U":
        raise InputError(f"{name} holds strings; {loss} needs numbers (for classes: loss='cross_entropy')")
    with np.errstate(over="ignore"):
        values = array.reshape(len(array), -1).astype(dtype)
    check_finite(values, f"{name} as {dtype}")
    check_size(float(np.abs(values).max()), dtype, name)
    if loss == "poisson" and values.min() < 0:
        raise InputError(
            f"{name} holds {shown(values.min())}; poisson needs counts, 0 or more (for any numbers: "
            "loss='squared_error')"
        )
    return np.ascontiguousarray(values)


def _warn_if_classes(array: Array) -> None:
    # class labels read from a text file are often floats; a regression on them trains, and disappoints
    if array.ndim == 1 and np.all(array == np.round(array)) and len(np.unique(array)) <= 20 < len(array):
        warnings.warn(
            "y holds floats, so this is a regression; its values look like class labels: for classes pass "
            "y.astype(int) or loss='cross_entropy' (loss='squared_error' silences this)",
            stacklevel=4,
        )


def shown(value: Any) -> str:
    """A label as a message shows it."""
    return brief(value.item() if isinstance(value, np.generic) else value)


def shown_all(classes: Array, most: int = 10) -> str:
    """Labels as a message shows them, the first `most`."""
    listed = ", ".join(shown(value) for value in classes[:most])
    return listed + (f", … ({len(classes)} in all)" if len(classes) > most else "")
