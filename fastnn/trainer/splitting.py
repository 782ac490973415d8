"""Which rows a training learns from, and which it is measured on; standardised where that is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.backends import Array
from fastnn.datasets.preparation import split_indices
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.standardisation import Standardisation
from fastnn.trainer.loop import Data


def split(
    network: Network, data: Data, validation: Any, generator: np.random.Generator, *, standardize: bool
) -> tuple[Data, Data | None]:
    """(data to train on, validation data or None), from all `data` and train()'s `validation`.

    A network that standardises needs data.X in the caller's own numbers, and gets a standardised copy.
    standardize   measure mean and deviation on the rows to train on, and let the network keep them
    """
    rows, chosen = data.rows, None
    if validation is not None and not isinstance(validation, tuple | list):
        rows, chosen = _divide(data, validation, generator, by_class=network.classes is not None)
    if standardize:
        network.standardisation = Standardisation.measured(data.X, rows)
    if network.standardisation is not None:
        data = replace(data, X=network.standardisation.apply(data.X, network.dtype))
    if chosen is not None:
        weights = None if data.weights is None else data.weights[chosen]
        return _reweighted(replace(data, rows=rows)), Data.whole(data.X[chosen], data.y[chosen], weights)
    return data, None if validation is None else _of_ones_own(network, validation)


def _reweighted(data: Data) -> Data:
    """The same data with weights that are 1 on average over the rows to use."""
    if data.weights is None:
        return data
    return replace(data, weights=data.weights / data.weights[data.rows].mean())


def _divide(
    data: Data, validation: Any, generator: np.random.Generator, *, by_class: bool
) -> tuple[Array, Array]:
    """(rows to train on, rows held out), `validation` being the fraction of the latter."""
    fraction = inputs.positive("validation", validation)
    if fraction >= 1:
        raise InputError(f"validation={validation!r} must be a fraction between 0 and 1, or (X_val, y_val)")
    places = split_indices(data.y[data.rows], fraction, generator, stratify=by_class)
    rows, chosen = (data.rows[part] for part in places)
    if data.weights is not None:
        for part, what in ((rows, "training"), (chosen, "validation")):
            if not data.weights[part].any():
                raise InputError(
                    f"validation={validation!r} leaves no {what} row that counts; take another seed"
                )
    return rows, chosen


def _of_ones_own(network: Network, validation: tuple[Any, ...] | list[Any]) -> Data:
    """(X_val, y_val) or (X_val, y_val, weights) as data for this network."""
    if len(validation) not in (2, 3):
        raise InputError(
            f"validation has {len(validation)} parts; pass a fraction, (X_val, y_val), or (X_val, y_val, "
            "weights)"
        )
    X_val = network.checked_features(validation[0], "validation X")
    y_val = network.checked_targets(validation[1], len(X_val), "validation y")
    weights = inputs.sample_weights(
        None if len(validation) == 2 else validation[2], len(X_val), "validation weights"
    )
    if weights is not None:
        weights = (weights / weights.max()).astype(network.dtype)  # a mean takes them in any unit
    return Data.whole(X_val, y_val, weights)
