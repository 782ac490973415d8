"""The constructor parameters that both estimators share: what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from fastnn import inputs
from fastnn.inputs import ACTIVATIONS

# Those that only work when training goes by mini-batches, with the values that mean nothing.
WITHOUT_LBFGS: Mapping[str, Any] = {"dropout": 0.0, "callbacks": None}

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "standardize": ["boolean"],
    "callbacks": [list, tuple, None],
    "backend": [StrOptions({"auto", "numba", "numpy"})],
    "threads": [Interval(Integral, 1, None, closed="left"), None],
}


def hidden_widths(hidden_layer_sizes: Any) -> tuple[int, ...]:
    """Widths of the hidden layers, from one number or several; ValueError unless all are above 0."""
    try:
        widths = list(hidden_layer_sizes)
    except TypeError:
        widths = [hidden_layer_sizes]
    if np.any(np.array(widths) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {widths}.")
    return tuple(inputs.whole_number("hidden_layer_sizes", width) for width in widths)


def check_for_lbfgs(options: Mapping[str, Any], validation_data: Any) -> None:
    """ValueError for what means nothing to solver="lbfgs"."""
    for name, neutral in WITHOUT_LBFGS.items():
        if np.any(options[name]) and options[name] != neutral:
            raise ValueError(f"{name}={options[name]!r} needs solver='sgd' or 'adam', not 'lbfgs'")
    if validation_data is not None:
        raise ValueError("X_val is for solver='sgd' or 'adam'; 'lbfgs' has no epochs to validate after")


def set_parameters(estimator: Any, values: Mapping[str, Any]) -> None:
    """Keep the arguments of `__init__`, its `locals()`, as scikit-learn wants them: as they are."""
    for name, value in values.items():
        if name != "self":
            setattr(estimator, name, value)


def parameters_of(estimator: Any) -> dict[str, Any]:
    """Its parameters by name, without looking into its signature each time as `get_params` does."""
    return {name: getattr(estimator, name) for name in _names(estimator.__class__)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(kind._get_param_names())


def has_partial_fit(estimator: Any) -> bool:
    """True, or AttributeError where the solver cannot go on with other rows."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is for solver='sgd' or 'adam'; 'lbfgs' needs all rows at once")
    return True
