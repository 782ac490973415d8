"""What "auto" means for the batch size and the learning rate; both found by `benchmarks/defaults.py`."""

from __future__ import annotations

import numpy as np

from fastnn.backends import Array, as_float, numpy_backend
from fastnn.network import Network

# Rows looked at: enough for an eigenvalue of which two digits are used.
SAMPLE = 1000


def batch_size(n_rows: int) -> int:
    """n/160 rows, at least 8 and at most 64: small tables need updates more than they need large batches."""
    return min(64, max(8, n_rows // 160), n_rows)


def learning_rate(network: Network, X: Array, targets: Array) -> float:
    """A step size for which plain gradient descent is stable, from the data and the network's first weights.

    The loss is steepest, layer by layer, in proportion to λ, the largest eigenvalue of the second moments
    E[aaᵀ] of the layer's input a; a stable step shrinks with 1/λ.

    Classification: min(0.3/depth, 8/λ of X), depth being the hidden layers (at least 1). The identity,
    which never saturates, gets a third of that 0.3/depth; the logistic, of slope 1/4 at most, all of 0.3.
    Regression: min(0.01, 1/λ of the last layer's input), divided by the deviation of the targets where that
    is above 1: there is no softmax to bound the gradient, which grows with the targets.
    """
    sample = as_float(X[_spread(len(X))], network.input_scale, network.dtype)
    if network.loss_name == "cross_entropy":
        depth = max(1, len(network.weights) - 1)
        caution = {"identity": 3 * depth, "logistic": 1}.get(network.activation, depth)
        rate = min(0.3 / caution, 8 / largest_second_moment(sample))
    else:
        inputs, _ = numpy_backend.forward(network, sample)
        rate = min(0.01, 1 / largest_second_moment(inputs[-1])) / max(1.0, float(targets.std(axis=0).max()))
    # Two digits, so that rounding in the estimate does not change the model.
    return float(f"{rate:.2g}")


def largest_second_moment(A: Array) -> float:
    """Largest eigenvalue of E[aaᵀ] over the rows a of A, by power iteration; tiny but positive for zeros."""
    A = A.astype(np.float64)
    v = A[np.argmax(np.sum(A**2, axis=1))]
    eigenvalue = 1e-30
    for _ in range(30):
        length = float(np.linalg.norm(v))
        if length == 0:
            break
        v = A.T @ (A @ (v / length)) / len(A)
        eigenvalue = float(np.linalg.norm(v))
    return eigenvalue


def _spread(n_rows: int) -> Array:
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, SAMPLE)).astype(np.int64))
