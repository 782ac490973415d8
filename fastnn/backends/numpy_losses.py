"""The specification's losses: each gives its mean over the batch and dZ of the last layer.

`weights` (m,) makes the mean a weighted one, Σ wᵢ lossᵢ / Σ w; rows of weight 0 change nothing. A row's loss
is the sum over its outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastnn.backends import Array
from fastnn.backends.numpy_activations import logistic


def softmax(logits: Array) -> Array:
    """P = eᶻ / Σ eᶻ along each row; the row's maximum is taken off first, so that nothing overflows."""
    E = np.exp(logits - logits.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def softmax_cross_entropy(
    logits: Array, labels: Array, weights: Array | None = None, smoothing: float = 0.0
) -> tuple[float, Array]:
    """Mean of −Σ T log P, and dZ = (P − T)/m, with T the one-hot labels.

    The logarithm is taken of the sum, not of P: log P = Z − log Σ eᶻ is finite where P underflows to 0.
    smoothing ε spreads a part of each label over all C classes: T = (1 − ε) Y + ε/C. Source: Szegedy et al.,
    "Rethinking the inception architecture", 2016, section 7.
    """
    rows, n_classes = np.arange(len(logits)), logits.shape[1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    target_logits = (1 - smoothing) * shifted[rows, labels]
    if smoothing:
        target_logits += smoothing / n_classes * shifted.sum(axis=1)
    losses = np.log(np.exp(shifted).sum(axis=1)) - target_logits
    dZ = softmax(logits) - logits.dtype.type(smoothing / n_classes)
    dZ[rows, labels] -= 1 - smoothing
    return _mean(losses, dZ, weights)


def binary_cross_entropy(
    logits: Array, targets: Array, weights: Array | None = None, smoothing: float = 0.0
) -> tuple[float, Array]:
    """Each output a yes or no of its own: Σ log(1 + eᶻ) − TZ over the outputs, and dZ = (P − T)/m.

    targets (m, n_outputs) are 0 or 1; P = 1/(1 + e⁻ᶻ). smoothing ε: T = (1 − ε) Y + ε/2.
    """
    T = (1 - smoothing) * targets + smoothing / 2
    losses = np.sum(np.maximum(logits, 0) - T * logits + np.log1p(np.exp(-np.abs(logits))), axis=1)
    return _mean(losses, logistic(logits) - T, weights)


def squared_error(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """½ Σ (Z − Y)², and dZ = (Z − Y)/m: the ½ makes it the same equation as above."""
    difference = outputs - targets
    return _mean(0.5 * np.sum(difference**2, axis=1), difference, weights)


def absolute_error(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Σ |Z − Y|, and dZ = sign(Z − Y)/m: outliers pull no harder than any other row."""
    difference = outputs - targets
    return _mean(np.sum(np.abs(difference), axis=1), np.sign(difference), weights)


def huber(
    outputs: Array, targets: Array, weights: Array | None = None, delta: float = 1.0
) -> tuple[float, Array]:
    """½d² where |d| ≤ δ, else δ(|d| − ½δ), with d = Z − Y; dZ = d/m cut off at ±δ/m.

    Source: Huber, "Robust estimation of a location parameter", 1964.
    """
    difference = outputs - targets
    inside = np.clip(difference, -delta, delta)
    losses = np.sum(inside * (difference - 0.5 * inside), axis=1)
    return _mean(losses, inside, weights)


def poisson(outputs: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Counts Y with the mean eᶻ: Σ eᶻ − YZ (less what depends on Y alone), and dZ = (eᶻ − Y)/m."""
    means = np.exp(outputs)
    return _mean(np.sum(means - targets * outputs, axis=1), means - targets, weights)


def _mean(losses: Array, dZ: Array, weights: Array | None) -> tuple[float, Array]:
    """Weighted mean of the losses, and dZ of that mean."""
    if weights is None:
        return float(losses.mean()), dZ / len(losses)
    total = weights.sum()
    share = weights / total if total > 0 else np.zeros_like(weights)
    return float(np.sum(share * losses)), dZ * share[:, None]


LOSSES: dict[str, Callable[..., tuple[float, Array]]] = {
    "cross_entropy": softmax_cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "poisson": poisson,
}

# What the user sees, from the last layer's Z.
OUTPUTS: dict[str, Callable[[Array], Array]] = {
    "cross_entropy": softmax,
    "binary_cross_entropy": logistic,
    "poisson": np.exp,
}


def loss(
    name: str, Z: Array, y: Array, weights: Array | None = None, *, smoothing: float = 0.0, delta: float = 1.0
) -> tuple[float, Array]:
    """(mean loss, dZ) of the loss called `name`; `smoothing` and `delta` reach the losses that have them."""
    option = {"cross_entropy": (smoothing,), "binary_cross_entropy": (smoothing,), "huber": (delta,)}
    return LOSSES[name](Z, y, weights, *option.get(name, ()))


def outputs(name: str, Z: Array) -> Array:
    """Probabilities, or a regression's predictions, from the last layer's Z."""
    return OUTPUTS[name](Z) if name in OUTPUTS else Z


def count_correct(name: str, Z: Array, y: Array) -> int:
    """Rows classified correctly: the largest logit is the label's; with yes-no outputs, all of them right."""
    if name == "cross_entropy":
        return int(np.sum(Z.argmax(axis=1) == y))
    if name == "binary_cross_entropy":
        return int(np.sum(np.all((Z > 0) == (y > 0.5), axis=1)))
    return 0
