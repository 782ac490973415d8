"""A Network from scikit-learn's MLPClassifier and MLPRegressor, read by their attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.errors import InputError
from fastnn.exchange.arrays import from_arrays
from fastnn.network import Network

LOSSES = {
    "softmax": "cross_entropy",
    "logistic": "binary_cross_entropy",
    "identity": "squared_error",
    "exp": "poisson",
}
ATTRIBUTES = ("coefs_", "intercepts_", "activation", "out_activation_")


def from_sklearn(estimator: Any, *, dtype: Any = None, backend: str = "auto") -> Network:
    """The network inside a fitted MLPClassifier or MLPRegressor, of scikit-learn or of `fastnn.sklearn`.

    estimator   may also be a Pipeline of a StandardScaler and one of them; the model then standardises
    dtype       "float32" or "float64"; None: that of the estimator's weights

    A classifier of two classes has one output there, the logit z of the second class, and two here, 0 and z:
    the same labels and both columns of probabilities. Raises InputError for anything else.
    """
    scaling: dict[str, Any] = {}
    if hasattr(estimator, "steps"):
        estimator, scaling = _from_pipeline(estimator)
    if not all(hasattr(estimator, name) for name in ATTRIBUTES):
        kind = type(estimator).__name__
        raise InputError(
            f"{kind} was not fitted: call fit first"
            if hasattr(estimator, "hidden_layer_sizes")
            else f"from_sklearn takes a fitted MLPClassifier or MLPRegressor, it got {kind}"
        )
    if estimator.out_activation_ not in LOSSES:
        raise InputError(
            f"out_activation_={estimator.out_activation_!r} of {type(estimator).__name__} is unknown; "
            f"fastnn reads {', '.join(map(repr, LOSSES))}"
        )
    own = getattr(estimator, "network_", None)  # of fastnn.sklearn, which can standardise
    if isinstance(own, Network) and own.standardisation is not None:
        scaling = {"input_mean": own.input_mean, "input_deviation": own.input_deviation}
    return from_arrays(
        estimator.coefs_,
        estimator.intercepts_,
        own.activations if isinstance(own, Network) else estimator.activation,
        loss=LOSSES[estimator.out_activation_],
        classes=getattr(estimator, "classes_", None),
        dtype=dtype,
        backend=backend,
        **scaling,
    )


def _from_pipeline(pipeline: Any) -> tuple[Any, dict[str, Any]]:
    """(the last step, the scaling that a StandardScaler before it does)."""
    *before, last = [step for _, step in pipeline.steps]
    if not before:
        return last, {}
    scaler = before[0]
    if len(before) > 1 or not hasattr(scaler, "scale_") or not hasattr(scaler, "with_mean"):
        names = ", ".join(type(step).__name__ for step in before)
        raise InputError(
            f"the pipeline has {names} before its network; fastnn reads one fitted StandardScaler there"
        )
    n_features = scaler.n_features_in_
    return last, {
        "input_mean": scaler.mean_ if scaler.with_mean else np.zeros(n_features),
        "input_deviation": np.ones(n_features) if scaler.scale_ is None else scaler.scale_,
    }
