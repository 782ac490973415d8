"""What the tensors of an ONNX graph are to its reader: the scaled input, functions of a layer, labels.

The reader walks a graph once and gives every tensor a value of one of these kinds, or a plain array where it
is a constant. A function of a layer's outputs is known by its values at many points: however an exporter
writes GELU, it is the one activation of fastnn's with those values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.backends.numpy_activations import ACTIVATIONS, logistic

# Dense where the activations bend; without 0, where functions may differ in a point and yet be the same.
POINTS = np.concatenate([sign * np.geomspace(1e-4, 30, 1000) for sign in (-1, 1)])
# Constants are float32 in most graphs. The nearest strangers are 5e-4 (GELU by erf) and more away.
TOLERANCE = 1e-6
# A few bytes can claim a shape that no memory holds.
MOST_FEATURES = 10**7


class UnreadableError(ValueError):
    """Why a node cannot be read, as it goes on after the node's name."""


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    is_output   whether its result is an output of the graph
    """

    operator: str
    attributes: Mapping[str, Any]
    is_output: bool


@dataclass(frozen=True)
class Features:
    """The graph's input, as (x − mean)/deviation, whatever its shape beside the rows.

    mean, deviation   float64, of one feature's shape or scalar
    shape    of one row, a tuple; None where the graph does not say
    n_rows   where the graph is for a fixed number of them, else None
    """

    mean: Array
    deviation: Array
    shape: tuple[int, ...] | None
    n_rows: int | None

    def minus(self, number: Array) -> Features:
        """With `number` subtracted."""
        return replace(self, mean=self.mean + self._fitting(number) * self.deviation)

    def divided_by(self, number: Array) -> Features:
        """Divided by `number`, which must be above 0."""
        if not (np.isfinite(number).all() and np.all(number > 0)):
            raise UnreadableError("scales the input by numbers that are not above 0")
        return replace(self, deviation=self.deviation * self._fitting(number))

    def flat(self) -> Features:
        """Every row a vector."""
        if self.shape is None or len(self.shape) == 1:
            return self
        n_features = math.prod(self.shape)
        if n_features > MOST_FEATURES:
            raise UnreadableError(f"makes rows of {n_features} features, {MOST_FEATURES} at most can be read")
        mean, deviation = (np.broadcast_to(x, self.shape).ravel() for x in (self.mean, self.deviation))
        return replace(self, shape=(n_features,), mean=mean, deviation=deviation)

    def _fitting(self, number: Array) -> Array:
        """`number` as float64, without the axis of the rows."""
        number = np.asarray(number, np.float64)
        width = 1 if self.shape is None else len(self.shape)
        while number.ndim > width and number.shape[0] == 1:
            number = number[0]
        # From the right, as NumPy and ONNX align shapes.
        pairs = zip(number.shape[::-1], (self.shape or number.shape)[::-1], strict=False)
        if number.ndim > width or any(size not in (1, whole) for size, whole in pairs):
            raise UnreadableError(
                f"has a constant of shape {number.shape}, which is not one number a feature"
            )
        return number


@dataclass(frozen=True, eq=False)
class Layer:
    """A dense layer: Z = XW + b, X being `activation` of the layer before, or the features."""

    W: Array
    b: Array
    activation: str | None
    before: Layer | Features

    @property
    def width(self) -> int:
        """The number of its outputs."""
        return int(self.W.shape[1])

    def plus(self, number: Array) -> Layer:
        """With another bias."""
        return replace(self, b=self.b + number.reshape(-1))


@dataclass(frozen=True, eq=False)
class Function:
    """A function of each output of a layer, known by its values at POINTS."""

    layer: Layer
    values: Array

    @property
    def width(self) -> int:
        """The number of the layer's outputs."""
        return self.layer.width

    @property
    def is_identity(self) -> bool:
        """Whether these are the outputs themselves."""
        return self.is_like(POINTS)

    def is_like(self, values: Array) -> bool:
        """Whether it has these values, but for the rounding of float32."""
        with np.errstate(all="ignore"):
            return bool(np.all(np.abs(self.values - values) <= TOLERANCE * (1 + np.abs(values))))

    def activation(self) -> str:
        """fastnn's activation that it is, or UnreadableError."""
        for name, (function, _) in ACTIVATIONS.items():
            if self.is_like(function(POINTS)):
                return name
        raise UnreadableError(
            f"is fed by a function of the layer before that is none of {', '.join(ACTIVATIONS)} "
            "(gelu is the tanh form, leaky_relu has slope 0.01, elu α = 1)"
        )

    def ending(self) -> str | None:
        """What it is after the last layer: "linear", "sigmoid", "exp", "labels" (0 or 1); None: unknown."""
        endings = {
            "linear": POINTS,
            "sigmoid": logistic(POINTS),
            "exp": np.exp(POINTS),
            "labels": (POINTS > 0).astype(float),
        }
        return next((name for name, values in endings.items() if self.is_like(values)), None)


@dataclass(frozen=True, eq=False)
class Probabilities:
    """The probabilities of classes; of a single logit those of no and yes. Their logarithms are alike."""

    layer: Layer
    ending: str  # "softmax", or "sigmoid" of a single logit

    @property
    def width(self) -> int:
        """The number of classes."""
        return 2 if self.ending == "sigmoid" else self.layer.width


@dataclass(frozen=True, eq=False)
class Labels:
    """The best class of each row: its number, or of `classes` the label."""

    of: Probabilities
    classes: Array | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """ZipMap's: probabilities by class."""

    of: Probabilities | Function
    classes: Array


Value = Any  # Features, Function, Probabilities, Labels, Table, or an array
