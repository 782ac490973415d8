"""ONNX's elementwise operators, and those that shape constants, on NumPy arrays.

Each takes the node's attributes and its inputs, None for one that was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from fastnn.backends import Array, numpy_activations
from fastnn.exchange.onnx_values import UnreadableError

Attributes = Mapping[str, Any]
Operator = Callable[..., Array]


def dtype_of(attributes: Attributes) -> np.dtype[Any]:
    """What a Cast casts to."""
    from onnx import helper

    return np.dtype(helper.tensor_dtype_to_np_dtype(attributes["to"]))


def _leaky_relu(attributes: Attributes, Z: Array) -> Array:
    return np.where(Z > 0, Z, attributes.get("alpha", 0.01) * Z)


def _p_relu(_: Attributes, Z: Array, slope: Array) -> Array:
    return np.where(Z > 0, Z, slope * Z)


def _elu(attributes: Attributes, Z: Array) -> Array:
    return np.where(Z > 0, Z, attributes.get("alpha", 1.0) * np.expm1(np.minimum(Z, 0)))


def _gelu(attributes: Attributes, Z: Array) -> Array:
    if attributes.get("approximate", b"none") != b"tanh":
        return _erf(attributes, Z)
    return numpy_activations.gelu(Z)


def _erf(_: Attributes, Z: Array) -> Array:
    raise UnreadableError("makes GELU by erf; fastnn's is the tanh form, up to 5e-4 away")


def _swish(attributes: Attributes, Z: Array) -> Array:
    return Z * numpy_activations.logistic(attributes.get("alpha", 1.0) * Z)


def _clip(attributes: Attributes, Z: Array, low: Any = None, high: Any = None) -> Array:
    low = attributes.get("min", -np.inf) if low is None else low
    high = attributes.get("max", np.inf) if high is None else high
    return np.minimum(np.maximum(Z, low), high)


def _binarizer(attributes: Attributes, Z: Array) -> Array:
    return np.greater(Z, attributes.get("threshold", 0.0))


def _of(function: Callable[..., Any]) -> Operator:
    return lambda attributes, *arrays: function(*arrays)


def _of_all(function: Callable[[Any, Any], Any]) -> Operator:
    return lambda attributes, *arrays: reduce(function, arrays)


ELEMENTWISE: dict[str, Operator] = {
    "Abs": _of(np.abs),
    "Add": _of(np.add),
    "Binarizer": _binarizer,
    "Clip": _clip,
    "Div": _of(np.divide),
    "Elu": _elu,
    "Erf": _erf,
    "Exp": _of(np.exp),
    "Gelu": _gelu,
    "Greater": _of(np.greater),
    "GreaterOrEqual": _of(np.greater_equal),
    "LeakyRelu": _leaky_relu,
    "Less": _of(np.less),
    "LessOrEqual": _of(np.less_equal),
    "Log": _of(np.log),
    "Max": _of_all(np.maximum),
    "Min": _of_all(np.minimum),
    "Mul": _of(np.multiply),
    "Neg": _of(np.negative),
    "PRelu": _p_relu,
    "Pow": _of(np.power),
    "Reciprocal": _of(np.reciprocal),
    "Relu": _of(numpy_activations.relu),
    "Sigmoid": _of(numpy_activations.logistic),
    "Softplus": _of(numpy_activations.softplus),
    "Sqrt": _of(np.sqrt),
    "Sub": _of(np.subtract),
    "Swish": _swish,
    "Tanh": _of(np.tanh),
    "Where": _of(np.where),
}


def _constant(attributes: Attributes) -> Array:
    from onnx import numpy_helper

    ((name, value),) = attributes.items()
    return numpy_helper.to_array(value) if name == "value" else np.asarray(value)


def _axes(attributes: Attributes, axes: Array | None) -> tuple[int, ...] | None:
    """Of Squeeze and Unsqueeze: an attribute up to opset 12, an input since."""
    found = attributes.get("axes") if axes is None else axes.tolist()
    return None if found is None else tuple(found)


def _gather(_: Attributes, array: Array, indices: Array) -> Array:
    if array.ndim != 1:
        raise UnreadableError("takes rows of a constant matrix")
    return array[indices]


def _reshape(_: Attributes, array: Array, shape: Array) -> Array:
    return array.reshape(shape.tolist())


# What exporters write for constants: transposed weights, and the shape for a Reshape.
SHAPING: dict[str, Operator] = {
    "Cast": lambda attributes, array: array.astype(dtype_of(attributes)),
    "Concat": lambda attributes, *arrays: np.concatenate(arrays, attributes["axis"]),
    "Constant": _constant,
    "Gather": _gather,
    "Identity": lambda attributes, array: array,
    "Reshape": _reshape,
    "Squeeze": lambda attributes, array, axes=None: np.squeeze(array, _axes(attributes, axes)),
    "Transpose": lambda attributes, array: np.transpose(array, attributes.get("perm")),
    "Unsqueeze": lambda attributes, array, axes=None: np.expand_dims(array, _axes(attributes, axes) or ()),
}
