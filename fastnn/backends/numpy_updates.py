"""The specification's updates: what is done with a gradient, in place, one line per equation.

`step` counts the updates of a run from 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from fastnn.backends import Array
from fastnn.optimizers import SGD, Adam, Optimizer, RMSprop
from fastnn.regularisation import Regularisation


def sgd_update(parameter: Array, gradient: Array, learning_rate: float) -> None:
    """W −= α dW."""
    parameter -= parameter.dtype.type(learning_rate) * gradient


def momentum_update(
    parameter: Array,
    gradient: Array,
    velocity: Array,
    learning_rate: float,
    momentum: float,
    nesterov: bool = False,
) -> None:
    """v = μv + dW;  W −= αv, or with Nesterov's momentum W −= α (dW + μv)."""
    velocity *= momentum
    velocity += gradient
    parameter -= learning_rate * (gradient + momentum * velocity if nesterov else velocity)


def adam_update(
    parameter: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    learning_rate: float,
    step: int,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> None:
    """m = β₁m + (1−β₁) dW;  v = β₂v + (1−β₂) dW²;  W −= α m̂ / (√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)."""
    mean *= beta_1
    mean += (1 - beta_1) * gradient
    square *= beta_2
    square += (1 - beta_2) * gradient**2
    unbiased_root = np.sqrt(square) / math.sqrt(1 - beta_2**step)
    parameter -= learning_rate / (1 - beta_1**step) * mean / (unbiased_root + epsilon)


def rmsprop_update(
    parameter: Array,
    gradient: Array,
    square: Array,
    learning_rate: float,
    decay: float = 0.9,
    epsilon: float = 1e-8,
) -> None:
    """v = ρv + (1−ρ) dW²;  W −= α dW / (√v + ε)."""
    square *= decay
    square += (1 - decay) * gradient**2
    parameter -= learning_rate * gradient / (np.sqrt(square) + epsilon)


def update(
    optimizer: Optimizer,
    parameter: Array,
    gradient: Array,
    state: Mapping[str, Array],
    learning_rate: float,
    step: int,
) -> None:
    """One step of `optimizer`; `state` holds the arrays of its slots."""
    if isinstance(optimizer, SGD):
        if optimizer.momentum:
            velocity = state["velocity"]
            momentum_update(
                parameter, gradient, velocity, learning_rate, optimizer.momentum, optimizer.nesterov
            )
        else:
            sgd_update(parameter, gradient, learning_rate)
    elif isinstance(optimizer, Adam):
        betas = optimizer.beta_1, optimizer.beta_2
        adam_update(
            parameter,
            gradient,
            state["mean"],
            state["square"],
            learning_rate,
            step,
            *betas,
            optimizer.epsilon_at(step),
        )
    elif isinstance(optimizer, RMSprop):
        rmsprop_update(
            parameter, gradient, state["square"], learning_rate, optimizer.decay, optimizer.epsilon
        )
    else:
        raise TypeError(f"{optimizer!r} has no update of its own")


# ---- around the update ------------------------------------------------------------------------------------


def add_penalty_gradients(weights: Sequence[Array], dWs: Sequence[Array], l2: float, l1: float) -> None:
    """dW += l2 W + l1 sign W, the gradients of ½ l2 ΣW² + l1 Σ|W|."""
    for W, dW in zip(weights, dWs, strict=True):
        dW += l2 * W + l1 * np.sign(W)


def penalty(weights: Sequence[Array], l2: float, l1: float) -> float:
    """½ l2 ΣW² + l1 Σ|W| over all layers."""
    return sum(float(0.5 * l2 * np.sum(W**2) + l1 * np.sum(np.abs(W))) for W in weights)


def clip(gradients: Sequence[Array], value: float | None, norm: float | None) -> None:
    """Cut each element off at ±value; then shorten all gradients together to the length `norm`."""
    if value is not None:
        for gradient in gradients:
            np.clip(gradient, -value, value, out=gradient)
    if norm is not None:
        length = np.sqrt(sum(float(np.sum(gradient.astype(np.float64) ** 2)) for gradient in gradients))
        if length > norm:
            for gradient in gradients:
                gradient *= gradient.dtype.type(norm / length)


def limit_norms(W: Array, max_norm: float) -> None:
    """Shorten each column of W that is longer than `max_norm`: the weights into one unit.

    Source: Srivastava et al., "Dropout", 2014, section 5.1.
    """
    lengths = np.sqrt(np.sum(W**2, axis=0))
    W *= np.minimum(1, max_norm / np.maximum(lengths, np.finfo(W.dtype).tiny))


def descend(
    optimizer: Optimizer,
    regularisation: Regularisation,
    weights: Sequence[Array],
    biases: Sequence[Array],
    dWs: Sequence[Array],
    dbs: Sequence[Array],
    states: Sequence[Mapping[str, Array]],
    learning_rate: float,
    step: int,
) -> None:
    """One whole update, in this order: penalties, clipping, weight decay, the optimizer, max-norm.

    `states` are those of all weights, then of all biases.
    """
    if regularisation.l2 or regularisation.l1:
        add_penalty_gradients(weights, dWs, regularisation.l2, regularisation.l1)
    clip([*dWs, *dbs], regularisation.clip_value, regularisation.clip_norm)
    decay = regularisation.weight_decay + getattr(optimizer, "weight_decay", 0.0)
    if decay:
        for W in weights:
            W *= W.dtype.type(1 - learning_rate * decay)
    for parameter, gradient, state in zip([*weights, *biases], [*dWs, *dbs], states, strict=True):
        update(optimizer, parameter, gradient, state, learning_rate, step)
    if regularisation.max_norm is not None:
        for W in weights:
            limit_norms(W, regularisation.max_norm)
