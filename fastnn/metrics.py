"""Numbers that say how good predictions are, by name or by a function of one's own.

`train(..., validation=0.1, metrics=("f1", my_function))` measures them on the validation data after each
epoch and records them as history["validation_f1"] and so on. The functions can be used by hand too:

    y_true, y_pred    (n,) labels of any kind; or (n, n_labels) of 0 and 1, where a row may have several
                      labels; or a regression's targets, (n,) or (n, n_outputs)
    probabilities     (n, n_classes); y_true then holds their column numbers; or (n, n_labels) beside a
                      y_true of that shape

"Macro" is the mean over the classes that occur in y_true or y_pred (or over the columns), each counting the
same; 0/0 counts as 0. Definitions and values are those of scikit-learn, where it has the metric.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError

# What a network predicts: one class a row, several labels a row, or numbers.
CLASSES, LABELS, NUMBERS = "classifier", "multilabel", "regression"


@dataclass(frozen=True)
class Metric:
    """A function that measures predictions, under a name.

    name              history["validation_<name>"] is where it is recorded
    function          (y_true, y_pred) -> number; y_true as the caller of train() labels it
    larger_is_better  which way is better, for `monitor`
    needs             what y_pred is: "labels", of `model.predict`, or "probabilities", of
                      `model.predict_proba`, whose columns are in the order of `model.classes`
    """

    name: str
    function: Callable[[Any, Any], Any]
    larger_is_better: bool = True
    needs: str = "labels"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise InputError(f"a metric's name must be a text of one line, not {self.name!r}")
        if not callable(self.function):
            raise InputError(f"metric {self.name!r} needs a function (y_true, y_pred), not {self.function!r}")
        if self.needs not in ("labels", "probabilities"):
            raise InputError(
                f"metric {self.name!r} has needs={self.needs!r}; use 'labels' or 'probabilities'"
            )


@dataclass(frozen=True)
class OwnMetric(Metric):
    """One of fastnn's: its function takes class indices, and `suits` the networks it can judge."""

    suits: tuple[str, ...] = ()


def on_probabilities(function: Callable[[Any, Any], Any], *, larger_is_better: bool = True) -> Metric:
    """Make a metric of a function (y_true, probabilities) -> number, under the function's own name."""
    return Metric(_name_of(function), function, larger_is_better, "probabilities")


# ---- classes and labels -----------------------------------------------------------------------------------


def accuracy(y_true: Array, y_pred: Array) -> float:
    """Share of rows predicted right; where a row may have several labels, with all of them right."""
    right = y_true == y_pred
    return float(np.mean(right if right.ndim == 1 else right.all(axis=1)))


def balanced_accuracy(y_true: Array, y_pred: Array) -> float:
    """Mean over the classes of y_true of the share of their rows predicted right."""
    correct, _, support = _counts(y_true, y_pred)
    return float(np.mean(correct[support > 0] / support[support > 0]))


def precision(y_true: Array, y_pred: Array) -> float:
    """Macro mean of TP/(TP + FP): of the rows predicted as the class, the share that is."""
    correct, predicted, _ = _counts(y_true, y_pred)
    return float(np.mean(_ratio(correct, predicted)))


def recall(y_true: Array, y_pred: Array) -> float:
    """Macro mean of TP/(TP + FN): of the rows of the class, the share predicted so."""
    correct, _, support = _counts(y_true, y_pred)
    return float(np.mean(_ratio(correct, support)))


def f1(y_true: Array, y_pred: Array) -> float:
    """Macro mean of 2TP/(2TP + FP + FN), the harmonic mean of a class's precision and recall."""
    correct, predicted, support = _counts(y_true, y_pred)
    return float(np.mean(_ratio(2 * correct, predicted + support)))


def _counts(y_true: Array, y_pred: Array) -> tuple[Array, Array, Array]:
    """For each class that occurs, or each column: rows predicted right, rows predicted, rows there are."""
    if np.ndim(y_true) == 2:
        has, got = np.asarray(y_true) > 0.5, np.asarray(y_pred) > 0.5
        return np.sum(has & got, axis=0), np.sum(got, axis=0), np.sum(has, axis=0)
    classes, indices = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)
    true, predicted = indices[: len(y_true)], indices[len(y_true) :]
    count = partial(np.bincount, minlength=len(classes))
    return count(true[true == predicted]), count(predicted), count(true)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


# ---- probabilities ----------------------------------------------------------------------------------------


def roc_auc(y_true: Array, probabilities: Array) -> float:
    """Chance that a row of the class has a larger probability of it than a row of the rest; ties count ½.

    Two classes: of the second one. More: the mean over the classes, each against the rest. Several labels a
    row: the mean over the labels. NaN where a class has no rows, or all of them.
    Maths    (R − n₁(n₁+1)/2) / n₁n₀, R being the sum of the class's ranks (Mann and Whitney, 1947)
    """
    probabilities = np.asarray(probabilities)
    if np.ndim(y_true) == 2:
        members, scores = np.asarray(y_true) > 0.5, probabilities
    else:
        members, scores = np.asarray(y_true)[:, None] == np.arange(probabilities.shape[1]), probabilities
        if probabilities.shape[1] == 2:
            members, scores = members[:, 1:], scores[:, 1:]
    return float(np.mean([_area(column, score) for column, score in zip(members.T, scores.T, strict=True)]))


def _area(members: Array, scores: Array) -> float:
    _, indices, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # Equal scores share the mean of their ranks.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[indices]
    n_members = int(members.sum())
    pairs = n_members * (len(members) - n_members)
    if pairs == 0:
        return float("nan")
    return float((ranks[members].sum() - n_members * (n_members + 1) / 2) / pairs)


def log_loss(y_true: Array, probabilities: Array) -> float:
    """−mean log P[y], P being kept within ε and 1 − ε of its type; of several labels a row, over them all."""
    probabilities = np.asarray(probabilities)
    tiny = np.finfo(probabilities.dtype).eps
    kept = np.clip(probabilities, tiny, 1 - tiny).astype(np.float64)
    if np.ndim(y_true) == 2:
        return float(-np.mean(np.log(np.where(np.asarray(y_true) > 0.5, kept, 1 - kept))))
    return float(-np.mean(np.log(kept[np.arange(len(kept)), y_true])))


def top_k_accuracy(y_true: Array, probabilities: Array, k: int) -> float:
    """Share of rows whose class is among the k most probable ones; of equal ones the first in order count."""
    probabilities = np.asarray(probabilities)
    own = probabilities[np.arange(len(probabilities)), y_true][:, None]
    before = np.arange(probabilities.shape[1]) < np.asarray(y_true)[:, None]
    rank = np.sum((probabilities > own) | ((probabilities == own) & before), axis=1)
    return float(np.mean(rank < k))


# ---- numbers ----------------------------------------------------------------------------------------------


def r2(y_true: Array, y_pred: Array) -> float:
    """1 − Σ(y−ŷ)²/Σ(y−ȳ)², mean of the outputs; a constant y counts 1 if predicted exactly, else 0."""
    true, predicted = _columns(y_true), _columns(y_pred)
    residual = np.sum((true - predicted) ** 2, axis=0)
    total = np.sum((true - true.mean(axis=0)) ** 2, axis=0)
    exact = np.where(residual == 0, 1.0, 0.0)
    return float(np.mean(np.where(total > 0, 1 - residual / np.where(total > 0, total, 1), exact)))


def mean_absolute_error(y_true: Array, y_pred: Array) -> float:
    """Mean of |y − ŷ| over rows and outputs."""
    return float(np.mean(np.abs(_columns(y_true) - _columns(y_pred))))


def mean_squared_error(y_true: Array, y_pred: Array) -> float:
    """Mean of (y − ŷ)² over rows and outputs."""
    return float(np.mean((_columns(y_true) - _columns(y_pred)) ** 2))


def root_mean_squared_error(y_true: Array, y_pred: Array) -> float:
    """Root of the mean over the rows of (y − ŷ)², then the mean of the outputs."""
    return float(np.mean(np.sqrt(np.mean((_columns(y_true) - _columns(y_pred)) ** 2, axis=0))))


def max_error(y_true: Array, y_pred: Array) -> float:
    """The largest |y − ŷ| of all rows and outputs."""
    return float(np.max(np.abs(_columns(y_true) - _columns(y_pred))))


def _columns(values: Array) -> Array:
    return np.asarray(values, np.float64).reshape(len(values), -1)


# ---- by name ----------------------------------------------------------------------------------------------


def _own(function: Callable[..., float], larger_is_better: bool, needs: str, *suits: str) -> OwnMetric:
    return OwnMetric(function.__name__, function, larger_is_better, needs, suits)


METRICS = {
    metric.name: metric
    for metric in (
        _own(accuracy, True, "labels", CLASSES, LABELS),
        _own(balanced_accuracy, True, "labels", CLASSES),
        _own(precision, True, "labels", CLASSES, LABELS),
        _own(recall, True, "labels", CLASSES, LABELS),
        _own(f1, True, "labels", CLASSES, LABELS),
        _own(roc_auc, True, "probabilities", CLASSES, LABELS),
        _own(log_loss, False, "probabilities", CLASSES, LABELS),
        _own(r2, True, "labels", NUMBERS),
        _own(mean_absolute_error, False, "labels", NUMBERS),
        _own(mean_squared_error, False, "labels", NUMBERS),
        _own(root_mean_squared_error, False, "labels", NUMBERS),
        _own(max_error, False, "labels", NUMBERS),
    )
}


def get(metric: Any) -> Metric:
    """The metric called so ("top_3_accuracy" with any number in it), or made of a function, or itself."""
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return next((own for own in METRICS.values() if own.function is metric), None) or Metric(
            _name_of(metric), metric
        )
    if isinstance(metric, str) and metric in METRICS:
        return METRICS[metric]
    found = re.fullmatch(r"top_([1-9]\d{0,8})_accuracy", metric) if isinstance(metric, str) else None
    if found:
        return OwnMetric(metric, partial(top_k_accuracy, k=int(found[1])), True, "probabilities", (CLASSES,))
    raise InputError(
        f"metrics holds {metric!r}; use {', '.join(map(repr, METRICS))}, 'top_3_accuracy', or a function "
        "(y_true, y_pred) -> number"
    )


def resolve(metrics: Any, *, kind: str, n_outputs: int) -> list[Metric]:
    """What train() measures for its argument `metrics`, or InputError for what the network cannot have.

    kind   "classifier", "multilabel" or "regression"      n_outputs   of the network
    Validation loss and accuracy are always measured, so "accuracy" is left out here.
    """
    if isinstance(metrics, str | Metric) or callable(metrics):
        metrics = (metrics,)
    if not isinstance(metrics, Iterable):
        raise InputError(f"metrics={metrics!r} must be a list of names and functions")
    found = [get(metric) for metric in metrics]
    taken = {"loss", "accuracy"}
    for metric in found:
        if isinstance(metric, OwnMetric):
            _check_suits(metric, kind, n_outputs)
        if metric.needs == "probabilities" and kind == NUMBERS:
            raise InputError(f"metric {metric.name!r} needs probabilities, which a regression has not")
        if metric.name in taken and metric is not METRICS["accuracy"]:
            raise InputError(
                f"metrics holds two called {metric.name!r} (loss and accuracy are always measured); give "
                "one another name with fastnn.metrics.Metric(name, function)"
            )
        taken.add(metric.name)
    return [metric for metric in found if metric is not METRICS["accuracy"]]


def _check_suits(metric: OwnMetric, kind: str, n_outputs: int) -> None:
    if kind not in metric.suits:
        usable = ", ".join(repr(own.name) for own in METRICS.values() if kind in own.suits)
        what = {CLASSES: "a classifier", LABELS: "a network of several labels a row", NUMBERS: "a regression"}
        raise InputError(f"metric {metric.name!r} is not for {what[kind]}; use {usable}, or a function")
    if isinstance(metric.function, partial) and metric.function.keywords["k"] >= n_outputs:
        raise InputError(
            f"metric {metric.name!r} would always be 1: there are {n_outputs} classes; take fewer"
        )


def _name_of(function: Any) -> str:
    name = getattr(function, "__name__", "<unnamed>")
    if name.startswith("<"):
        raise InputError(
            f"metrics holds {function!r}, which has no name; use fastnn.metrics.Metric(name, function)"
        )
    return name
