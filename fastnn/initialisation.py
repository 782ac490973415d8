"""Initial weights: He for ReLU, Glorot for the rest, biases zero."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from fastnn.backends import Array


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
    sizes: tuple[int, ...], activation: str, generator: np.random.Generator, dtype: np.dtype[Any]
) -> tuple[list[Array], list[Array]]:
    """Weights and biases for layers of `sizes` (input first), drawn in float64 and rounded to `dtype`.

    So float32 and float64 networks of one seed start from the same numbers. The output layer is linear and
    takes Glorot weights whatever the activation.
    """
    hidden_scheme = he if activation == "relu" else glorot
    weights, biases = [], []
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        scheme = glorot if layer == len(sizes) - 2 else hidden_scheme
        weights.append(scheme(fan_in, fan_out, generator).astype(dtype))
        biases.append(np.zeros(fan_out, dtype))
    return weights, biases
