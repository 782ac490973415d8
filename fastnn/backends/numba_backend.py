"""The fast backend: the specification's functions as compiled kernels, and a whole epoch in one call.

Every function means what its namesake in `numpy_backend` says; only this file imports `fastnn.kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends import Array, Parameters, RunSettings
from fastnn.kernels import activations, epoch, losses, matmul, updates

# Rows of a forward pass outside training; bounds its memory.
BLOCK = 256

# ---- leaf kernels -----------------------------------------------------------------------------------------


def dense_forward(X: Array, W: Array, b: Array) -> Array:
    """See numpy_backend.dense_forward."""
    Z = np.empty((len(X), W.shape[1]), W.dtype)
    matmul.dense_forward(_contiguous(X), _contiguous(W), _contiguous(b), Z)
    return Z


def dense_backward(
    X: Array, W: Array, dZ: Array, *, input_gradient: bool = True
) -> tuple[Array, Array, Array | None]:
    """See numpy_backend.dense_backward."""
    X, W, dZ = _contiguous(X), _contiguous(W), _contiguous(dZ)
    dW, db = np.empty_like(W), np.empty(W.shape[1], W.dtype)
    matmul.dense_backward_weights(X, dZ, dW, db)
    if not input_gradient:
        return dW, db, None
    dX = np.empty((len(dZ), len(W)), W.dtype)
    matmul.dense_backward_input(dZ, W, dX)
    return dW, db, dX


def relu(Z: Array) -> Array:
    """See numpy_backend.relu."""
    return activate("relu", Z)


def relu_derivative(Z: Array) -> Array:
    """See numpy_backend.relu_derivative."""
    return activation_derivative("relu", Z)


def tanh(Z: Array) -> Array:
    """See numpy_backend.tanh."""
    return activate("tanh", Z)


def tanh_derivative(Z: Array) -> Array:
    """See numpy_backend.tanh_derivative."""
    return activation_derivative("tanh", Z)


def logistic(Z: Array) -> Array:
    """See numpy_backend.logistic."""
    return activate("logistic", Z)


def logistic_derivative(Z: Array) -> Array:
    """See numpy_backend.logistic_derivative."""
    return activation_derivative("logistic", Z)


def identity(Z: Array) -> Array:
    """See numpy_backend.identity."""
    return activate("identity", Z)


def identity_derivative(Z: Array) -> Array:
    """See numpy_backend.identity_derivative."""
    return activation_derivative("identity", Z)


def activate(name: str, Z: Array) -> Array:
    """See numpy_backend.activate."""
    Z = _contiguous(Z)
    A = np.empty_like(Z)
    activations.activate(activations.CODES[name], Z, A)
    return A


def activation_derivative(name: str, Z: Array) -> Array:
    """See numpy_backend.activation_derivative."""
    A = activate(name, Z)
    activations.derivative(activations.CODES[name], A, A)
    return A


def softmax(logits: Array) -> Array:
    """See numpy_backend.softmax."""
    P = np.empty_like(logits, order="C")
    losses.softmax(_contiguous(logits), P)
    return P


def softmax_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """See numpy_backend.softmax_cross_entropy."""
    dZ = np.empty_like(logits, order="C")
    total, _ = losses.softmax_cross_entropy(_contiguous(logits), _contiguous(labels), dZ)
    return total / len(logits), dZ


def squared_error(outputs: Array, targets: Array) -> tuple[float, Array]:
    """See numpy_backend.squared_error."""
    dZ = np.empty_like(outputs, order="C")
    total = losses.squared_error(_contiguous(outputs), _contiguous(targets), dZ)
    return total / len(outputs), dZ


def sgd_update(parameter: Array, gradient: Array, learning_rate: float) -> None:
    """See numpy_backend.sgd_update; `parameter` must be C-contiguous, for it is updated in place."""
    updates.sgd_update(
        parameter.reshape(-1), _contiguous(gradient).reshape(-1), parameter.dtype.type(learning_rate)
    )


# ---- the whole network ------------------------------------------------------------------------------------


def loss_and_gradients(network: Parameters, X: Array, y: Array) -> tuple[float, list[Array], list[Array]]:
    """See numpy_backend.loss_and_gradients."""
    memory = _Memory(network, X, y, len(X))
    total, _ = epoch.loss_and_gradients(X, *memory.targets, np.arange(len(X)), *memory.arguments)
    return total / len(X), *_layers(memory.sizes, memory.gradients)


def predict(network: Parameters, X: Array) -> Array:
    """See numpy_backend.predict."""
    outputs = _outputs(network, X)
    if network.loss_name == "cross_entropy":
        losses.softmax(outputs, outputs)
    return outputs


def evaluate(network: Parameters, X: Array, y: Array) -> tuple[float, int]:
    """See numpy_backend.evaluate."""
    outputs = _outputs(network, X)
    if network.loss_name == "cross_entropy":
        total, n_correct = losses.softmax_cross_entropy(outputs, y, outputs)
        return total / len(X), int(n_correct)
    return losses.squared_error(outputs, y, outputs) / len(X), 0


def _outputs(network: Parameters, X: Array) -> Array:
    memory = _Memory(network, X, np.empty(0, np.int64), min(BLOCK, len(X)))
    out = np.empty((len(X), int(memory.sizes[-1])), memory.parameters.dtype)
    epoch.outputs_of(X, *memory.arguments, min(BLOCK, len(X)), out)
    return out


# ---- training ---------------------------------------------------------------------------------------------


class Run:
    """See numpy_backend.Run. Parameters live in one flat array of this run's own until `write_back`."""

    def __init__(self, network: Parameters, X: Array, y: Array, settings: RunSettings) -> None:
        self._network, self._X, self._batch_size = network, X, settings.batch_size
        self._memory = _Memory(network, X, y, settings.batch_size)

    def epoch(self, order: Array, learning_rate: float) -> tuple[float, int]:
        """See numpy_backend.Run.epoch: one call into compiled code."""
        memory = self._memory
        rate = memory.parameters.dtype.type(learning_rate)
        total, n_correct = epoch.train_epoch(
            self._X, *memory.targets, order, *memory.arguments, self._batch_size, rate
        )
        return total / len(order), int(n_correct)

    def write_back(self) -> None:
        """Copy this run's parameters into the network's arrays."""
        weights, biases = _layers(self._memory.sizes, self._memory.parameters)
        for target, source in zip(_arrays(self._network), [*weights, *biases], strict=True):
            target[...] = source

    def close(self) -> None:
        """Free the workspace."""
        del self._memory


def open_run(network: Parameters, X: Array, y: Array, settings: RunSettings) -> Run:
    """See numpy_backend.open_run."""
    return Run(network, X, y, settings)


class _Memory:
    """What the compiled epoch works on: flat parameters and gradients, and room for one batch of `m` rows."""

    def __init__(self, network: Parameters, X: Array, y: Array, m: int) -> None:
        dtype = network.weights[0].dtype
        self.sizes = np.array([len(network.weights[0]), *(W.shape[1] for W in network.weights)])
        layers = zip(network.weights, network.biases, strict=True)
        self.parameters = np.concatenate([array.ravel() for layer in layers for array in layer])
        self.gradients = np.empty_like(self.parameters)
        self.targets = _targets(network.loss_name, y, dtype)
        scale = network.input_scale if X.dtype == np.uint8 and network.input_scale is not None else 1.0
        self.arguments = (
            self.sizes,
            self.parameters,
            self.gradients,
            np.empty(m * int(self.sizes.sum()), dtype),
            np.empty((2, m * int(self.sizes.max())), dtype),
            activations.CODES[network.activation],
            losses.CODES[network.loss_name],
            dtype.type(scale),
        )


def _targets(loss_name: str, y: Array, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    # The compiled code takes both kinds, so that one specialisation serves both losses; the other is empty.
    if loss_name == "cross_entropy":
        return np.ascontiguousarray(y, np.int64), np.empty((0, 0), dtype)
    return np.empty(0, np.int64), np.ascontiguousarray(y, dtype)


def _layers(sizes: Array, flat: Array) -> tuple[list[Array], list[Array]]:
    views = [epoch.layer_views(flat, sizes, layer) for layer in range(len(sizes) - 1)]
    return [W for W, _ in views], [b for _, b in views]


def _arrays(network: Parameters) -> list[Array]:
    return [*network.weights, *network.biases]


def _contiguous(array: Array) -> Array:
    return np.ascontiguousarray(array)
