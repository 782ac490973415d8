"""The validation data of a training, and what is measured on them after each epoch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import metrics as known_metrics
from fastnn.backends import Array, Backend
from fastnn.errors import CallbackError, InputError
from fastnn.inputs.options import first_line
from fastnn.metrics import Metric, OwnMetric
from fastnn.network import Network

if TYPE_CHECKING:
    from fastnn.trainer.loop import Data


def resolve(metrics: Any, network: Network, held_out: Data | None) -> list[Metric]:
    """What `metrics` asks to be measured of `network`, or InputError for what cannot be on these data."""
    kind = "regression" if network.classes is None else "multilabel" if network.multilabel else "classifier"
    found = known_metrics.resolve(metrics, kind=kind, n_outputs=network.sizes[-1])
    if held_out is None:
        if found:
            raise InputError(
                f"metrics={_names(found)} need validation data: pass validation=0.1 or (X_val, y_val)"
            )
        return []
    if known_metrics.METRICS["roc_auc"] in found:
        _check_every_class(network, held_out)
    return found


class Validation:
    """Measures a network on data it is not trained on.

    Validation loss and accuracy are always measured; rows' weights count in the loss.
    """

    def __init__(self, network: Network, backend: Backend, data: Data, metrics: Sequence[Metric]) -> None:
        self._network, self._backend, self._data, self._metrics = network, backend, data, metrics
        self._labels = _read_only(_labels(network, data.y))
        self._said_nan: set[str] = set()

    def measure(self) -> dict[str, float]:
        """Everything there is to record, from the network's weights as they are. CallbackError see _value."""
        network, data = self._network, self._data
        with np.errstate(over="ignore", invalid="ignore"):  # a training that diverges has an error of its own
            loss, n_correct = self._backend.evaluate(network, data.X, data.y, data.weights)
            outputs = self._backend.predict(network, data.X) if self._metrics else None
        values = {"validation_loss": loss}
        if network.classes is not None:
            values["validation_accuracy"] = n_correct / len(data.X)
        if outputs is not None:
            predicted = _Predicted(network, outputs)
            for metric in self._metrics:
                values[f"validation_{metric.name}"] = self._value(metric, predicted)
        return values

    def _value(self, metric: Metric, predicted: _Predicted) -> float:
        """One metric's number; CallbackError if its function raises or returns something else."""
        own = isinstance(metric, OwnMetric)
        y_true = self._data.y if own else self._labels
        if metric.needs == "probabilities":
            y_pred = predicted.outputs
        else:
            y_pred = predicted.indices if own else predicted.labels
        try:
            value = metric.function(y_true, y_pred)
        except Exception as error:
            raise CallbackError(
                f"metric {metric.name!r} raised {type(error).__name__}: {first_line(error)}"
            ) from error
        if isinstance(value, bool | np.bool_ | str | bytes) or np.size(value) != 1:
            raise CallbackError(f"metric {metric.name!r} returned {_shown(value)} instead of one number")
        try:
            number = float(np.asarray(value).item())
        except (TypeError, ValueError):
            raise CallbackError(
                f"metric {metric.name!r} returned {_shown(value)} instead of one number"
            ) from None
        self._warn_if_nan(metric, number)
        return number

    def _warn_if_nan(self, metric: Metric, value: float) -> None:
        if np.isnan(value) and metric.name not in self._said_nan:
            self._said_nan.add(metric.name)
            warnings.warn(
                f"metric {metric.name!r} is nan on the validation data; nan is recorded, and never the best",
                stacklevel=2,
            )


@dataclass
class _Predicted:
    """One prediction of all rows, in the forms that metrics ask for.

    outputs   probabilities, or a regression's outputs, as the backend gives them (n, n_outputs)
    indices   class indices (n,), or decisions (n, n_labels); of a regression the outputs
    labels    what `model.predict` returns
    """

    network: Network
    outputs: Array

    def __post_init__(self) -> None:
        network, outputs = self.network, _read_only(self.outputs)
        if network.classes is None:
            self.indices = outputs
            self.labels = _read_only(_labels(network, outputs))
        elif network.multilabel:
            self.indices = self.labels = _read_only((outputs > 0.5).astype(np.int64))
        else:
            self.indices = outputs.argmax(axis=1)
            self.labels = _read_only(network.classes[self.indices])


def _labels(network: Network, y: Array) -> Array:
    """Targets as the caller knows them: labels; 0 and 1; or numbers, (n,) where there is one output."""
    if network.classes is None:
        return y[:, 0] if y.shape[1] == 1 else y
    return y.astype(np.int64) if network.multilabel else network.classes[y]


def _read_only(array: Array) -> Array:
    # Several functions get the same arrays: none may change them for the next.
    view = array.view()
    view.flags.writeable = False
    return view


def _check_every_class(network: Network, held_out: Data) -> None:
    """Each class needs rows that have it and rows that do not, or its area is not defined."""
    y, classes = held_out.y, network.classes
    if classes is None:
        return
    counts = y.sum(axis=0) if y.ndim == 2 else np.bincount(y, minlength=len(classes))
    lacking = np.flatnonzero((counts == 0) | (counts == len(y)))
    if len(lacking):
        which = classes[lacking[0]]
        raise InputError(
            f"metric 'roc_auc' needs validation rows with and without each class; of class {which!s} there "
            f"are {int(counts[lacking[0]])} in {len(y)}: take more rows"
        )


def _names(metrics: Sequence[Metric]) -> str:
    return f"({', '.join(repr(metric.name) for metric in metrics)},)"


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else f"{text[:40]}…"
