"""The network a user holds: layer sizes, weights, and what can be asked of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import backends, inputs
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.initialisation import initial_parameters
from fastnn.optimizers import Optimizer
from fastnn.standardisation import Folded, Standardisation

if TYPE_CHECKING:
    import torch

UINT8 = np.dtype(np.uint8)


class Network:
    """A multilayer perceptron: made by `fastnn.train` or `fastnn.load`, or from weights by hand.

    weights      list of (fan_in, fan_out) arrays, one a layer
    biases       list of (fan_out,) arrays, one a layer
    activations  name for each hidden layer; the output layer is linear, and the loss says what follows
    loss_name    "cross_entropy" (one class a row), "binary_cross_entropy" (several labels a row), or of a
                 regression "squared_error", "absolute_error", "huber", "poisson"
    huber_delta  where the Huber loss turns from a parabola into a line
    classes      the caller's labels, (n_classes,), in the order of the outputs; the numbers of the outputs
                 where a row has several labels; None for a regression
    input_scale  what uint8 input is multiplied by; None when the model was trained on other input
    input_mean, input_deviation
                 what is subtracted from each feature, and what it is then divided by, before the first
                 layer: (n_features,) float64, or None for a model trained without `standardize=True`
    backend      name of the backend that predicts; may be assigned
    history      the record of the training that made it, which its file keeps (without "seconds")
    continuation what `partial_train` carries on with; not saved with the model
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        *,
        activation: str | Sequence[str] = "relu",
        loss: str = "cross_entropy",
        huber_delta: float = 1.0,
        classes: Array | None = None,
        input_scale: float | None = None,
        input_mean: Array | None = None,
        input_deviation: Array | None = None,
        backend: str = "auto",
    ) -> None:
        self.weights = [np.ascontiguousarray(W) for W in inputs.items("weights", weights)]
        self.biases = [np.ascontiguousarray(b) for b in inputs.items("biases", biases)]
        inputs.check_layers(self.weights, self.biases)
        self.activations = inputs.hidden_activations(activation, len(self.weights) - 1)
        self.huber_delta = inputs.positive("huber_delta", huber_delta)
        self.loss_name = inputs.choice("loss", loss, inputs.LOSS_NAMES[1:])
        n_outputs = self.weights[-1].shape[1]
        if loss in inputs.CLASSIFIER_LOSSES and classes is None:
            classes = np.arange(n_outputs)
        classes = None if classes is None else inputs.target_array(classes, "classes")
        if classes is not None and len(classes) != n_outputs:
            raise InputError(f"classes has {len(classes)} labels, but the last layer has {n_outputs} outputs")
        self.classes = classes
        self.input_scale = None if input_scale is None else inputs.positive("input_scale", input_scale)
        self.standardisation = Standardisation.given(input_mean, input_deviation, len(self.weights[0]))
        self.history = History()
        self.prepared: Any = None
        self._folded: Folded | None = None
        self.continuation: Any = None
        self.backend = backends.get(backend)[0]

    @classmethod
    def initialise(
        cls, sizes: Sequence[int], *, generator: np.random.Generator, dtype: np.dtype[Any], **options: Any
    ) -> Network:
        """A network of layer `sizes` (n_features, hidden…, n_outputs) with random weights and zero biases."""
        activations = inputs.hidden_activations(options.get("activation", "relu"), len(sizes) - 2)
        weights, biases = initial_parameters(tuple(sizes), activations, generator, dtype)
        return cls(weights, biases, **options)

    # ---- shape ------------------------------------------------------------------------------------------

    @property
    def sizes(self) -> tuple[int, ...]:
        """Layer widths, from the features to the outputs: (784, 128, 10)."""
        return (self.weights[0].shape[0], *(W.shape[1] for W in self.weights))

    @property
    def activation(self) -> str:
        """The hidden layers' activation; where they differ, all of them, joined by commas."""
        names = set(self.activations)
        return ",".join(names if len(names) == 1 else self.activations)

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels, each output being a yes or no of its own."""
        return self.loss_name == "binary_cross_entropy"

    @property
    def input_mean(self) -> Array | None:
        """Mean of each feature in training, (n_features,) float64; None: features are used as given."""
        return None if self.standardisation is None else self.standardisation.mean

    @property
    def input_deviation(self) -> Array | None:
        """Deviation of each feature in training, (n_features,) float64; None: features are used as given."""
        return None if self.standardisation is None else self.standardisation.deviation

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
        """Class labels (n,) in the caller's own type, or where a row may have several, 0 or 1 (n, n_labels).

        Of a regression the outputs, (n, n_outputs). A single output or yes-no label a row gives (n,).
        """
        outputs = self._outputs(X)
        if self.classes is not None and not self.multilabel:
            labels: Array = self.classes[outputs.argmax(axis=1)]
            return labels
        if self.multilabel:
            outputs = (outputs > 0.5).astype(np.int64)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, X: Any) -> Array:
        """Class probabilities (n, n_classes), columns in the order of `classes`.

        Each row sums to 1; where a row may have several labels, each column is a probability of its own.
        """
        if self.classes is None:
            raise InputError("predict_proba needs a classifier; this model is a regression, use predict")
        return self._outputs(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of rows classified correctly; of a regression R² = 1 − Σ(y−ŷ)²/Σ(y−ȳ)², mean of outputs.

        A row that may have several labels is correct when all of them are.
        sample_weight   (n,) how much each row counts; None: all alike
        """
        if self.classes is not None:
            return self.evaluate(X, y, sample_weight)[1]
        outputs = self._outputs(X)
        targets = self.checked_targets(y, len(outputs)).astype(np.float64)
        weights = inputs.sample_weights(sample_weight, len(outputs))
        counting = targets if weights is None else targets[weights > 0]
        if np.any(counting.min(axis=0) == counting.max(axis=0)):
            raise InputError("y is constant in one of its columns, so R² is not defined; use loss(X, y)")
        mean = np.average(targets, axis=0, weights=weights)
        residual = np.average((targets - outputs) ** 2, axis=0, weights=weights)
        total = np.average((targets - mean) ** 2, axis=0, weights=weights)
        return float(np.mean(1 - residual / total))

    def loss(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Mean over the rows of what training minimised (without penalties), summed over the outputs."""
        return self.evaluate(X, y, sample_weight)[0]

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, float]:
        """(mean loss, accuracy) in one pass over the rows; the accuracy of a regression is NaN.

        sample_weight   as for `score`, of both
        """
        parameters, ready = self._ready(X, scan=False)
        targets = self.checked_targets(y, len(ready))
        weights = inputs.sample_weights(sample_weight, len(ready))
        own_weights = None if weights is None else weights.astype(self.dtype)
        loss, n_correct = self._backend().evaluate(parameters, ready, targets, own_weights)
        if math.isnan(loss):
            raise self._why_not_finite(X)
        if self.classes is None:
            return loss, float("nan")
        if weights is None:
            return loss, n_correct / len(ready)
        outputs = self._backend().predict(parameters, ready)
        if self.multilabel:
            right = np.all((outputs > 0.5) == (targets > 0.5), axis=1)
        else:
            right = outputs.argmax(axis=1) == targets
        return loss, float(np.average(right, weights=weights))

    def partial_train(
        self,
        X: Any,
        y: Any,
        *,
        optimizer: str | Optimizer | None = None,
        learning_rate: float | str | None = None,
        batch_size: int | str | None = None,
        sample_weight: Any = None,
        shuffle: bool = True,
        seed: int | np.random.Generator | None = None,
        threads: int | None = None,
    ) -> Network:
        """Train on X and y for one pass over the rows, in place, and return this model.

        optimizer      as in `fastnn.train`, here and below; another one than before begins anew, and so does
                       L-BFGS with other rows
        learning_rate  step size, or "auto"
        batch_size     rows an update, "full" or "auto"
        sample_weight  (n,) how much each row counts
        shuffle        False takes the rows in the order they have
        seed           for the order of this and the following passes
        threads        of the Numba backend

        What is left out stays as in the pass before, or in the training that made the model: optimizer with
        its state, penalties, dropout, batch size, and the learning rate without its schedule. So epochs of
        `train` and passes of `partial_train` over the same rows go on as one training. A model that was
        loaded begins with the defaults of `train`. y may hold no classes that are new to the model.
        `history` starts anew at the first pass and gains a row with each. Raises what `train` raises; after a
        DivergedError the model is as it was before the pass.
        """
        from fastnn import continuing

        return continuing.partial_train(
            self,
            X,
            y,
            optimizer=optimizer,
            learning_rate=learning_rate,
            batch_size=batch_size,
            sample_weight=sample_weight,
            shuffle=shuffle,
            seed=seed,
            threads=threads,
        )

    def summary(self) -> str:
        """Layers, shapes, activations and parameters, loss, input and dtype: a table to print."""
        from fastnn import summary

        return summary.summary(self)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one safetensors file, whole or not at all."""
        from fastnn import model_file

        model_file.save(self, path)

    def to_onnx(self, path: str | PathLike[str]) -> None:
        """Write the model to one ONNX file, whole or not at all; see `fastnn.exchange.onnx_writer`."""
        from fastnn.exchange import onnx_writer

        onnx_writer.to_onnx(self, path)

    def to_torch(self) -> torch.nn.Sequential:
        """The model as an `nn.Sequential` that gives logits; see `fastnn.exchange.torch_modules`."""
        from fastnn.exchange import torch_modules

        return torch_modules.to_torch(self)

    # ---- what the trainer and the files use -------------------------------------------------------------

    def checked_features(self, X: Any, name: str = "X") -> Array:
        """X ready for a backend that is given this network, or InputError.

        (n, n_features) of uint8 or this network's dtype; standardised where the model does so.
        """
        if self.standardisation is None:
            return self._raw_features(X, name)
        array = inputs.features(X, name=name, dtype=None, n_features=self.sizes[0])
        inputs.check_pixels(array, self.input_scale, name)
        return self.standardisation.apply(array, self.dtype, name)

    def _raw_features(self, X: Any, name: str, *, scan: bool = True) -> Array:
        dtype, n_features = self.weights[0].dtype, len(self.weights[0])
        if self.input_scale is not None and inputs.is_ready(X, UINT8, n_features):
            return X
        if self.input_scale is None and inputs.is_ready(X, dtype, n_features):
            if scan:
                inputs.check_finite(X, name)
            return X
        array = inputs.features(X, name=name, dtype=dtype, n_features=n_features, scan=scan)
        inputs.check_pixels(array, self.input_scale, name)
        return array

    def checked_targets(self, y: Any, n_rows: int, name: str = "y") -> Array:
        """Class indices (n,) or regression targets (n, n_outputs) for this network, or InputError."""
        return inputs.known_targets(
            y,
            n_rows,
            loss=self.loss_name,
            classes=self.classes,
            n_outputs=self.sizes[-1],
            dtype=self.dtype,
            name=name,
        )

    def _outputs(self, X: Any) -> Array:
        parameters, ready = self._ready(X, scan=False)
        outputs = self._backend().predict(parameters, ready)
        if not inputs.is_finite(outputs):
            raise self._why_not_finite(X)
        return outputs

    def _ready(self, X: Any, *, scan: bool = True) -> tuple[backends.Parameters, Array]:
        """(what a backend is given as the network, X for it): standardising costs nothing where it folds.

        scan   whether to look for NaN and infinities now; else the backend's outputs tell of them
        """
        if self.standardisation is None:
            return self, self._raw_features(X, "X", scan=scan)
        if not self.standardisation.folds:
            return self, self.checked_features(X, "X")
        folded = self._folded
        if folded is None or not folded.fits(self, self.standardisation):
            folded = self._folded = Folded(self, self.standardisation)
        return folded, self._raw_features(X, "X", scan=scan)

    def _why_not_finite(self, X: Any) -> InputError:
        """The error for outputs that are not, unless X itself is not: that is raised here."""
        _, ready = self._ready(X)
        largest = np.abs(ready).max()
        return InputError(
            f"the model's outputs for X are not finite numbers: X has values up to {largest:.3g}, too large "
            "for the weights; scale it, or train with standardize=True"
        )

    def _backend(self) -> backends.Backend:
        return backends.get(self.backend)[1]

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: all but what a backend has prepared, which holds addresses and locks."""
        return self.__dict__ | {"prepared": None, "_folded": None}

    def __repr__(self) -> str:
        layers = " ".join(
            ["-".join(str(size) for size in self.sizes), *[self.activation] * bool(self.activation)]
        )
        return f"Network({layers}, {self.loss_name}, {self.dtype})"
