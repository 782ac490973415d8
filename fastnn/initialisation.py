"""Initial weights: He after ReLU and its relatives, Glorot for the rest, biases zero."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from fastnn.alignment import on_a_line
from fastnn.backends import Array

# Near 0 on one side and near the identity on the other, so half of the variance is lost in each layer.
RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu")


def he(fan_in: int, fan_out: int, generator: np.random.Generator) -> Array:
    """(fan_in, fan_out) normal weights of variance 2 / fan_in, which keeps the size of ReLU activations.

    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015, section 2.2.
    """
    return generator.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)


def glorot(fan_in: int, fan_out: int, generator: np.random.Generator) -> Array:
    """(fan_in, fan_out) uniform weights in ±√(6 / (fan_in + fan_out)).

    Source: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    2010, equation 16.
    """
    limit = np.sqrt(6 / (fan_in + fan_out))
    return generator.uniform(-limit, limit, (fan_in, fan_out))


def initial_parameters(
    sizes: tuple[int, ...], activations: tuple[str, ...], generator: np.random.Generator, dtype: np.dtype[Any]
) -> tuple[list[Array], list[Array]]:
    """Weights and biases for layers of `sizes` (input first), drawn in float64 and rounded to `dtype`.

    So float32 and float64 networks of one seed start from the same numbers. He's factor 2 makes up for what
    a rectifier has cut off, so it is for hidden layers that are fed by one. The first layer is fed by data:
    with Glorot weights a table of few columns starts as a smoother function, which generalises better (put
    `he` first here and run benchmarks/defaults.py: wine and iris suffer). The output layer is linear.
    """
    after = [he if name in RECTIFIERS else glorot for name in activations[:-1]]
    schemes = [glorot, *after, glorot] if activations else [glorot]
    weights, biases = [], []
    for scheme, (fan_in, fan_out) in zip(schemes, pairwise(sizes), strict=True):
        weights.append(on_a_line(scheme(fan_in, fan_out, generator), dtype))
        biases.append(np.zeros(fan_out, dtype))
    return weights, biases


def start_at_constant(
    weights: list[Array], biases: list[Array], loss: str, targets: Array, row_weights: Array | None = None
) -> None:
    """Start a regression at the constant that has the least loss, or nearly so, by its last bias, in place.

    So the first errors are of the size of the targets' spread. Losses that forgive outliers start at the
    median. Counts (poisson) start at the logarithm of their mean, which is taken to be 1/n at least, and
    without weights in the last layer: e to the power of a random number may be far off, or overflow.

    targets  (n, n_outputs)     row_weights  (n,); None: all alike
    """
    if loss in ("absolute_error", "huber"):
        biases[-1][:] = _median(targets, row_weights)
        return
    mean = targets.mean(axis=0) if row_weights is None else np.average(targets, axis=0, weights=row_weights)
    if loss == "poisson":
        weights[-1][:] = 0
        mean = np.log(np.maximum(mean, 1 / len(targets)))
    biases[-1][:] = mean


def _median(values: Array, weights: Array | None) -> Array:
    """The value of each column with half of the weight at or below it; the lower one of two."""
    shares = np.ones(len(values)) if weights is None else weights.astype(np.float64)
    order = np.argsort(values, axis=0, kind="stable")
    below = np.cumsum(shares[order], axis=0)
    # Rounded weights must not turn an exact half into a little less.
    middle = np.argmax(below >= (0.5 - 1e-6) * shares.sum(), axis=0)
    columns = np.arange(values.shape[1])
    return values[order[middle, columns], columns]
