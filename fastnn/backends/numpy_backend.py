"""The specification: a multilayer perceptron in plain NumPy, one line per equation.

Everything fastnn computes is defined here and in the four files beside it; the Numba backend must give the
same numbers. Read it from the top: a layer forward and backward, then the whole network and the training
loop. The activations are in numpy_activations.py, the losses in numpy_losses.py, the optimizers in
numpy_updates.py, dropout in numpy_dropout.py.

Shapes and names, the field's own:

    X   (batch, fan_in)     input of a layer: the data, or the layer before's A
    W   (fan_in, fan_out)   weights          b  (fan_out,)  biases
    Z   (batch, fan_out)    before, and A = g(Z) after the activation; the last layer's Z are the logits
    dV                      gradient of the loss with respect to V, of V's shape
    m                       rows in the batch; the loss is their mean, so the 1/m is in dZ of the last layer
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.backends import Array, Gradients, Parameters, as_float, nothing, state_names
from fastnn.backends.numpy_activations import *  # noqa: F403 - the leaves, by name
from fastnn.backends.numpy_activations import activate, activation_derivative
from fastnn.backends.numpy_dropout import mask
from fastnn.backends.numpy_losses import *  # noqa: F403 - the leaves, by name
from fastnn.backends.numpy_losses import count_correct, loss, outputs
from fastnn.backends.numpy_updates import add_penalty_gradients, descend, penalty
from fastnn.backends.numpy_updates import sgd_update as sgd_update  # the leaf, by name
from fastnn.inputs import all_finite, odd_rows
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings

# ---- one layer forward ------------------------------------------------------------------------------------


def dense_forward(X: Array, W: Array, b: Array) -> Array:
    """Z = XW + b, shape (batch, fan_out)."""
    return X @ W + b


# ---- one layer backward -----------------------------------------------------------------------------------


def dense_backward(
    X: Array, W: Array, dZ: Array, *, input_gradient: bool = True
) -> tuple[Array, Array, Array | None]:
    """dW = XᵀdZ, db = Σ dZ over the batch, dX = dZ Wᵀ (None unless `input_gradient`: the data need none)."""
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    dX = dZ @ W.T if input_gradient else None
    return dW, db, dX


# ---- the whole network ------------------------------------------------------------------------------------


def forward(
    network: Parameters, X: Array, masks: Sequence[Array | None] | None = None
) -> tuple[list[Array], list[Array]]:
    """Every layer's input and every layer's Z: ([X, A1, A2, …], [Z1, Z2, …, logits]).

    masks   dropout: what each layer's input is multiplied by (None: nothing is dropped)
    """
    masks = masks or [None] * len(network.weights)
    inputs, preactivations = [_masked(X, masks[0])], []
    for layer, name in enumerate(network.activations):
        Z = dense_forward(inputs[layer], network.weights[layer], network.biases[layer])
        inputs.append(_masked(activate(name, Z), masks[layer + 1]))
        preactivations.append(Z)
    preactivations.append(dense_forward(inputs[-1], network.weights[-1], network.biases[-1]))
    return inputs, preactivations


def backward(
    network: Parameters,
    inputs: list[Array],
    preactivations: list[Array],
    dZ: Array,
    masks: Sequence[Array | None] | None = None,
) -> tuple[list[Array], list[Array]]:
    """Backpropagation: the gradients (dWs, dbs) of every layer from dZ of the last."""
    masks = masks or [None] * len(network.weights)
    dWs, dbs = [], []
    for layer in reversed(range(len(network.weights))):
        dW, db, dA = dense_backward(inputs[layer], network.weights[layer], dZ, input_gradient=layer > 0)
        dWs.append(dW)
        dbs.append(db)
        if dA is not None:
            name, Z = network.activations[layer - 1], preactivations[layer - 1]
            dZ = _masked(dA, masks[layer]) * activation_derivative(name, Z)
    return dWs[::-1], dbs[::-1]


def _masked(A: Array, mask: Array | None) -> Array:
    return A if mask is None else A * mask


def loss_and_gradients(
    network: Parameters,
    X: Array,
    y: Array,
    weights: Array | None = None,
    regularisation: Regularisation | None = None,
) -> tuple[float, list[Array], list[Array]]:
    """What training minimises, over the rows of X, and its gradients (dWs, dbs).

    y               labels or regression targets     weights   (n,) of the rows; None: all alike
    regularisation  of which l2, l1 and label_smoothing are part of the loss
    """
    regularisation = regularisation or Regularisation()
    inputs, preactivations = forward(network, _floats(network, X))
    loss, dZ = _loss(network, preactivations[-1], y, weights, regularisation.label_smoothing)
    dWs, dbs = backward(network, inputs, preactivations, dZ)
    add_penalty_gradients(network.weights, dWs, regularisation.l2, regularisation.l1)
    return loss + penalty(network.weights, regularisation.l2, regularisation.l1), dWs, dbs


def open_gradients(
    network: Parameters,
    X: Array,
    y: Array,
    weights: Array | None = None,
    regularisation: Regularisation | None = None,
) -> Gradients:
    """`loss_and_gradients` of these rows as a function without arguments, of the arrays as they then are."""
    return lambda: loss_and_gradients(network, X, y, weights, regularisation)


@np.errstate(over="ignore", invalid="ignore")  # whoever asks looks at what comes out
def predict(network: Parameters, X: Array) -> Array:
    """What the user sees, (n, n_outputs): probabilities of a classifier, predictions of a regression.

    Of rows with a NaN or an infinity all is NaN: relu would make 0 of minus infinity, and tanh ±1.
    """
    Z = np.concatenate([forward(network, _floats(network, X[rows]))[1][-1] for rows in _blocks(len(X))])
    predicted = outputs(network.loss_name, Z)
    if (odd := odd_rows(X)) is not None:
        predicted[odd] = np.nan
    return predicted


@np.errstate(over="ignore", invalid="ignore")
def evaluate(network: Parameters, X: Array, y: Array, weights: Array | None = None) -> tuple[float, int]:
    """Mean loss over the rows of X, and how many are classified correctly (0 for a regression).

    With a NaN or an infinity in X the loss is NaN.
    """
    if odd_rows(X) is not None:
        return float("nan"), 0
    Z = np.concatenate([forward(network, _floats(network, X[rows]))[1][-1] for rows in _blocks(len(X))])
    return _loss(network, Z, y, weights)[0], count_correct(network.loss_name, Z, y)


def _loss(
    network: Parameters, Z: Array, y: Array, weights: Array | None, smoothing: float = 0.0
) -> tuple[float, Array]:
    return loss(network.loss_name, Z, y, weights, smoothing=smoothing, delta=network.huber_delta)


# ---- training ---------------------------------------------------------------------------------------------


class Run:
    """Mini-batch gradient descent: the plain loop that every other backend must equal."""

    def __init__(
        self, network: Parameters, X: Array, y: Array, settings: RunSettings, weights: Array | None = None
    ) -> None:
        self.network, self.X, self.y, self.weights = network, X, y, weights
        self.settings, self.step = settings, 0
        self._kept: list[Array] = []
        slots = settings.optimizer.slots
        self._state = [
            {slot: np.zeros_like(parameter) for slot in slots}
            for parameter in [*network.weights, *network.biases]
        ]

    def epoch(
        self, order: Array, learning_rates: Array, between: Callable[[], None] = nothing
    ) -> tuple[Array, int]:
        """Train on the rows of `order`, one update for each learning rate: (mean losses, correct rows)."""
        network, settings = self.network, self.settings
        regularisation, divisors = settings.regularisation, settings.divisors(order, self.weights)
        losses, n_correct = np.empty(len(learning_rates)), 0
        self.penalties = np.zeros(len(learning_rates))
        for update, learning_rate in enumerate(learning_rates.tolist()):
            between()
            rows = order[update * settings.batch_size : (update + 1) * settings.batch_size]
            X, y = _floats(network, self.X[rows]), self.y[rows]
            weights = None if self.weights is None else self.weights[rows]
            self.step += 1

            masks = self._masks(len(rows))
            inputs, preactivations = forward(network, X, masks)
            losses[update], dZ = _loss(
                network, preactivations[-1], y, weights, regularisation.label_smoothing
            )
            if weights is not None and not settings.by_batch:
                # 1 on average over all rows: a mini-batch pulls as hard as its rows count
                losses[update] *= weights.mean()
                dZ = dZ * weights.mean()
            dWs, dbs = backward(network, inputs, preactivations, dZ, masks)
            penalties = regularisation
            if settings.by_batch:
                penalties = regularisation.penalties_divided_by(divisors[update])
                self.penalties[update] = penalty(network.weights, penalties.l2, 0.0)
            descend(
                settings.optimizer,
                penalties,
                network.weights,
                network.biases,
                dWs,
                dbs,
                self._state,
                learning_rate,
                self.step,
            )
            n_correct += count_correct(network.loss_name, preactivations[-1], y)
        return losses, n_correct

    def _masks(self, n_rows: int) -> list[Array | None] | None:
        if not self.settings.regularisation.drops:
            return None
        seed, dtype = self.settings.dropout_seed, self.network.weights[0].dtype
        return [
            mask(seed, self.step, layer, (n_rows, len(W)), rate, dtype) if rate else None
            for layer, (W, rate) in enumerate(
                zip(self.network.weights, self.settings.regularisation.dropout, strict=True)
            )
        ]

    def state(self) -> dict[str, Array]:
        """What must be kept to carry on exactly, beside the parameters: step and optimizer arrays."""
        arrays = {"step": np.array(self.step)}
        for name, state in zip(state_names(len(self.network.weights)), self._state, strict=True):
            arrays |= {f"{slot}.{name}": array.copy() for slot, array in state.items()}
        return arrays

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        """Carry on from what `state` returned."""
        self.step = int(arrays["step"])
        for name, state in zip(state_names(len(self.network.weights)), self._state, strict=True):
            for slot, array in state.items():
                array[...] = arrays[f"{slot}.{name}"]

    def keep(self) -> bool:
        """Remember the parameters, if they are all finite: True if so."""
        parameters = [*self.network.weights, *self.network.biases]
        if not all_finite(*parameters):
            return False
        self._kept = [parameter.copy() for parameter in parameters]
        return True

    def restore(self) -> None:
        """Go back to the parameters that were remembered last."""
        # Shorter is only the list of a run that never had anything to remember.
        for parameter, kept in zip([*self.network.weights, *self.network.biases], self._kept, strict=False):
            parameter[...] = kept

    def read_weights(self) -> None:
        """Take over the network's weights and biases, should they have been changed: nothing to do here."""

    def write_back(self) -> None:
        """Nothing to do: this run works on the network's own arrays."""

    def close(self) -> None:
        """Nothing to free."""


def open_run(
    network: Parameters, X: Array, y: Array, settings: RunSettings, weights: Array | None = None
) -> Run:
    """Open a training run of `network` on the rows of X (uint8 or the network's dtype) and y.

    weights   (n,) of the rows, 1 on average; the loss of a mini-batch of m rows is Σ wᵢ lossᵢ / m
    """
    return Run(network, X, y, settings, weights)


def _floats(network: Parameters, X: Array) -> Array:
    return as_float(X, network.input_scale, network.weights[0].dtype)


def _blocks(n_rows: int, size: int = 4096) -> Iterator[slice[Any, Any, Any]]:
    # Blocks of rows bound the memory of a forward pass over a large X.
    return (slice(start, start + size) for start in range(0, n_rows, size))
