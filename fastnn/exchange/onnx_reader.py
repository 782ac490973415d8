"""A Network from an ONNX file: walks the graph from its input to its outputs, and believes nothing in it."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError, ModelFileError
from fastnn.exchange.arrays import from_arrays, loss_after
from fastnn.exchange.onnx_operators import value_of
from fastnn.exchange.onnx_values import (
    Features,
    Function,
    Labels,
    Layer,
    Node,
    Probabilities,
    Table,
    UnreadableError,
    Value,
)
from fastnn.exchange.onnx_writer import HUBER_DELTA, LOSS
from fastnn.exchange.requirements import require_onnx
from fastnn.inputs import file_path
from fastnn.inputs.options import first_line
from fastnn.network import Network

if TYPE_CHECKING:
    import onnx

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
READABLE = (
    "fastnn reads dense layers one after another (Gemm, or MatMul and Add), scaling before them, fastnn's "
    "activations between, and Softmax, Sigmoid or Exp, ArgMax and ZipMap after"
)
# What NumPy and onnx raise for attributes and constants that do not fit together.
UNFIT = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)


def from_onnx(
    path: str | PathLike[str], *, loss: str = "auto", classes: Any = None, backend: str = "auto"
) -> Network:
    """The dense network in an ONNX file, of fastnn, scikit-learn (skl2onnx) or PyTorch (torch.onnx).

    loss      "auto": by the end of the graph. Softmax, LogSoftmax: "cross_entropy"; Sigmoid:
              "binary_cross_entropy", every output a label of its own; Exp: "poisson"; none of them, with
              several outputs or `classes`: logits of "cross_entropy"; with one output: "squared_error".
              Or by name. Files of fastnn and skl2onnx say which it was
    classes   labels in the order of the outputs; two for a single output, the logit of the second; None:
              those in the graph, else 0, 1, 2, …

    Scaling in the graph becomes the model's `input_mean` and `input_deviation`, of uint8 its `input_scale`.
    Raises ModelFileError for a file that is missing or no ONNX model, and InputError, naming the node, for a
    graph of another form.
    """
    path = file_path("path", path)
    model = _loaded(path)
    try:
        found = _read(model)
    except UNFIT as error:
        raise InputError(f"{path}: {first_line(error)}; {READABLE}") from None
    try:
        return _network(model, found, loss, classes, backend)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _network(model: onnx.ModelProto, found: _Found, loss: str, classes: Any, backend: str) -> Network:
    if classes is None:
        classes = found.classes
    properties = {entry.key: entry.value for entry in model.metadata_props}
    if loss == "auto" and model.producer_name == "fastnn":
        loss = properties.get(LOSS, loss)
    elif loss == "auto" and model.producer_name == "skl2onnx" and found.ending == "linear":
        loss = "squared_error"  # its classifiers all end in probabilities
    layers = found.layers()
    return from_arrays(
        [layer.W for layer in layers],
        [layer.b for layer in layers],
        [layer.activation for layer in layers if layer.activation is not None],
        loss=loss_after(found.ending, loss, layers[-1].width, classes),
        huber_delta=_number(properties.get(HUBER_DELTA, "1.0")),
        classes=classes,
        backend=backend,
        **found.scaling(),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What the graph turned out to be."""

    last: Layer
    ending: str  # as `loss_after` calls it
    classes: Array | None
    pixels: bool

    def layers(self) -> list[Layer]:
        """From the first to the last."""
        layers, layer = [self.last], self.last.before
        while isinstance(layer, Layer):
            layers.append(layer)
            layer = layer.before
        return layers[::-1]

    def scaling(self) -> dict[str, Any]:
        """The arguments of `from_arrays` that say what happens to the input."""
        first = self.layers()[0]
        assert isinstance(first.before, Features)
        mean, deviation = (
            np.broadcast_to(values, first.W.shape[:1])
            for values in (first.before.mean, first.before.deviation)
        )
        if not mean.any() and np.all(deviation == deviation[0]):
            if self.pixels:
                return {"input_scale": 1 / deviation[0]}
            if deviation[0] == 1:
                return {}
        scale = {"input_scale": 1.0} if self.pixels else {}
        return {"input_mean": mean, "input_deviation": deviation} | scale


def _loaded(path: Path) -> onnx.ModelProto:
    require_onnx()
    import onnx

    if not path.is_file():
        what = "is a folder, not an ONNX file" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {what}")
    try:
        # Weights may be in a second file, as torch.onnx writes them; onnx takes none from outside the folder.
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # onnx raises what protobuf does, and kinds of its own
        raise ModelFileError(f"{path} is damaged or not an ONNX file: {first_line(error)}") from None
    return model


def _read(model: onnx.ModelProto) -> _Found:
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    values: dict[str, Value] = {"": None}
    values.update((tensor.name, numpy_helper.to_array(tensor)) for tensor in graph.initializer)
    given = [entry for entry in graph.input if entry.name not in values]
    if len(given) != 1:
        raise InputError(f"the graph has {len(given)} inputs, it must have one")
    values[given[0].name] = _features(given[0])
    outputs = {entry.name for entry in graph.output}
    for proto in _needed(graph, outputs):
        attributes = {entry.name: helper.get_attribute_value(entry) for entry in proto.attribute}
        node = Node(proto.op_type, attributes, proto.output[0] in outputs)
        try:
            if proto.domain not in DOMAINS:
                raise UnreadableError(f"is of the domain {proto.domain!r}, which fastnn does not know")
            values[proto.output[0]] = value_of(node, [values[name] for name in proto.input])
        except UNFIT as error:
            why = error if isinstance(error, UnreadableError) else f"cannot be read: {first_line(error)}"
            raise InputError(f"node {proto.name or proto.output[0]!r} ({proto.op_type}) {why}") from None
    pixels = given[0].type.tensor_type.elem_type == TensorProto.UINT8
    return _ended({name: values[name] for name in sorted(outputs)}, pixels)


def _features(entry: onnx.ValueInfoProto) -> Features:
    kind = entry.type.tensor_type
    if entry.type.WhichOneof("value") != "tensor_type":
        raise InputError(f"the input {entry.name!r} is not a tensor")
    shape, n_rows = None, None
    if kind.HasField("shape"):
        sizes = [dimension.dim_value for dimension in kind.shape.dim]  # 0: any
        if len(sizes) < 2:
            raise InputError(f"the input {entry.name!r} has {len(sizes)} axes, it must be rows of features")
        shape, n_rows = tuple(sizes[1:]) if all(sizes[1:]) else None, sizes[0] or None
    return Features(np.array(0.0), np.array(1.0), shape, n_rows)


def _needed(graph: onnx.GraphProto, outputs: set[str]) -> list[Any]:
    """The nodes that the outputs depend on, in the file's order: the format demands one to compute in."""
    wanted, needed = set(outputs), []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            needed.append(node)
    return needed[::-1]


def _ended(outputs: dict[str, Value], pixels: bool) -> _Found:
    """What the graph's outputs are together."""
    layers, endings, classes = [], set(), None
    for name, value in outputs.items():
        if isinstance(value, Table):
            classes = value.classes if classes is None else classes
            value = value.of
        if isinstance(value, Labels):
            classes = classes if value.classes is None else value.classes
            value = value.of
        if not isinstance(value, Function | Probabilities):
            raise InputError(f"the output {name!r} is not that of a dense network")
        ending = value.ending() if isinstance(value, Function) else value.ending
        if ending is None:
            raise InputError(f"the output {name!r} is no function of the last layer that fastnn has")
        layers.append(value.layer)
        endings.add(ending)
        if isinstance(value, Probabilities) and ending == "sigmoid" and classes is None:
            classes = np.arange(2)
    if len({id(layer) for layer in layers}) != 1:
        raise InputError("the outputs are of different layers")
    # Labels of 0 and 1 say what the sigmoid beside them does; logits beside their softmax say nothing more.
    endings = {"sigmoid" if ending == "labels" else ending for ending in endings}
    if len(endings) > 1:
        endings.discard("linear")
    if len(endings) != 1:
        raise InputError(f"the outputs are {' and '.join(sorted(endings))} of the same layer")
    return _Found(layers[0], endings.pop(), classes, pixels)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"the file's {HUBER_DELTA} is {text!r}, which is not a number") from None
