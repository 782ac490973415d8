"""A Network as an ONNX file: Gemm, activation, Softmax; with its scaling in front and its labels at the end.

Opset 13 of 2020, which every runtime in use reads. float64 needs ONNX Runtime 1.18 or newer; what that has no
float64 kernel of is built from operators that it has.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.backends.numpy_activations import LEAK
from fastnn.errors import InputError, ModelFileError
from fastnn.exchange.onnx_graph import Graph, element
from fastnn.exchange.requirements import require_onnx
from fastnn.inputs import file_path
from fastnn.standardisation import Standardisation, fold
from fastnn.whole_file import write_whole

if TYPE_CHECKING:
    import onnx

    from fastnn.network import Network

OPSET, IR_VERSION = 13, 7
LARGEST = 2**31 - 1  # bytes of a protobuf message
# The names under which a file keeps what a graph cannot say: which regression loss it was.
LOSS, HUBER_DELTA = "fastnn.loss", "fastnn.huber_delta"
# Operators that are one activation each; in float64 ONNX Runtime has the first ones alone.
NATIVE = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}
NATIVE_FLOAT32 = {"leaky_relu": "LeakyRelu", "elu": "Elu", "softplus": "Softplus"}
ATTRIBUTES: dict[str, dict[str, Any]] = {"leaky_relu": {"alpha": LEAK}, "elu": {"alpha": 1.0}}


def to_onnx(network: Network, path: str | PathLike[str]) -> None:
    """Write `network` to `path`, whole or not at all; an older file there is replaced.

    The input "X" is (batch, n_features): uint8 for a model of uint8, else of the weights' dtype. Outputs of a
    classifier: "labels" (batch,), the caller's own (ints as int64, strings, bools, floats), and
    "probabilities" (batch, n_classes). Where a row may have several labels both are (batch, n_labels), labels
    0 or 1 as int64. Of a regression "outputs" (batch, n_outputs).
    Raises ModelFileError where the file cannot be written.
    """
    path = file_path("path", path)
    content = model_proto(network).SerializeToString(deterministic=True)
    try:
        write_whole(path, content)
    except (OSError, UnicodeError) as error:
        raise ModelFileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def model_proto(network: Network) -> onnx.ModelProto:
    """`network` as an `onnx.ModelProto`."""
    require_onnx()
    from onnx import helper

    from fastnn import __version__

    size = sum(array.nbytes for array in [*network.weights, *network.biases])
    if size > LARGEST:
        raise InputError(f"the weights take {size} bytes; an ONNX file holds {LARGEST} at most")
    graph = Graph(network.dtype)
    A = _scaled_input(graph, network)
    weights, biases = _parameters(network)
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        A = graph.add("Gemm", A, graph.constant(W, f"weights.{layer}"), graph.constant(b, f"biases.{layer}"))
        if layer < len(network.activations):
            A = _activation(graph, network.activations[layer], A)
    _end(graph, network, A)
    sizes = "-".join(str(size) for size in network.sizes)
    model = helper.make_model(
        graph.finished("fastnn"),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fastnn",
        producer_version=__version__,
        doc_string=f"multilayer perceptron {sizes} {network.activation}, {network.loss_name}",
    )
    helper.set_model_props(model, {LOSS: network.loss_name, HUBER_DELTA: repr(network.huber_delta)})
    return model


def _folded(network: Network) -> Standardisation | None:
    """The standardisation that goes into the first layer's weights, as it does when fastnn predicts."""
    standardisation = network.standardisation
    return standardisation if standardisation is not None and standardisation.folds else None


def _parameters(network: Network) -> tuple[list[Array], list[Array]]:
    weights, biases = list(network.weights), list(network.biases)
    if (standardisation := _folded(network)) is not None:
        weights[0], biases[0] = fold(weights[0], biases[0], standardisation)
    return weights, biases


def _scaled_input(graph: Graph, network: Network) -> str:
    """The input, and what happens to it before the first layer."""
    pixels = network.input_scale is not None
    X = graph.input("X", np.uint8 if pixels else network.dtype, network.sizes[0])
    standardisation = network.standardisation
    if standardisation is not None and not standardisation.folds:
        # In float64: a large mean would leave float32 too few bits.
        if pixels or network.dtype != np.float64:
            X = graph.add("Cast", X, to=element(np.float64))
        X = graph.add("Sub", X, graph.constant(standardisation.mean, "input_mean"))
        X = graph.add("Div", X, graph.constant(standardisation.deviation, "input_deviation"))
        return X if network.dtype == np.float64 else graph.add("Cast", X, to=element(network.dtype))
    if pixels:
        X = graph.add("Cast", X, to=element(network.dtype))
        if network.input_scale != 1:
            X = graph.add("Mul", X, graph.number(float(network.input_scale or 1)))
    return X


def _activation(graph: Graph, name: str, Z: str) -> str:
    if name == "identity":
        return Z
    operators = NATIVE | (NATIVE_FLOAT32 if graph.dtype == np.float32 else {})
    if name in operators:
        return graph.add(operators[name], Z, **ATTRIBUTES.get(name, {}))
    return {
        "silu": _silu,
        "gelu": _gelu,
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "softplus": _softplus,
    }[name](graph, Z)


def _silu(graph: Graph, Z: str) -> str:
    if graph.dtype == np.float64:
        # ONNX Runtime up to 1.22 makes Z · Sigmoid(Z) a QuickGelu, which it has in float32 alone.
        power = graph.add("Exp", graph.add("Neg", Z))
        return graph.add("Div", Z, graph.add("Add", power, graph.number(1.0)))
    return graph.add("Mul", Z, graph.add("Sigmoid", Z))


def _gelu(graph: Graph, Z: str) -> str:
    """Z · logistic(√(8/π) Z (1 + 0.044715 Z²)), see `numpy_activations.gelu`; no Gelu before opset 20."""
    factor = float(np.sqrt(8 / np.pi))
    slope = graph.add("Mul", graph.add("Mul", Z, Z), graph.number(factor * 0.044715))
    u = graph.add("Mul", Z, graph.add("Add", slope, graph.number(factor)))
    return graph.add("Mul", Z, graph.add("Sigmoid", u))


def _leaky_relu(graph: Graph, Z: str) -> str:
    """max(Z, Z/100)."""
    return graph.add("Max", Z, graph.add("Mul", Z, graph.number(LEAK)))


def _elu(graph: Graph, Z: str) -> str:
    """max(Z, 0) + e^min(Z, 0) − 1."""
    power = graph.add("Exp", graph.add("Min", Z, graph.number(0.0)))
    return graph.add("Add", graph.add("Relu", Z), graph.add("Sub", power, graph.number(1.0)))


def _softplus(graph: Graph, Z: str) -> str:
    """max(Z, 0) + log(1 + e^−|Z|)."""
    power = graph.add("Exp", graph.add("Neg", graph.add("Abs", Z)))
    rest = graph.add("Log", graph.add("Add", power, graph.number(1.0)))
    return graph.add("Add", graph.add("Relu", Z), rest)


def _end(graph: Graph, network: Network, Z: str) -> None:
    """What the caller sees, from the last layer's Z."""
    width = network.sizes[-1]
    if network.classes is None:
        graph.add("Exp" if network.loss_name == "poisson" else "Identity", Z, output="outputs")
        graph.output("outputs", network.dtype, width)
    elif network.multilabel:
        graph.add("Sigmoid", Z, output="probabilities")
        above = graph.add("Greater", "probabilities", graph.number(0.5))
        graph.add("Cast", above, output="labels", to=element(np.int64))
        graph.output("labels", np.int64, width)
        graph.output("probabilities", network.dtype, width)
    else:
        labels, dtype = _classes(network.classes)
        graph.add("Softmax", Z, output="probabilities", axis=1)
        best = graph.add("ArgMax", "probabilities", axis=1, keepdims=0)
        graph.add("Gather", graph.constant(labels, "classes"), best, output="labels", axis=0)
        graph.output("labels", dtype)
        graph.output("probabilities", network.dtype, width)


def _classes(classes: Array) -> tuple[Array, np.dtype[Any]]:
    """(labels as ONNX holds them, their dtype)."""
    if classes.dtype.kind == "U":
        return classes.astype(object), np.dtype(object)
    if classes.dtype.kind in "iu":
        if int(classes.max()) > np.iinfo(np.int64).max:
            raise InputError(f"the label {classes.max()} does not fit into ONNX's int64")
        return classes.astype(np.int64), np.dtype(np.int64)
    if classes.dtype.kind == "f" and classes.dtype not in (np.float32, np.float64):
        classes = classes.astype(np.float32 if classes.dtype == np.float16 else np.float64)
    return classes, classes.dtype
