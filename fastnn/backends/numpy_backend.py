"""The specification: a multilayer perceptron in plain NumPy, one line per equation.

Everything fastnn computes is defined here; the Numba backend must give the same numbers. Read it from the
top: a layer forward, the activations, the losses, a layer backward, the update; then the whole network and
the training loop made of them.

Shapes and names, the field's own:

    X   (batch, fan_in)     input of a layer: the data, or the layer before's A
    W   (fan_in, fan_out)   weights          b  (fan_out,)  biases
    Z   (batch, fan_out)    before, and A = g(Z) after the activation; the last layer's Z are the logits
    dV                      gradient of the loss with respect to V, of V's shape
    m                       rows in the batch; the loss is their mean, so the 1/m is in dZ of the last layer
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastnn.backends import Array, Parameters, RunSettings, as_float

# ---- one layer forward ------------------------------------------------------------------------------------


def dense_forward(X: Array, W: Array, b: Array) -> Array:
    """Z = XW + b, shape (batch, fan_out)."""
    return X @ W + b


# ---- activations: A = g(Z) beside g′(Z), elementwise ------------------------------------------------------


def relu(Z: Array) -> Array:
    """A = max(Z, 0)."""
    return np.maximum(Z, 0)


def relu_derivative(Z: Array) -> Array:
    """g′(Z) = 1 where Z > 0, else 0 (also at Z = 0, where any value in [0, 1] would do)."""
    return (Z > 0).astype(Z.dtype)


def tanh(Z: Array) -> Array:
    """A = tanh Z."""
    return np.tanh(Z)


def tanh_derivative(Z: Array) -> Array:
    """g′(Z) = 1 − tanh² Z."""
    return 1 - np.tanh(Z) ** 2


def logistic(Z: Array) -> Array:
    """A = 1 / (1 + e⁻ᶻ), written as (1 + tanh(Z/2)) / 2, which cannot overflow."""
    return (1 + np.tanh(Z / 2)) / 2


def logistic_derivative(Z: Array) -> Array:
    """g′(Z) = A (1 − A)."""
    A = logistic(Z)
    return A * (1 - A)


def identity(Z: Array) -> Array:
    """A = Z."""
    return Z


def identity_derivative(Z: Array) -> Array:
    """g′(Z) = 1."""
    return np.ones_like(Z)


ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (relu, relu_derivative),
    "tanh": (tanh, tanh_derivative),
    "logistic": (logistic, logistic_derivative),
    "identity": (identity, identity_derivative),
}


def activate(name: str, Z: Array) -> Array:
    """A = g(Z) for the activation called `name`."""
    return ACTIVATIONS[name][0](Z)


def activation_derivative(name: str, Z: Array) -> Array:
    """g′(Z) for the activation called `name`."""
    return ACTIVATIONS[name][1](Z)


# ---- losses: each gives its mean over the batch and dZ of the last layer ----------------------------------


def softmax(logits: Array) -> Array:
    """P = eᶻ / Σ eᶻ along each row; the row's maximum is taken off first, so that nothing overflows."""
    E = np.exp(logits - logits.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def softmax_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Mean of −log P[label], and dZ = (P − Y)/m with Y the one-hot labels.

    The logarithm is taken of the sum, not of P: log P = Z − log Σ eᶻ is finite where P underflows to 0.
    """
    m, rows = len(logits), np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    loss = np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, labels])
    dZ = softmax(logits)
    dZ[rows, labels] -= 1
    return float(loss), dZ / m


def squared_error(outputs: Array, targets: Array) -> tuple[float, Array]:
    """Mean over the rows of ½ Σ (Z − Y)², and dZ = (Z − Y)/m: the ½ makes it the same equation as above."""
    m = len(outputs)
    difference = outputs - targets
    return float(0.5 * np.sum(difference**2) / m), difference / m


LOSSES: dict[str, Callable[[Array, Array], tuple[float, Array]]] = {
    "cross_entropy": softmax_cross_entropy,
    "squared_error": squared_error,
}


# ---- one layer backward, and the update -------------------------------------------------------------------


def dense_backward(
    X: Array, W: Array, dZ: Array, *, input_gradient: bool = True
) -> tuple[Array, Array, Array | None]:
    """dW = XᵀdZ, db = Σ dZ over the batch, dX = dZ Wᵀ (None unless `input_gradient`: the data need none)."""
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    dX = dZ @ W.T if input_gradient else None
    return dW, db, dX


def sgd_update(parameter: Array, gradient: Array, learning_rate: float) -> None:
    """W −= α dW, in place."""
    parameter -= parameter.dtype.type(learning_rate) * gradient


# ---- the whole network ------------------------------------------------------------------------------------


def forward(network: Parameters, X: Array) -> tuple[list[Array], list[Array]]:
    """Every layer's input and every layer's Z: ([X, A1, A2, …], [Z1, Z2, …, logits])."""
    inputs, preactivations = [X], []
    for W, b in zip(network.weights[:-1], network.biases[:-1], strict=True):
        Z = dense_forward(inputs[-1], W, b)
        inputs.append(activate(network.activation, Z))
        preactivations.append(Z)
    preactivations.append(dense_forward(inputs[-1], network.weights[-1], network.biases[-1]))
    return inputs, preactivations


def backward(
    network: Parameters, inputs: list[Array], preactivations: list[Array], dZ: Array
) -> tuple[list[Array], list[Array]]:
    """Backpropagation: the gradients (dWs, dbs) of every layer from dZ of the last."""
    dWs, dbs = [], []
    for layer in reversed(range(len(network.weights))):
        dW, db, dA = dense_backward(inputs[layer], network.weights[layer], dZ, input_gradient=layer > 0)
        dWs.append(dW)
        dbs.append(db)
        if dA is not None:
            dZ = dA * activation_derivative(network.activation, preactivations[layer - 1])
    return dWs[::-1], dbs[::-1]


def loss_and_gradients(network: Parameters, X: Array, y: Array) -> tuple[float, list[Array], list[Array]]:
    """Mean loss over the rows of X, and its gradients (dWs, dbs); `y` are labels or regression targets."""
    X = _floats(network, X)
    inputs, preactivations = forward(network, X)
    loss, dZ = LOSSES[network.loss_name](preactivations[-1], y)
    return loss, *backward(network, inputs, preactivations, dZ)


def predict(network: Parameters, X: Array) -> Array:
    """Class probabilities (n, n_classes) under cross-entropy, outputs (n, n_outputs) under squared error."""
    outputs = np.concatenate([forward(network, _floats(network, X[rows]))[1][-1] for rows in _blocks(len(X))])
    return softmax(outputs) if network.loss_name == "cross_entropy" else outputs


def evaluate(network: Parameters, X: Array, y: Array) -> tuple[float, int]:
    """Mean loss over the rows of X, and how many are classified correctly (0 for a regression)."""
    total, n_correct = 0.0, 0
    for rows in _blocks(len(X)):
        outputs = forward(network, _floats(network, X[rows]))[1][-1]
        total += LOSSES[network.loss_name](outputs, y[rows])[0] * len(outputs)
        n_correct += _count_correct(network, outputs, y[rows])
    return total / len(X), n_correct


# ---- training ---------------------------------------------------------------------------------------------


class Run:
    """Mini-batch stochastic gradient descent: the plain loop that every other backend must equal."""

    def __init__(self, network: Parameters, X: Array, y: Array, settings: RunSettings) -> None:
        self.network, self.X, self.y = network, X, y
        self.batch_size = settings.batch_size

    def epoch(self, order: Array, learning_rate: float) -> tuple[float, int]:
        """Train on the rows of `order`, one update a mini-batch: (mean loss, correctly classified rows)."""
        network, total, n_correct = self.network, 0.0, 0
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            X, y = _floats(network, self.X[rows]), self.y[rows]

            inputs, preactivations = forward(network, X)
            loss, dZ = LOSSES[network.loss_name](preactivations[-1], y)
            dWs, dbs = backward(network, inputs, preactivations, dZ)
            for W, b, dW, db in zip(network.weights, network.biases, dWs, dbs, strict=True):
                sgd_update(W, dW, learning_rate)
                sgd_update(b, db, learning_rate)

            total += loss * len(rows)
            n_correct += _count_correct(network, preactivations[-1], y)
        return total / len(order), n_correct

    def write_back(self) -> None:
        """Nothing to do: this run works on the network's own arrays."""

    def close(self) -> None:
        """Nothing to free."""


def open_run(network: Parameters, X: Array, y: Array, settings: RunSettings) -> Run:
    """Open a training run of `network` on the rows of X (uint8 or the network's dtype) and y."""
    return Run(network, X, y, settings)


def _floats(network: Parameters, X: Array) -> Array:
    return as_float(X, network.input_scale, network.weights[0].dtype)


def _count_correct(network: Parameters, outputs: Array, y: Array) -> int:
    return int(np.sum(outputs.argmax(axis=1) == y)) if network.loss_name == "cross_entropy" else 0


def _blocks(n_rows: int, size: int = 4096) -> Iterator[slice[Any, Any, Any]]:
    # Blocks of rows bound the memory of a forward pass over a large X.
    return (slice(start, start + size) for start in range(0, n_rows, size))
