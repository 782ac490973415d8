"""The network a user holds: layer sizes, weights, and what can be asked of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np

from fastnn import backends, inputs
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.initialisation import initial_parameters

UINT8 = np.dtype(np.uint8)
ACTIVATIONS = ("relu", "tanh", "logistic", "identity")


class Network:
    """A multilayer perceptron: made by `fastnn.train` or `fastnn.load`, or from weights by hand.

    weights      list of (fan_in, fan_out) arrays, one a layer
    biases       list of (fan_out,) arrays, one a layer
    activation   of the hidden layers; the output layer is linear (softmax or nothing follows, by the loss)
    loss_name    "cross_entropy" (a classifier) or "squared_error" (a regression)
    classes      the caller's labels, (n_classes,), in the order of the outputs; None for a regression
    input_scale  what uint8 input is multiplied by; None when the model was trained on other input
    backend      name of the backend that predicts; may be assigned
    history      the record of the training that made it (empty for a loaded model)
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        *,
        activation: str = "relu",
        loss: str = "cross_entropy",
        classes: Array | None = None,
        input_scale: float | None = None,
        backend: str = "auto",
    ) -> None:
        self.weights = [np.ascontiguousarray(W) for W in weights]
        self.biases = [np.ascontiguousarray(b) for b in biases]
        _check_layers(self.weights, self.biases)
        self.activation = inputs.choice("activation", activation, ACTIVATIONS)
        self.loss_name = inputs.choice("loss", loss, inputs.LOSS_NAMES[1:])
        n_outputs = self.weights[-1].shape[1]
        if loss == "cross_entropy" and classes is None:
            classes = np.arange(n_outputs)
        if classes is not None and len(classes) != n_outputs:
            raise InputError(f"classes has {len(classes)} labels, but the last layer has {n_outputs} outputs")
        self.classes = classes
        self.input_scale = input_scale
        self.history = History()
        self.prepared: Any = None
        self.backend = backends.get(backend)[0]

    @classmethod
    def initialise(
        cls, sizes: Sequence[int], *, generator: np.random.Generator, dtype: np.dtype[Any], **options: Any
    ) -> Network:
        """A network of layer `sizes` (n_features, hidden…, n_outputs) with random weights and zero biases."""
        activation = inputs.choice("activation", options.get("activation", "relu"), ACTIVATIONS)
        weights, biases = initial_parameters(tuple(sizes), activation, generator, dtype)
        return cls(weights, biases, **options)

    # ---- shape ------------------------------------------------------------------------------------------

    @property
    def sizes(self) -> tuple[int, ...]:
        """Layer widths, from the features to the outputs: (784, 128, 10)."""
        return (self.weights[0].shape[0], *(W.shape[1] for W in self.weights))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64, of weights and results."""
        return self.weights[0].dtype

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(W.size + b.size for W, b in zip(self.weights, self.biases, strict=True))

    # ---- use --------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Class labels (n,) in the caller's own type; for a regression outputs, (n,) or (n, n_outputs)."""
        outputs = self._outputs(X)
        if self.classes is None:
            return outputs[:, 0] if outputs.shape[1] == 1 else outputs
        labels: Array = self.classes[outputs.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Class probabilities (n, n_classes), columns in the order of `classes`, each row summing to 1."""
        if self.classes is None:
            raise InputError("predict_proba needs a classifier; this model is a regression, use predict")
        return self._outputs(X)

    def score(self, X: Any, y: Any) -> float:
        """Share of rows classified correctly; of a regression R² = 1 − Σ(y−ŷ)²/Σ(y−ȳ)², mean of outputs."""
        if self.classes is not None:
            return self.evaluate(X, y)[1]
        X = self.checked_features(X)
        targets = self.checked_targets(y, len(X)).astype(np.float64)
        residual = np.sum((targets - self._outputs(X)) ** 2, axis=0)
        total = np.sum((targets - targets.mean(axis=0)) ** 2, axis=0)
        if np.any(total == 0):
            raise InputError("y is constant in one of its columns, so R² is not defined; use loss(X, y)")
        return float(np.mean(1 - residual / total))

    def loss(self, X: Any, y: Any) -> float:
        """Mean loss over the rows: cross-entropy in nats, or half the squared error summed over outputs."""
        return self.evaluate(X, y)[0]

    def evaluate(self, X: Any, y: Any) -> tuple[float, float]:
        """(mean loss, accuracy) in one pass over the rows; the accuracy of a regression is NaN."""
        X = self.checked_features(X)
        targets = self.checked_targets(y, len(X))
        loss, n_correct = self._backend().evaluate(self, X, targets)
        return loss, n_correct / len(X) if self.classes is not None else float("nan")

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one safetensors file, whole or not at all."""
        from fastnn import model_file

        model_file.save(self, path)

    # ---- what the trainer and the files use -------------------------------------------------------------

    def checked_features(self, X: Any, name: str = "X") -> Array:
        """X ready for a backend: (n, n_features) of uint8 or this network's dtype, or InputError."""
        dtype, n_features = self.weights[0].dtype, len(self.weights[0])
        if self.input_scale is not None and inputs.is_ready(X, UINT8, n_features):
            return X
        if self.input_scale is None and inputs.is_ready(X, dtype, n_features):
            inputs.check_finite(X, name)
            return X
        array = inputs.features(X, name=name, dtype=dtype, n_features=n_features)
        if array.dtype == np.uint8 and self.input_scale is None:
            raise InputError(
                f"{name} is uint8, but the model was trained on other numbers: convert it to float and scale "
                "it as the training data were"
            )
        if array.dtype != np.uint8 and self.input_scale is not None:
            _warn_if_pixels(array, self.input_scale, name)
        return array

    def checked_targets(self, y: Any, n_rows: int, name: str = "y") -> Array:
        """Class indices (n,) or regression targets (n, n_outputs) for this network, or InputError."""
        return inputs.known_targets(
            y, n_rows, classes=self.classes, n_outputs=self.sizes[-1], dtype=self.dtype, name=name
        )

    def _outputs(self, X: Any) -> Array:
        return self._backend().predict(self, self.checked_features(X))

    def _backend(self) -> backends.Backend:
        return backends.get(self.backend)[1]

    def __repr__(self) -> str:
        layers = "-".join(str(size) for size in self.sizes)
        return f"Network({layers} {self.activation}, {self.loss_name}, {self.dtype})"


def _warn_if_pixels(X: Array, input_scale: float, name: str) -> None:
    largest, expected = float(X.max()), 255 * input_scale
    if largest > 1.5 * expected:
        warnings.warn(
            f"{name} is {X.dtype} with values up to {largest:g}, but the model was trained on uint8 images "
            f"scaled to 0…{expected:g}: pass uint8, or {name} * {input_scale:.6g}",
            stacklevel=4,
        )


def _check_layers(weights: list[Array], biases: list[Array]) -> None:
    if not weights or len(weights) != len(biases):
        raise InputError(
            f"a network needs one bias vector a weight matrix; it got {len(weights)} and {len(biases)}"
        )
    dtype = weights[0].dtype
    fan_in = weights[0].shape[0]
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        if W.ndim != 2 or W.shape[0] != fan_in or b.shape != (W.shape[1],) or 0 in W.shape:
            raise InputError(
                f"layer {layer} has W {W.shape} and b {b.shape}; expected ({fan_in}, n) and (n,) after the "
                "layer before"
            )
        if W.dtype != dtype or b.dtype != dtype or dtype not in (np.float32, np.float64):
            raise InputError(
                f"layer {layer} has dtypes {W.dtype} and {b.dtype}; all must be float32 or all float64"
            )
        fan_in = W.shape[1]
