"""What each ONNX operator that a dense network is written with makes of its inputs (see onnx_values)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fastnn.backends import Array
from fastnn.exchange import onnx_endings
from fastnn.exchange.onnx_functions import ELEMENTWISE, SHAPING, dtype_of
from fastnn.exchange.onnx_values import (
    POINTS,
    Features,
    Function,
    Labels,
    Layer,
    Node,
    Probabilities,
    UnreadableError,
    Value,
)

UNKNOWN = "has no equal in fastnn's networks"


def value_of(node: Node, values: list[Value]) -> Value:
    """The value of a node's first output, from those of its inputs; or UnreadableError."""
    with np.errstate(all="ignore"):
        if all(value is None or isinstance(value, np.ndarray) for value in values):
            return _constant(node, values)
        if node.operator in OPERATORS:
            return OPERATORS[node.operator](node, *values)
        return _elementwise(node, *values)


def _constant(node: Node, arrays: list[Array | None]) -> Array:
    if node.operator in SHAPING:
        return np.asarray(SHAPING[node.operator](node.attributes, *arrays))
    if node.operator not in ELEMENTWISE:
        raise UnreadableError(UNKNOWN)
    shapes = [array.shape for array in arrays if array is not None]
    # A row and a column of a small file together make more than any memory holds.
    if math.prod(np.broadcast_shapes(*shapes)) > max(math.prod(shape) for shape in shapes):
        raise UnreadableError(f"makes one constant of shapes {', '.join(map(str, shapes))}")
    return np.asarray(ELEMENTWISE[node.operator](node.attributes, *arrays))


def _elementwise(node: Node, *values: Value) -> Function:
    functions = [value for value in values if isinstance(value, Function)]
    others = [value for value in values if value is not None and not isinstance(value, Function)]
    if (
        node.operator not in ELEMENTWISE
        or not functions
        or not all(isinstance(v, np.ndarray) for v in others)
    ):
        raise UnreadableError(UNKNOWN)
    layer = functions[0].layer
    if any(function.layer is not layer for function in functions):
        raise UnreadableError("joins different layers; fastnn's follow one another")
    if any(value.size != 1 for value in others):
        raise UnreadableError("treats the units of a layer differently")
    numbers = [
        value.values if isinstance(value, Function) else None if value is None else value.item()
        for value in values
    ]
    return Function(layer, np.asarray(ELEMENTWISE[node.operator](node.attributes, *numbers)))


def _same(node: Node, value: Value, *_: Value) -> Value:
    return value


def _arithmetic(node: Node, left: Value, right: Value) -> Value:
    """Add, Sub, Mul and Div: scaling of the input, a bias, or a part of an activation."""
    if isinstance(left, Features) or isinstance(right, Features):
        return _scaled(node.operator, left, right)
    return _biased(node.operator, left, right) or _elementwise(node, left, right)


def _scaled(operator: str, left: Value, right: Value) -> Features:
    features, number = (
        (right, left) if operator in ("Add", "Mul") and isinstance(right, Features) else (left, right)
    )
    if not isinstance(features, Features) or not isinstance(number, np.ndarray):
        raise UnreadableError(UNKNOWN)
    if operator in ("Add", "Sub"):
        return features.minus(number if operator == "Sub" else -number)
    return features.divided_by(number if operator == "Div" else 1 / number.astype(np.float64))


def _biased(operator: str, left: Value, right: Value) -> Function | None:
    """A layer with a bias added to what it had; None for anything else."""
    function, number = (right, left) if operator == "Add" and isinstance(right, Function) else (left, right)
    if (
        operator not in ("Add", "Sub")
        or not isinstance(function, Function)
        or not isinstance(number, np.ndarray)
    ):
        return None
    width = function.width
    # A single number for several units is a part of an activation.
    if not function.is_identity or (
        number.shape not in ((width,), (1, width)) and not number.size == width == 1
    ):
        return None
    return Function(function.layer.plus(number if operator == "Add" else -number), POINTS)


def _scaler(node: Node, features: Value) -> Value:
    """ai.onnx.ml: (x − offset) · scale."""
    if not isinstance(features, Features):
        raise UnreadableError("scales something else than the input")
    offset, scale = (
        np.asarray(node.attributes.get(name, number)) for name, number in (("offset", 0), ("scale", 1))
    )
    return features.minus(offset).divided_by(1 / scale)


def _dense(node: Node, A: Value, B: Value, C: Value = None) -> Function:
    """MatMul and Gemm: alpha A B + beta C."""
    attributes = node.attributes
    if not isinstance(A, Features | Function) or not isinstance(B, np.ndarray) or attributes.get("transA"):
        raise UnreadableError("does not multiply rows by a constant matrix")
    W = B.T if attributes.get("transB") else B
    if W.ndim != 2 or W.dtype.kind != "f" or not W.size:
        raise UnreadableError(f"has weights of shape {W.shape} and dtype {W.dtype}")
    b = np.zeros(1, W.dtype) if C is None else C
    if not isinstance(b, np.ndarray) or b.shape not in ((), (1,), (1, 1), (W.shape[1],), (1, W.shape[1])):
        raise UnreadableError("adds something else than a bias")
    if attributes.get("alpha", 1) != 1:
        W = W * W.dtype.type(attributes["alpha"])
    if attributes.get("beta", 1) != 1:
        b = b * b.dtype.type(attributes["beta"])
    for width in [A.width] if isinstance(A, Function) else _flat_widths(A):
        if width != W.shape[0]:
            raise UnreadableError(f"multiplies {width} columns by a matrix {W.shape}")
    bias = np.broadcast_to(b.reshape(-1), W.shape[1:])
    if isinstance(A, Function):
        return Function(Layer(W, bias, A.activation(), A.layer), POINTS)
    return Function(Layer(W, bias, None, A), POINTS)


def _flat_widths(features: Features) -> list[int]:
    """How many features there are, as far as the graph says it."""
    if features.shape is not None and len(features.shape) != 1:
        raise UnreadableError(f"multiplies rows of shape {features.shape}, which must be flattened first")
    return [*(features.shape or ()), *(x.size for x in (features.mean, features.deviation) if x.size != 1)]


def _cast(node: Node, value: Value) -> Value:
    dtype = dtype_of(node.attributes)
    if isinstance(value, Function):
        return replace(value, values=value.values.astype(dtype))
    if isinstance(value, Labels):
        return value if value.classes is None else replace(value, classes=value.classes.astype(dtype))
    if dtype not in (np.float32, np.float64):
        raise UnreadableError(f"casts to {dtype}, which loses digits")
    return value


def _shape(node: Node, value: Value) -> Array:
    """The shape, −1 standing for the rows."""
    if isinstance(value, Features):
        row: tuple[int, ...] = value.shape or ()
    elif isinstance(value, Function | Probabilities):
        row = (value.width,)
    else:
        raise UnreadableError(UNKNOWN)
    return np.array([-1, *row])[node.attributes.get("start", 0) : node.attributes.get("end")]


def _flatten(node: Node, value: Value) -> Value:
    if node.attributes.get("axis", 1) != 1:
        raise UnreadableError("does not keep the rows apart")
    return value.flat() if isinstance(value, Features) else value


def _reshape(node: Node, value: Value, shape: Value) -> Value:
    if isinstance(value, Labels):
        return value
    if not isinstance(shape, np.ndarray) or not isinstance(value, Features | Function | Probabilities):
        raise UnreadableError("does not keep the rows apart")
    wanted = tuple(shape.tolist())
    if isinstance(value, Features):
        return _reshaped_features(value, wanted)
    width = value.width
    # skl2onnx writes the outputs of a regression below one another: (-1, 1), however many there are.
    if wanted in ((-1, width), (0, width), (-1, -1), (0, -1)) or (wanted == (-1, 1) and node.is_output):
        return value
    if wanted == (-1,) and width == 1:
        return value
    raise UnreadableError(f"makes {wanted} of {width} outputs a row")


def _reshaped_features(features: Features, wanted: tuple[int, ...]) -> Features:
    flat = features.flat()
    if len(wanted) != 2 or wanted[0] not in (-1, 0, features.n_rows):
        raise UnreadableError(f"makes rows of {wanted[1:]}, which must be flat")
    width = None if flat.shape is None else flat.shape[0]
    if wanted[1] == -1 or wanted[1] == width:
        return flat
    if width is None and wanted[1] > 0:
        return replace(flat, shape=(wanted[1],))
    raise UnreadableError(f"makes {wanted} of rows of shape {features.shape}")


def _squeeze(node: Node, value: Value, axes: Value = None) -> Value:
    if isinstance(value, Labels) or (isinstance(value, Function) and value.width == 1):
        return value
    raise UnreadableError(UNKNOWN)


OPERATORS: dict[str, Callable[..., Value]] = {
    "Add": _arithmetic,
    "ArgMax": onnx_endings.arg_max,
    "ArrayFeatureExtractor": onnx_endings.look_up,
    "Cast": _cast,
    "Concat": onnx_endings.pair,
    "Div": _arithmetic,
    "Dropout": _same,  # as it is after training
    "Flatten": _flatten,
    "Gather": onnx_endings.look_up,
    "Gemm": _dense,
    "Identity": _same,
    "LogSoftmax": onnx_endings.softmax,
    "MatMul": _dense,
    "Mul": _arithmetic,
    "Reshape": _reshape,
    "Scaler": _scaler,
    "Shape": _shape,
    "Softmax": onnx_endings.softmax,
    "Squeeze": _squeeze,
    "Sub": _arithmetic,
    "ZipMap": onnx_endings.zip_map,
}
