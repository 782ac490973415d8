"""How good a model is, class by class: confusion matrix, precision, recall; and all as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.network import Network

# Longer class names are cut in tables, or the confusion matrix would not fit any screen.
LONGEST_NAME = 16


# What a regression's loss is called in a report.
LOSSES = {
    "squared_error": "half the squared error",
    "absolute_error": "absolute error",
    "huber": "Huber",
    "poisson": "Poisson",
}


def confusion_matrix(true: Array, predicted: Array, n_classes: int) -> Array:
    """Count rows by class: [i, j] is how many of true class i were predicted as j.

    Shapes   true, predicted (n,) of class indices -> (n_classes, n_classes) int64
    """
    cells = np.bincount(true * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def precision_recall(matrix: Array) -> tuple[Array, Array, Array]:
    """Precision, recall and support of each class; NaN where nothing was predicted, or nothing is there.

    Shapes   matrix (k, k) from `confusion_matrix` -> three times (k,)
    Maths    precision_j = m_jj / Σ_i m_ij,  recall_i = m_ii / Σ_j m_ij,  support_i = Σ_j m_ij
    """
    correct, support = np.diagonal(matrix), matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return correct / matrix.sum(axis=0), correct / support, support


def headline(model: Network, X: Any, y: Any) -> str:
    """One number with its name: "accuracy 97.22 %", "R² 0.8731", or the loss where R² is not defined."""
    if model.classes is not None:
        return f"accuracy {100 * model.score(X, y):.2f} %"
    try:
        return f"R² {model.score(X, y):.4f}"
    except InputError:
        # y is constant (one test row, say); a wrong y fails in loss() again, and there it is not caught.
        return f"loss {model.loss(X, y):.4g}"


def report(model: Network, X: Any, y: Any) -> str:
    """Everything `fastnn evaluate` says about a model on these rows, as text."""
    if model.classes is None:
        return _regression_report(model, X, y)
    if model.multilabel:
        return _labels_report(model, X, y)
    loss, accuracy = model.evaluate(X, y)
    true = model.checked_targets(y, len(X))
    matrix = confusion_matrix(true, model.predict_proba(X).argmax(axis=1), len(model.classes))
    return "\n".join(
        [
            f"accuracy  {100 * accuracy:.2f} % ({np.trace(matrix)} of {len(true)} rows)",
            f"loss      {loss:.4f}",
            "",
            class_table(matrix, model.classes),
            "",
            "confusion matrix (a row for each true class, a column for each predicted one)",
            "",
            confusion_table(matrix, model.classes),
        ]
    )


def label_table(true: Array, predicted: Array) -> str:
    """A line for each label of rows that may have several: precision, recall, support.

    Shapes   true, predicted (n, n_labels) of 0 and 1
    """
    right = np.sum((true == 1) & (predicted == 1), axis=0)
    support = np.sum(true == 1, axis=0)
    with np.errstate(invalid="ignore"):
        shares = right / np.sum(predicted == 1, axis=0), right / support
    rows = [
        [str(label), _percent(p), _percent(r), str(n)]
        for label, (p, r, n) in enumerate(zip(*shares, support, strict=True))
    ]
    return _aligned([["label", "precision", "recall", "support"], *rows])


def class_table(matrix: Array, classes: Sequence[Any] | Array) -> str:
    """A line for each class: precision, recall, support; "-" where a share is not defined."""
    precision, recall, support = precision_recall(matrix)
    rows = [
        [name, _percent(p), _percent(r), str(n)]
        for name, p, r, n in zip(_names(classes), precision, recall, support, strict=True)
    ]
    return _aligned([["class", "precision", "recall", "support"], *rows])


def confusion_table(matrix: Array, classes: Sequence[Any] | Array) -> str:
    """The confusion matrix with its class names, true classes down and predicted ones across."""
    names = _names(classes)
    rows = [[name, *map(str, counts)] for name, counts in zip(names, matrix.tolist(), strict=True)]
    return _aligned([["", *names], *rows])


def _labels_report(model: Network, X: Any, y: Any) -> str:
    loss, accuracy = model.evaluate(X, y)
    true = model.checked_targets(y, len(X))
    predicted = model.predict(X).reshape(true.shape)
    n_right = np.sum(np.all(true == predicted, axis=1))
    return "\n".join(
        [
            f"accuracy  {100 * accuracy:.2f} % ({n_right} of {len(true)} rows with every label right)",
            f"labels    {100 * np.mean(true == predicted):.2f} % right",
            f"loss      {loss:.4f}",
            "",
            label_table(true, predicted),
        ]
    )


def _regression_report(model: Network, X: Any, y: Any) -> str:
    outputs = model.predict(X)
    targets = np.asarray(y, dtype=np.float64).reshape(outputs.shape)
    name, _, value = headline(model, X, y).partition(" ")
    lines = [] if name == "loss" else [f"{name:19}  {value}"]
    lines.append(f"{'loss':19}  {model.loss(X, y):.4g} ({LOSSES[model.loss_name]})")
    lines.append(f"{'mean absolute error':19}  {np.abs(outputs - targets).mean():.4g}")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f} %"


def _names(classes: Sequence[Any] | Array) -> list[str]:
    names = [" ".join(str(label).split()) for label in classes]
    return [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in names]


def _aligned(rows: list[list[str]]) -> str:
    """Columns as wide as their widest cell; the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
