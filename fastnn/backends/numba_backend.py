"""The fast backend: the specification's functions on compiled kernels, and a whole epoch in one call.

Every function means what its namesake in `numpy_backend` says; only the files numba_*.py here import
`fastnn.kernels`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastnn.backends import Array, Gradients, Parameters
from fastnn.backends.numba_compile import use_everything
from fastnn.backends.numba_predict import evaluate, predict
from fastnn.backends.numba_run import Run
from fastnn.backends.numpy_updates import add_penalty_gradients, penalty
from fastnn.kernels import jit, leaves, target
from fastnn.kernels.updates import sgd_update as update_flat
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings

# ---- leaf kernels -----------------------------------------------------------------------------------------


def dense_forward(X: Array, W: Array, b: Array) -> Array:
    """See numpy_backend.dense_forward."""
    return leaves.dense_forward(X, W, b)


def dense_backward(
    X: Array, W: Array, dZ: Array, *, input_gradient: bool = True
) -> tuple[Array, Array, Array | None]:
    """See numpy_backend.dense_backward."""
    dW, db = leaves.dense_backward_weights(X, dZ)
    return dW, db, leaves.dense_backward_input(dZ, W) if input_gradient else None


def relu(Z: Array) -> Array:
    """See numpy_backend.relu."""
    return activate("relu", Z)


def relu_derivative(Z: Array) -> Array:
    """See numpy_backend.relu_derivative."""
    return activation_derivative("relu", Z)


def leaky_relu(Z: Array) -> Array:
    """See numpy_backend.leaky_relu."""
    return activate("leaky_relu", Z)


def leaky_relu_derivative(Z: Array) -> Array:
    """See numpy_backend.leaky_relu_derivative."""
    return activation_derivative("leaky_relu", Z)


def elu(Z: Array) -> Array:
    """See numpy_backend.elu."""
    return activate("elu", Z)


def elu_derivative(Z: Array) -> Array:
    """See numpy_backend.elu_derivative."""
    return activation_derivative("elu", Z)


def gelu(Z: Array) -> Array:
    """See numpy_backend.gelu."""
    return activate("gelu", Z)


def gelu_derivative(Z: Array) -> Array:
    """See numpy_backend.gelu_derivative."""
    return activation_derivative("gelu", Z)


def silu(Z: Array) -> Array:
    """See numpy_backend.silu."""
    return activate("silu", Z)


def silu_derivative(Z: Array) -> Array:
    """See numpy_backend.silu_derivative."""
    return activation_derivative("silu", Z)


def softplus(Z: Array) -> Array:
    """See numpy_backend.softplus."""
    return activate("softplus", Z)


def softplus_derivative(Z: Array) -> Array:
    """See numpy_backend.softplus_derivative."""
    return activation_derivative("softplus", Z)


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
    return leaves.activation(name, Z)


def activation_derivative(name: str, Z: Array) -> Array:
    """See numpy_backend.activation_derivative."""
    return leaves.activation_derivative(name, Z)


def softmax(logits: Array) -> Array:
    """See numpy_backend.softmax."""
    return leaves.softmax(logits)


def softmax_cross_entropy(
    logits: Array, labels: Array, weights: Array | None = None, smoothing: float = 0.0
) -> tuple[float, Array]:
    """See numpy_backend.softmax_cross_entropy."""
    return _loss("cross_entropy", logits, labels, weights, smoothing)


def binary_cross_entropy(
    logits: Array, targets: Array, weights: Array | None = None, smoothing: float = 0.0
) -> tuple[float, Array]:
    """See numpy_backend.binary_cross_entropy."""
    return _loss("binary_cross_entropy", logits, targets, weights, smoothing)


def squared_error(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """See numpy_backend.squared_error."""
    return _loss("squared_error", outputs, targets, weights, 0.0)


def absolute_error(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """See numpy_backend.absolute_error."""
    return _loss("absolute_error", outputs, targets, weights, 0.0)


def huber(
    outputs: Array, targets: Array, weights: Array | None = None, delta: float = 1.0
) -> tuple[float, Array]:
    """See numpy_backend.huber."""
    return _loss("huber", outputs, targets, weights, delta)


def poisson(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """See numpy_backend.poisson."""
    return _loss("poisson", outputs, targets, weights, 0.0)


def _loss(name: str, Z: Array, y: Array, weights: Array | None, option: float) -> tuple[float, Array]:
    targets = np.ascontiguousarray(y, np.int64 if name == "cross_entropy" else Z.dtype)
    if weights is not None:
        weights = np.ascontiguousarray(weights, Z.dtype)
    return leaves.loss(name, Z, targets, weights, option)


def sgd_update(parameter: Array, gradient: Array, learning_rate: float) -> None:
    """See numpy_backend.sgd_update; `parameter` must be C-contiguous, for it is updated in place."""
    flat = parameter.reshape(-1)
    update_flat(flat, np.ascontiguousarray(gradient).reshape(-1), parameter.dtype.type(learning_rate))


# ---- the whole network ------------------------------------------------------------------------------------


def loss_and_gradients(
    network: Parameters,
    X: Array,
    y: Array,
    weights: Array | None = None,
    regularisation: Regularisation | None = None,
) -> tuple[float, list[Array], list[Array]]:
    """See numpy_backend.loss_and_gradients."""
    return open_gradients(network, X, y, weights, regularisation)()


def open_gradients(
    network: Parameters,
    X: Array,
    y: Array,
    weights: Array | None = None,
    regularisation: Regularisation | None = None,
) -> Gradients:
    """See numpy_backend.open_gradients; making a run ready takes longer than a few hundred rows."""
    penalties = regularisation or Regularisation()
    smoothing = Regularisation(label_smoothing=penalties.label_smoothing)
    settings = RunSettings(batch_size=len(X), threads=1, regularisation=smoothing)
    if weights is not None:  # a run takes them to be 1 on average
        weights = weights / (weights.mean() or 1)
    run, order = Run(network, X, y, settings, weights, gradients=True), np.arange(len(X))

    def gradients() -> tuple[float, list[Array], list[Array]]:
        run.read_weights()
        loss, _ = run.accumulate(order)
        dWs, dbs = [np.empty_like(W) for W in network.weights], [np.empty_like(b) for b in network.biases]
        run.workspace.read_gradients(dWs, dbs)
        add_penalty_gradients(network.weights, dWs, penalties.l2, penalties.l1)
        return loss + penalty(network.weights, penalties.l2, penalties.l1), dWs, dbs

    return gradients


# ---- start-up ---------------------------------------------------------------------------------------------


def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None where no folder can be written."""
    return jit.CACHE_FOLDER


def instructions() -> str:
    """What the kernels make use of on this CPU, or on the one that NUMBA_CPU_NAME says."""
    named = {"fused multiply-add": target.HAS_FMA, "VNNI": target.HAS_VNNI, "AMX": target.HAS_AMX}
    return ", ".join(
        [f"vectors of {target.VECTOR_BYTES} bytes", *(name for name, has in named.items() if has)]
    )


def compile_kernels(dtype: Any = "float32") -> None:
    """Compile, or load from the cache, all that training and predicting in `dtype` need."""
    use_everything(np.dtype(dtype), evaluate, predict)


# ---- training ---------------------------------------------------------------------------------------------


def open_run(
    network: Parameters, X: Array, y: Array, settings: RunSettings, weights: Array | None = None
) -> Run:
    """See numpy_backend.open_run."""
    return Run(network, X, y, settings, weights)
