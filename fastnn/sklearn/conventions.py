"""scikit-learn's way to state losses and scores, where it is not fastnn's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import xlogy

from fastnn.backends import Array
from fastnn.metrics import Metric
from fastnn.network import Network
from fastnn.run_settings import RunSettings

# Of the output layer, by loss.
OUT_ACTIVATIONS = {"cross_entropy": "softmax", "binary_cross_entropy": "logistic", "poisson": "exp"}


class Losses:
    """States fastnn's mean losses as scikit-learn does.

    Errors of several outputs are averaged, not summed; and the poisson loss is half the deviance, with the
    part Σ y log y − y that depends on y alone.
    """

    def __init__(self, network: Network, y: Array, weights: Array | None = None) -> None:
        self._weights = weights
        averaged = network.classes is None and network.loss_name != "poisson"
        self._divisor = network.sizes[-1] if averaged else 1
        self._constants: Array | None = None
        if network.loss_name == "poisson":
            self._constants = np.asarray(np.sum(xlogy(y, y) - y, axis=1, dtype=np.float64))

    def stated(self, loss: float, rows: Array) -> float:
        """A mean over `rows`."""
        if self._constants is None:
            return loss / self._divisor
        weights = None if self._weights is None else self._weights[rows]
        return loss + float(np.average(self._constants[rows], weights=weights))

    def stated_by_batch(self, loss: float, order: Array, settings: RunSettings) -> float:
        """A mean over an epoch: of means over mini-batches that were taken in this order."""
        if self._constants is None or self._weights is None:
            return self.stated(loss, order)
        starts = np.arange(0, len(order), settings.batch_size)
        sums = np.add.reduceat((self._constants * self._weights)[order], starts)
        return loss + settings.mean_loss(sums / settings.divisors(order, self._weights), len(order))


def score_metrics(network: Network, weights: Array | None) -> list[Metric]:
    """What `score` of an estimator measures: accuracy or R², of rows that count so much.

    None for the accuracy of rows that count alike, which every training with validation data measures.
    """
    if network.classes is not None and weights is None:
        return []
    function: Callable[..., float] = r2 if network.classes is None else accuracy
    return [Metric("score", partial(function, weights=weights))]


def accuracy(y_true: Array, y_pred: Array, weights: Array | None = None) -> float:
    """Share of the rows, or of their weight, predicted right; of rows with several labels, all right."""
    right = y_true == y_pred
    return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=weights))


def r2(y_true: Array, y_pred: Array, weights: Array | None = None) -> float:
    """R², mean of the outputs; 1 or 0 where y is constant. NaN unless all is finite."""
    true = y_true.reshape(len(y_true), -1).astype(np.float64)
    predicted = y_pred.reshape(len(y_pred), -1).astype(np.float64)
    if not np.isfinite(predicted).all():
        return float("nan")
    with np.errstate(over="ignore"):
        residual = np.average((true - predicted) ** 2, axis=0, weights=weights)
        total = np.average((true - np.average(true, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    exact = np.where(residual == 0, 1.0, 0.0)
    return float(np.mean(np.where(total > 0, 1 - residual / np.where(total > 0, total, 1), exact)))
