"""A fit by SciPy's L-BFGS-B: all rows at once, no learning rate."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from fastnn import backends
from fastnn.backends import Array
from fastnn.backends.numpy_updates import penalty
from fastnn.network import Network
from fastnn.regularisation import Regularisation
from fastnn.sklearn.conventions import Losses
from fastnn.trainer.lbfgs import as_float64, twin_of
from fastnn.trainer.loop import Data


def fit(options: Mapping[str, Any], network: Network, data: Data) -> tuple[float, int]:
    """Train `network` in place: (loss, iterations).

    In float64 whatever the network's type: in float32 the loss is too rough for the search near the minimum.
    Ctrl-C ends it with a warning, at the parameters of the last iteration.
    """
    objective = _Objective(options, network, data)
    start = reached = objective.parameters
    n_iterations = 0

    def iterated(intermediate_result: Any) -> None:
        nonlocal reached, n_iterations
        reached, n_iterations = intermediate_result.x.copy(), n_iterations + 1
        if options["verbose"]:
            print(f"Iteration {n_iterations}, loss = {intermediate_result.fun:.8f}")

    try:
        result = minimize(
            objective,
            start,
            method="L-BFGS-B",
            jac=True,
            callback=iterated,
            options={
                "maxfun": options["max_fun"],
                "maxiter": options["max_iter"],
                "gtol": options["tol"],
            },
        )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    else:
        reached, n_iterations = result.x, min(result.nit, options["max_iter"])
        if result.status != 0:
            _warn(result, n_iterations, options["max_iter"])
    return objective.accept(reached), n_iterations


class _Objective:
    """The loss with penalty as a function of all parameters in one vector, weights before biases.

    Works in float64 on a twin of the network, whose arrays are views of one vector.
    """

    def __init__(self, options: Mapping[str, Any], network: Network, data: Data) -> None:
        X, y = as_float64(data.X), as_float64(data.y)
        weights = None if data.weights is None else as_float64(data.weights)
        total = len(X) if weights is None else float(weights.sum())
        self._network, self._l2 = network, options["alpha"] / total
        self._flat, self._twin = twin_of(network)
        self.parameters = self._flat.copy()
        self._gradients = backends.get(options["backend"])[1].open_gradients(
            self._twin, X, y, weights, Regularisation(l2=self._l2)
        )
        self._losses, self._rows = Losses(network, y, weights), data.rows
        # What is added to fastnn's loss: nothing but a constant, so that gradient and loss belong together.
        self._constant = self._losses.stated(0.0, self._rows)

    def __call__(self, parameters: Array) -> tuple[float, Array]:
        """Loss and gradient."""
        self._flat[:] = parameters
        with np.errstate(over="ignore", invalid="ignore"):
            loss, dWs, dbs = self._gradients()
        return loss + self._constant, np.concatenate([array.ravel() for array in (*dWs, *dbs)])

    def accept(self, parameters: Array) -> float:
        """Let the network have these parameters; returns their loss as scikit-learn states it."""
        loss, _ = self(parameters)
        twin, network = self._twin, self._network
        own, found = [*network.weights, *network.biases], [*twin.weights, *twin.biases]
        for array, values in zip(own, found, strict=True):
            array[...] = values
        penalties = penalty(twin.weights, self._l2, 0.0)
        return self._losses.stated(loss - self._constant - penalties, self._rows) + penalties


def _warn(result: Any, n_iterations: int, max_iter: int) -> None:
    advice = ""
    if n_iterations == max_iter:
        advice = f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
    warnings.warn(
        f"lbfgs failed to converge after {n_iterations} iteration(s) (status={result.status}):\n"
        f"{result.message}\n{advice}\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html",
        ConvergenceWarning,
        stacklevel=2,
    )
