"""A trained network as a fitted estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.sklearn.classifier import MLPClassifier
from fastnn.sklearn.labels import Labels
from fastnn.sklearn.regressor import MLPRegressor


def from_network(model: Network, **parameters: Any) -> MLPClassifier | MLPRegressor:
    """A fitted estimator whose `network_` is `model` itself, and which predicts as it does.

    parameters   of the estimator, for a later `fit`, `partial_fit` or `clone`: solver, alpha, …; layers,
                 activation, loss and standardize are the model's

    `partial_fit` trains `model` in place. `clone` gives an unfitted estimator of the same form.
    """
    if not isinstance(model, Network):
        raise InputError(f"model is a {type(model).__name__}; from_network takes a fastnn.Network")
    form: dict[str, Any] = {
        "hidden_layer_sizes": model.sizes[1:-1],
        "activation": model.activations[0] if len(set(model.activations)) == 1 else list(model.activations),
        "standardize": model.standardisation is not None,
        "backend": model.backend,
    }
    if not model.activations:
        form["activation"] = "relu"
    if model.classes is None:
        form |= {"loss": model.loss_name, "huber_delta": model.huber_delta}
    fixed = sorted(form.keys() & parameters.keys() - {"backend"})
    if fixed:
        raise InputError(f"{fixed[0]} is the model's, and cannot be given to from_network")
    options = form | parameters
    estimator = MLPRegressor(**options) if model.classes is None else MLPClassifier(**options)
    estimator.network_, estimator.n_features_in_ = model, model.sizes[0]
    if isinstance(estimator, MLPClassifier):
        estimator._labels = _labels(model)
        estimator.classes_ = estimator._labels.classes
    estimator._forget()
    return estimator


def _labels(model: Network) -> Labels:
    if not model.multilabel:
        return Labels(np.asarray(model.classes), "multiclass")
    n_labels = model.sizes[-1]
    return Labels(np.arange(max(2, n_labels)), "binary" if n_labels == 1 else "multilabel")
