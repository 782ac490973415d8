"""An optimizer and its regularisation as the numbers, and the names, that compiled updates work with."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.kernels.updates import (
    CLIP_NORM,
    CLIP_VALUE,
    EPSILON,
    FIRST,
    FIRST_REST,
    L1,
    L2,
    MAX_NORM,
    MEAN_RATE,
    MEASURES_SQUARES,
    NESTEROV,
    RATE,
    RECIPE_FIELDS,
    ROOT_SCALE,
    SCALE,
    SECOND,
    SECOND_REST,
    SHRINK,
    STEP_FIELDS,
)
from fastnn.optimizers import SGD, Adam, Optimizer, RMSprop
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings


def extras(settings: RunSettings, *, sharded: bool) -> tuple[str, ...]:
    """Which kernels a run needs beyond those of plain gradient descent; none where it is just that.

    sharded   whether batches are cut into shards, which leaves whole gradients for the step
    """
    regularisation = settings.regularisation
    names = ["dropout"] if regularisation.drops else []
    step = step_name(settings.optimizer)
    if sharded:
        names.append("shards")
    if sharded or step != "plain" or _changes_the_step(settings.optimizer, regularisation):
        names.append(step)
    if measures_squares(settings):
        names.append("squares")
    names += [name for name in ("clip_norm", "max_norm") if getattr(regularisation, name) is not None]
    return tuple(names)


def measures_squares(settings: RunSettings) -> bool:
    """Whether ΣW² is wanted before each update."""
    return settings.by_batch and settings.regularisation.l2 > 0


def step_name(optimizer: Optimizer) -> str:
    """Name of its kernel in `updates.STEPS`."""
    if isinstance(optimizer, SGD):
        return "momentum" if optimizer.momentum else "plain"
    if isinstance(optimizer, Adam):
        return "adam"
    if isinstance(optimizer, RMSprop):
        return "rmsprop"
    raise TypeError(f"{optimizer!r} has no update of its own")


def _changes_the_step(optimizer: Optimizer, regularisation: Regularisation) -> bool:
    r = regularisation
    limits = r.clip_norm, r.clip_value, r.max_norm
    return bool(r.l2 or r.l1 or _decay(optimizer, r)) or any(limit is not None for limit in limits)


def _decay(optimizer: Optimizer, regularisation: Regularisation) -> float:
    return regularisation.weight_decay + getattr(optimizer, "weight_decay", 0.0)


def recipe(settings: RunSettings, dtype: np.dtype[Any]) -> Array:
    """The numbers that stay the same throughout a run; limits that nobody wants are infinite."""
    regularisation, optimizer = settings.regularisation, settings.optimizer
    numbers = np.zeros(RECIPE_FIELDS)
    for field, limit in (
        (CLIP_VALUE, regularisation.clip_value),
        (CLIP_NORM, regularisation.clip_norm),
        (MAX_NORM, regularisation.max_norm),
    ):
        numbers[field] = np.inf if limit is None else limit
    numbers[MEASURES_SQUARES] = measures_squares(settings)
    if isinstance(optimizer, SGD):
        numbers[[FIRST, NESTEROV]] = optimizer.momentum, optimizer.nesterov
    elif isinstance(optimizer, Adam):
        numbers[[FIRST, FIRST_REST]] = optimizer.beta_1, 1 - optimizer.beta_1
        numbers[[SECOND, SECOND_REST]] = optimizer.beta_2, 1 - optimizer.beta_2
        numbers[EPSILON] = optimizer.epsilon
    elif isinstance(optimizer, RMSprop):
        numbers[[SECOND, SECOND_REST]] = optimizer.decay, 1 - optimizer.decay
        numbers[EPSILON] = optimizer.epsilon
    with np.errstate(over="ignore"):  # a limit beyond the type's numbers is none
        return numbers.astype(dtype)


def steps(
    settings: RunSettings, learning_rates: Array, divisors: Array, first_step: int, dtype: np.dtype[Any]
) -> Array:
    """(n_updates, STEP_FIELDS) numbers of each update after `first_step`.

    divisors   (n_updates,) of each mini-batch's sums
    """
    regularisation = settings.regularisation
    numbers = np.zeros((len(learning_rates), STEP_FIELDS), dtype)
    numbers[:, RATE] = learning_rates
    numbers[:, SCALE] = 1 / divisors
    if regularisation.l2 or regularisation.l1:
        shares = 1 / divisors if settings.by_batch else 1.0
        numbers[:, L2], numbers[:, L1] = regularisation.l2 * shares, regularisation.l1 * shares
    decay = _decay(settings.optimizer, regularisation)
    numbers[:, SHRINK] = 1 - learning_rates * decay if decay else 1
    if isinstance(settings.optimizer, Adam):
        t = np.arange(first_step + 1, first_step + 1 + len(learning_rates))
        # The recipe's ε stays the same: where it should change, the fraction is extended instead.
        share = settings.optimizer.epsilon / settings.optimizer.epsilon_at(t)
        numbers[:, MEAN_RATE] = share * learning_rates / (1 - settings.optimizer.beta_1**t)
        numbers[:, ROOT_SCALE] = share / np.sqrt(1 - settings.optimizer.beta_2**t)
    return numbers
