"""The specification's activations: A = g(Z) beside g′(Z), elementwise, one line per equation.

To add one: two functions here, an entry in ACTIVATIONS, and its compiled form in kernels/activations.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastnn.backends import Array

LEAK = 0.01  # slope of leaky_relu below 0


def relu(Z: Array) -> Array:
    """A = max(Z, 0)."""
    return np.maximum(Z, 0)


def relu_derivative(Z: Array) -> Array:
    """g′(Z) = 1 where Z > 0, else 0 (also at Z = 0, where any value in [0, 1] would do)."""
    return (Z > 0).astype(Z.dtype)


def leaky_relu(Z: Array) -> Array:
    """A = Z where Z > 0, else Z/100."""
    return np.where(Z > 0, Z, Z.dtype.type(LEAK) * Z)


def leaky_relu_derivative(Z: Array) -> Array:
    """g′(Z) = 1 where Z > 0, else 1/100."""
    return np.where(Z > 0, Z.dtype.type(1), Z.dtype.type(LEAK))


def elu(Z: Array) -> Array:
    """A = Z where Z > 0, else eᶻ − 1. Source: Clevert, Unterthiner, Hochreiter, 2016, with α = 1."""
    return np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0)))


def elu_derivative(Z: Array) -> Array:
    """g′(Z) = 1 where Z > 0, else eᶻ."""
    return np.exp(np.minimum(Z, 0))


def softplus(Z: Array) -> Array:
    """A = log(1 + eᶻ), written as max(Z, 0) + log(1 + e^−|Z|), which cannot overflow."""
    return np.maximum(Z, 0) + np.log1p(np.exp(-np.abs(Z)))


def softplus_derivative(Z: Array) -> Array:
    """g′(Z) = 1 / (1 + e⁻ᶻ)."""
    return logistic(Z)


def silu(Z: Array) -> Array:
    """A = Z / (1 + e⁻ᶻ), also called swish. Source: Elfwing, Uchibe, Doya, 2018."""
    return Z * logistic(Z)


def silu_derivative(Z: Array) -> Array:
    """g′(Z) = s (1 + Z (1 − s)) with s = 1 / (1 + e⁻ᶻ)."""
    s = logistic(Z)
    return s * (1 + Z * (1 - s))


def gelu(Z: Array) -> Array:
    """A = Z s(Z), s = logistic(2u), u = √(2/π) (Z + 0.044715 Z³): the tanh form of ZΦ(Z).

    Source: Hendrycks, Gimpel, "Gaussian error linear units", 2016, section 2; ½ (1 + tanh u) is logistic(2u).
    """
    return Z * logistic(_gelu_argument(Z))


def gelu_derivative(Z: Array) -> Array:
    """g′(Z) = s + Z s (1 − s) du with s as above and du = 2 √(2/π) (1 + 3 · 0.044715 Z²)."""
    s = logistic(_gelu_argument(Z))
    Z = np.clip(Z, -30, 30)  # beyond, 1 − s or s is 0 and Z³ only overflows
    return s + Z * s * (1 - s) * Z.dtype.type(np.sqrt(8 / np.pi)) * (1 + 3 * 0.044715 * Z**2)


def _gelu_argument(Z: Array) -> Array:
    Z = np.clip(Z, -30, 30)
    return Z.dtype.type(np.sqrt(8 / np.pi)) * (Z + 0.044715 * Z**3)


def tanh(Z: Array) -> Array:
    """A = tanh Z."""
    return np.tanh(Z)


def tanh_derivative(Z: Array) -> Array:
    """g′(Z) = 1 − tanh² Z."""
    return 1 - np.tanh(Z) ** 2


def logistic(Z: Array) -> Array:
    """A = 1 / (1 + e⁻ᶻ), from e^−|Z|, which cannot overflow."""
    E = np.exp(-np.abs(Z))
    return np.where(Z < 0, E, 1) / (1 + E)


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
    "leaky_relu": (leaky_relu, leaky_relu_derivative),
    "elu": (elu, elu_derivative),
    "gelu": (gelu, gelu_derivative),
    "silu": (silu, silu_derivative),
    "softplus": (softplus, softplus_derivative),
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
