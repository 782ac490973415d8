"""A Network from plain arrays, with everything checked: what every other way in ends with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.alignment import on_a_line
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.targets import shown, target_array
from fastnn.network import Network

LOSSES = inputs.LOSS_NAMES[1:]


def from_arrays(
    weights: Sequence[Any],
    biases: Sequence[Any],
    activation: str | Sequence[str] = "relu",
    *,
    loss: str = "cross_entropy",
    huber_delta: float = 1.0,
    classes: Any = None,
    input_scale: float | None = None,
    input_mean: Any = None,
    input_deviation: Any = None,
    dtype: Any = None,
    backend: str = "auto",
) -> Network:
    """A model of these weights: it predicts, scores, saves and trains on as one that fastnn trained.

    weights      a (fan_in, fan_out) array a layer: Z = XW + b. Arrays are copied
    biases       a (fan_out,) array a layer
    activation   of the hidden layers: one name for all, or a list
    loss         "cross_entropy" or "binary_cross_entropy" (the outputs are logits), or a regression's;
                 "poisson" (the outputs are logarithms of the means)
    classes      labels in the order of the outputs; None: 0, 1, 2, … A single output with two labels is the
                 logit of the second, and becomes the two logits 0 and z, which give the same probabilities
    input_scale  what uint8 input is multiplied by; None for a model of other numbers
    input_mean, input_deviation
                 (n_features,) what is subtracted from each feature, and what it is then divided by
    dtype        "float32" or "float64"; None: float32 if all arrays are, else float64

    Raises InputError for shapes that do not chain, numbers that are not finite, and unknown names.
    """
    matrices = [_numbers(f"weights[{i}]", W, 2) for i, W in enumerate(inputs.items("weights", weights))]
    vectors = [_numbers(f"biases[{i}]", b, 1) for i, b in enumerate(inputs.items("biases", biases))]
    if len(matrices) != len(vectors) or not matrices:
        raise InputError(
            f"a network needs one bias vector a weight matrix; it got {len(matrices)} and {len(vectors)}"
        )
    for i, (W, b) in enumerate(zip(matrices, vectors, strict=True)):
        if W.shape[1] != len(b) == W.shape[0]:
            raise InputError(
                f"weights[{i}] has shape {W.shape} and biases[{i}] {b.shape}; weights are (fan_in, fan_out): "
                "pass the transpose"
            )
    found = inputs.float_dtype(dtype) if dtype is not None else _common_dtype(matrices + vectors)
    matrices = [_finite(f"weights[{i}]", W, found) for i, W in enumerate(matrices)]
    vectors = [_finite(f"biases[{i}]", b, found) for i, b in enumerate(vectors)]
    inputs.choice("loss", loss, LOSSES)
    labels = _labels(classes, loss, matrices[-1].shape[1])
    if labels is not None and len(labels) == 2 and matrices[-1].shape[1] == 1:
        loss = "cross_entropy"
        matrices[-1], vectors[-1] = (np.insert(array, 0, 0, axis=-1) for array in (matrices[-1], vectors[-1]))
    if input_scale is not None:
        input_scale = inputs.positive("input_scale", input_scale)
        if input_mean is not None and input_scale != 1:
            raise InputError(
                f"input_scale={input_scale!r} must be 1.0 beside input_mean, which is of the uint8 numbers"
            )
    return Network(
        [on_a_line(W, found) for W in matrices],
        vectors,
        activation=activation,
        loss=loss,
        huber_delta=huber_delta,
        classes=labels,
        input_scale=input_scale,
        input_mean=None if input_mean is None else _numbers("input_mean", input_mean, 1),
        input_deviation=(
            None if input_deviation is None else _numbers("input_deviation", input_deviation, 1)
        ),
        backend=backend,
    )


def loss_after(ending: str, loss: str, n_outputs: int, classes: Any) -> str:
    """The loss of a model of another library, from what follows its last layer and what the caller says.

    ending   "softmax", "sigmoid", "exp", or "linear": nothing, so the outputs are a regression's or logits.
             "auto" then takes logits where there are classes or several outputs, else a regression
    """
    inputs.choice("loss", loss, inputs.LOSS_NAMES)
    one_logit = n_outputs == 1 and classes is not None
    fitting = {
        "softmax": ("cross_entropy",),
        "sigmoid": ("cross_entropy", "binary_cross_entropy") if one_logit else ("binary_cross_entropy",),
        "exp": ("poisson",),
        "linear": (
            *(("cross_entropy",) if one_logit or n_outputs > 1 else ("squared_error",)),
            *(name for name in LOSSES),
        ),
    }[ending]
    if loss == "auto":
        return fitting[0]
    if loss not in fitting:
        raise InputError(f"loss={loss!r} does not go with a model that ends in {ending}; use {fitting[0]!r}")
    return loss


def _numbers(name: str, value: Any, n_dimensions: int) -> Array:
    array = inputs.as_array(value, name, "an array of numbers")
    if array.dtype.kind not in "iuf" or array.ndim != n_dimensions:
        expected = "a matrix (fan_in, fan_out)" if n_dimensions == 2 else "a vector"
        raise InputError(
            f"{name} has shape {array.shape} and dtype {array.dtype}; it must be {expected} of numbers"
        )
    return array


def _common_dtype(arrays: list[Array]) -> np.dtype[Any]:
    together = np.result_type(*(array.dtype for array in arrays))
    return np.dtype(np.float32 if together in (np.float16, np.float32) else np.float64)


def _finite(name: str, array: Array, dtype: np.dtype[Any]) -> Array:
    """A copy in `dtype`."""
    with np.errstate(over="ignore"):
        copy = np.array(array, dtype, order="C")
    inputs.check_finite(copy, name)
    return copy


def _labels(classes: Any, loss: str, n_outputs: int) -> Array | None:
    """The classes as an array, None for a regression or where the outputs' numbers are the labels."""
    if classes is None:
        if loss == "cross_entropy" and n_outputs == 1:
            raise InputError(
                "loss='cross_entropy' needs two outputs or more; with one, the logit of yes, pass "
                "classes=(no, yes), or else the loss of a regression"
            )
        return None
    if loss not in inputs.CLASSIFIER_LOSSES:
        raise InputError(f"classes={classes!r} means nothing to a regression, loss={loss!r}: leave it out")
    labels = target_array(classes, "classes")
    if labels.ndim != 1:
        raise InputError(f"classes has shape {labels.shape}; it must be a list of labels, one an output")
    values, counts = np.unique(labels, return_counts=True)
    if counts.max() > 1:
        raise InputError(f"classes holds {shown(values[counts.argmax()])} more than once")
    if len(labels) == 2 and n_outputs == 1:
        return labels
    if len(labels) != n_outputs:
        raise InputError(f"classes has {len(labels)} labels, but the last layer has {n_outputs} outputs")
    if loss == "binary_cross_entropy" and not np.array_equal(labels, np.arange(n_outputs)):
        raise InputError("classes must be left out where a row has several labels: they are 0, 1, 2, …")
    return labels
