"""The arithmetic of L-BFGS: from one iterate to the next, for any smooth function of many numbers.

SciPy's own loop, `minimize(method="L-BFGS-B")`, keeps its memory to itself, so that a training could not be
saved and resumed exactly. Here the memory is plain arrays, and of SciPy there is the part that is hard to get
right: the line search.

Source: Nocedal, Wright, "Numerical optimization", 2006, algorithms 7.4 (the direction) and 3.5 (the search).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn.backends import Array

# When to end, as SciPy's L-BFGS-B does: no element of the gradient is larger, or the loss fell by less, as a
# share of itself (of 1 where it is smaller).
GRADIENT_TOLERANCE = 1e-5
LOSS_TOLERANCE = 2.2e-9
# Tries to bracket a step length, each twice as long as the one before.
SEARCH_STEPS = 20

LossAndGradient = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True)
class Iterate:
    """Where the minimisation stands: immutable, so that an interrupted iteration leaves the one before.

    parameters   (n,) float64, all weights and biases one after the other
    loss         with penalties, there; NaN before it is known
    gradient     (n,) of it
    steps        differences of parameters between iterations, the latest last; at most `memory` of them
    changes      differences of the gradient that belong to them
    number       iterations done
    converged    there is no more to gain
    """

    parameters: Array
    loss: float
    gradient: Array
    steps: tuple[Array, ...] = ()
    changes: tuple[Array, ...] = ()
    number: int = 0
    converged: bool = False


def iterate(at: Iterate, loss_and_gradient: LossAndGradient, memory: int) -> Iterate:
    """The next iterate: a step along the direction, or the same one marked as converged."""
    if at.converged or np.max(np.abs(at.gradient)) <= GRADIENT_TOLERANCE:
        return replace(at, number=at.number + 1, converged=True)
    found = _search(at, direction(at), loss_and_gradient)
    if found is None and at.steps:
        # What is remembered misleads here: begin again from the gradient alone.
        at = replace(at, steps=(), changes=())
        found = _search(at, direction(at), loss_and_gradient)
    if found is None:
        return replace(at, number=at.number + 1, converged=True)
    parameters, loss, gradient = found
    steps, changes = at.steps, at.changes
    step, change = parameters - at.parameters, gradient - at.gradient
    if step @ change > np.finfo(np.float64).eps * (change @ change):  # else the loss curves the wrong way
        steps, changes = (*steps, step)[-memory:], (*changes, change)[-memory:]
    fall = (at.loss - loss) / max(abs(at.loss), abs(loss), 1.0)
    converged = bool(np.max(np.abs(gradient)) <= GRADIENT_TOLERANCE or fall <= LOSS_TOLERANCE)
    return Iterate(parameters, loss, gradient, steps, changes, at.number + 1, converged)


def direction(at: Iterate) -> Array:
    """(n,) −H·gradient, H being the inverse Hessian that the remembered steps and changes suggest.

    With nothing remembered: down the gradient, of length 1 at most.
    """
    q = at.gradient.copy()
    if not at.steps:
        return -q * min(1.0, 1.0 / float(np.sqrt(q @ q)))
    pairs = [(s, y, 1.0 / (s @ y)) for s, y in zip(at.steps, at.changes, strict=True)]
    shares = []
    for s, y, rho in reversed(pairs):
        shares.append(rho * (s @ q))
        q -= shares[-1] * y
    s, y, rho = pairs[-1]
    q /= rho * (y @ y)
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q += (share - rho * (y @ q)) * s
    return -q


def _search(
    at: Iterate, towards: Array, loss_and_gradient: LossAndGradient
) -> tuple[Array, float, Array] | None:
    """(parameters, loss, gradient) a step along `towards` that meets the strong Wolfe conditions, or None."""
    from scipy.optimize import line_search

    slope = at.gradient @ towards
    if not slope < 0:
        return None
    latest: list[Any] = [at.parameters, (at.loss, at.gradient)]

    def known(parameters: Array) -> tuple[float, Array]:
        # SciPy asks for the loss and then for the gradient at the same place.
        if not np.array_equal(parameters, latest[0]):
            latest[:] = [parameters.copy(), loss_and_gradient(parameters)]
        return latest[1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that it found nothing, which None says
        length = line_search(
            lambda parameters: known(parameters)[0],
            lambda parameters: known(parameters)[1],
            at.parameters,
            towards,
            gfk=at.gradient,
            old_fval=at.loss,
            maxiter=SEARCH_STEPS,
        )[0]
    if length is None:
        return None
    parameters = at.parameters + length * towards
    loss, gradient = known(parameters)
    if not (loss < at.loss and np.isfinite(gradient).all()):
        return None
    return parameters, loss, gradient
