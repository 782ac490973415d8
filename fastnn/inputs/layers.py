"""Checks what a network is made of: its activations, and the shapes of its weights and biases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.options import choice, items

ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "tanh", "logistic", "identity")


def hidden_activations(activation: str | Sequence[str], n_hidden: int) -> tuple[str, ...]:
    """One name a hidden layer, from one for all or a list, or InputError."""
    if isinstance(activation, str) or not isinstance(activation, Sequence):
        return (choice("activation", activation, ACTIVATIONS),) * n_hidden
    names = tuple(choice("activation", name, ACTIVATIONS) for name in items("activation", activation))
    if len(names) != n_hidden:
        raise InputError(
            f"activation has {len(names)} names for {n_hidden} hidden layers; pass one name, or one a layer"
        )
    return names


def check_layers(weights: list[Array], biases: list[Array]) -> None:
    """InputError unless shapes and types of the parameters, a list of each, fit together."""
    if not weights or len(weights) != len(biases):
        raise InputError(
            f"a network needs one bias vector a weight matrix; it got {len(weights)} and {len(biases)}"
        )
    dtype = weights[0].dtype
    fan_in = weights[0].shape[0]
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        if W.ndim != 2 or W.shape[0] != fan_in or b.shape != (W.shape[1],) or 0 in W.shape:
            raise InputError(
                f"layer {layer} has W {W.shape} and b {b.shape}; expected ({fan_in}, n) and (n,) after the "
                "layer before"
            )
        if W.dtype != dtype or b.dtype != dtype or dtype not in (np.float32, np.float64):
            raise InputError(
                f"layer {layer} has dtypes {W.dtype} and {b.dtype}; all must be float32 or all float64"
            )
        fan_in = W.shape[1]
