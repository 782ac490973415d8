"""ONNX operators after the last layer: probabilities, and the labels of classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastnn.backends.numpy_activations import logistic
from fastnn.exchange.onnx_values import (
    POINTS,
    Function,
    Labels,
    Node,
    Probabilities,
    Table,
    UnreadableError,
    Value,
)

COLUMNS = (1, -1)  # axes that are the columns of a matrix


def softmax(node: Node, value: Value) -> Probabilities:
    """Softmax and LogSoftmax."""
    if (
        node.attributes.get("axis", -1) not in COLUMNS
        or not isinstance(value, Function)
        or not value.is_identity
    ):
        raise UnreadableError("is not over the outputs of a dense layer, along axis 1")
    return Probabilities(value.layer, "softmax")


def pair(node: Node, *values: Value) -> Probabilities:
    """Concat of 1 − p and p."""
    if len(values) == 2 and node.attributes.get("axis") in COLUMNS and isinstance(values[1], Function):
        layer, p = values[1].layer, logistic(POINTS)
        fits = isinstance(values[0], Function) and values[0].layer is layer and layer.width == 1
        if fits and values[0].is_like(1 - p) and values[1].is_like(p):
            return Probabilities(layer, "sigmoid")
    raise UnreadableError("joins something else than the probabilities 1 − p and p of one logit")


def arg_max(node: Node, value: Value) -> Labels:
    """The number of the best class."""
    if node.attributes.get("axis", 0) in COLUMNS:
        if isinstance(value, Probabilities):
            return Labels(value)
        if isinstance(value, Function) and value.is_identity:
            return Labels(Probabilities(value.layer, "softmax"))
    raise UnreadableError("is not over probabilities or logits, along axis 1")


def look_up(node: Node, classes: Value, labels: Value) -> Labels:
    """Gather and ArrayFeatureExtractor: the labels of the numbers of classes."""
    if not isinstance(classes, np.ndarray) or not isinstance(labels, Labels) or labels.classes is not None:
        raise UnreadableError("looks up something else than the class of each row")
    return replace(labels, classes=classes.reshape(-1))


def zip_map(node: Node, value: Value) -> Table:
    """Probabilities by class, one dictionary a row; scikit-learn's exports end with it."""
    if not isinstance(value, Probabilities | Function):
        raise UnreadableError("is not of probabilities")
    strings = node.attributes.get("classlabels_strings")
    labels = node.attributes.get("classlabels_int64s") if strings is None else [s.decode() for s in strings]
    return Table(value, np.asarray(labels))
