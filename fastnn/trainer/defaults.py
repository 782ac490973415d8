"""What "auto" means for optimizer, epochs, batch size and learning rate, by `benchmarks/defaults.py`."""

from __future__ import annotations

import numpy as np

from fastnn.backends import Array, as_float, numpy_backend
from fastnn.inputs import CLASSIFIER_LOSSES, is_word
from fastnn.network import Network
from fastnn.optimizers import SGD, Adam, Optimizer

# Rows looked at: enough for an eigenvalue of which two digits are used.
SAMPLE = 1000

# Rows of the smallest and largest batches that "auto" makes, where there are so many.
LEAST_BATCH, MOST_BATCH = 8, 64

# Updates that a small table gets at least, as far as so many epochs make them.
LEAST_UPDATES, MOST_EPOCHS = 1500, 100


def optimizer(X: Array, learning_rate: float | str) -> Optimizer:
    """Plain gradient descent for uint8 images, and where the learning rate is given; Adam for other numbers.

    Images are alike, and a stable rate for them is known. The columns of tables differ in scale, raw ones
    a thousandfold, and Adam's steps do not depend on that.
    """
    return SGD() if not is_word(learning_rate, "auto") or X.dtype == np.uint8 else Adam()


def epochs(n_updates: int) -> int:
    """20, or for small data, of `n_updates` an epoch, as many as make LEAST_UPDATES, up to MOST_EPOCHS."""
    return max(20, min(MOST_EPOCHS, -(-LEAST_UPDATES // n_updates)))


def batch_size(n_rows: int) -> int:
    """n/160 rows, at least 8 and at most 64: small tables need updates more than they need large batches."""
    return min(MOST_BATCH, max(LEAST_BATCH, n_rows // 160), n_rows)


def learning_rate(
    optimizer: Optimizer,
    network: Network,
    X: Array,
    targets: Array,
    batch_size: int,
    rows: Array | None = None,
) -> float:
    """The optimizer's usual rate; for SGD what is stable for the data, (1 − μ) of it with a momentum μ.

    Batches smaller than "auto" ever makes them take proportionally smaller steps, for a single row's gradient
    is far from the mean.
    """
    if optimizer.usual_rate is not None:
        return optimizer.usual_rate
    rate = stable_rate(network, X, targets, rows) * min(1.0, batch_size / LEAST_BATCH)
    return rate * (1 - optimizer.momentum) if isinstance(optimizer, SGD) else rate


def stable_rate(network: Network, X: Array, targets: Array, rows: Array | None = None) -> float:
    """A step size for which plain gradient descent is stable, from the data and the network's first weights.

    The loss is steepest, layer by layer, in proportion to λ, the largest eigenvalue of the second moments
    E[aaᵀ] of the layer's input a; a stable step shrinks with 1/λ.

    Classification: min(0.3/depth, 8/λ of X), depth being the hidden layers (at least 1). The identity,
    which never saturates, gets a third of that 0.3/depth; the logistic, of slope 1/4 at most, all of 0.3.
    Several labels a row: divided by √n_labels too, for every label adds to the hidden layers' gradient.
    Regression: min(0.01, 1/λ of the last layer's input), of counts min(0.03, …), divided by `_steepness`
    where that is above 1: there is no softmax to bound the gradient, which grows with the targets.
    """
    rows = np.arange(len(X)) if rows is None else rows
    sample = as_float(X[rows[_spread(len(rows))]], network.input_scale, network.dtype)
    if network.loss_name in CLASSIFIER_LOSSES:
        depth = max(1, len(network.weights) - 1)
        caution = {"identity": 3 * depth, "logistic": 1}.get(network.activation, depth)
        caution *= np.sqrt(len(network.biases[-1])) if network.multilabel and len(network.weights) > 1 else 1
        rate = min(0.3 / caution, 8 / largest_second_moment(sample))
    else:
        inputs, _ = numpy_backend.forward(network, sample)
        steepness = max(1.0, _steepness(network, targets[rows]))
        largest = 0.03 if network.loss_name == "poisson" else 0.01
        rate = min(largest, 1 / largest_second_moment(inputs[-1])) / steepness
    # Two digits, so that rounding in the estimate does not change the model.
    return float(f"{rate:.2g}")


def _steepness(network: Network, targets: Array) -> float:
    """What a regression's gradient grows with: the deviation of the targets, as far as the loss lets it.

    Of counts it is the curvature that grows, eᶻ, which is their mean.
    """
    if network.loss_name == "absolute_error":
        return 1.0
    if network.loss_name == "poisson":
        return float(targets.mean(axis=0).max())
    deviation = float(targets.std(axis=0).max())
    return min(deviation, network.huber_delta) if network.loss_name == "huber" else deviation


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
