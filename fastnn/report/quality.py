"""The part of a report on how good the predictions are: class by class, or output by output."""

from __future__ import annotations

from functools import partial

import numpy as np

from fastnn import metrics, plots, reports
from fastnn.backends import Array
from fastnn.report.markup import Element, element, facts, per_cent, section, table
from fastnn.report.pictures import drawn
from fastnn.report.subject import Subject

# A confusion matrix of more classes is no table that anybody reads; the confusions are listed anyway.
MOST_CLASSES = 30
MOST_CONFUSIONS = 10
# Drawn at most: the outputs of a regression that plots.residuals shows in one picture.
MOST_OUTPUTS = 4


def of_predictions(subject: Subject) -> list[Element]:
    """The sections for this kind of model."""
    if subject.regression:
        return [_of_regression(subject)]
    if subject.model.multilabel:
        return [section("Labels", _labels_table(subject), _two_classes(subject), anchor="classes")]
    return [_confusion(subject), section("Classes", _classes(subject), anchor="classes")]


def shares(right: Array, predicted: Array, support: Array) -> list[tuple[str, str, str, int]]:
    """(precision, recall, F1, rows) of each class from counts (k,); "–" for what is not defined.

    Maths    precision = right/predicted, recall = right/support, F1 = 2 right/(predicted + support)
    """
    pairs = ((right, predicted), (right, support), (2 * right, predicted + support))
    columns = [[_share(part, whole) for part, whole in zip(*pair, strict=True)] for pair in pairs]
    return [(*row, int(n)) for *row, n in zip(*columns, support, strict=True)]


def _share(part: float, whole: float) -> str:
    """A share in per cent, "–" of nothing."""
    return per_cent(part / whole) if whole else "–"


def _classes(subject: Subject) -> list[Element]:
    matrix = _matrix(subject)
    right, predicted, support = np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    named_shares = zip(subject.class_names, shares(right, predicted, support), strict=True)
    rows = [(name, *told) for name, told in named_shares]
    header = ("class", "precision", "recall", "F1", "rows")
    means = facts(
        (name, per_cent(measure(subject.true, subject.predicted), 2))
        for name, measure in (
            ("mean precision", metrics.precision),
            ("mean recall", metrics.recall),
            ("mean F1", metrics.f1),
        )
    )
    return [table(header, rows, caption="Each class"), means, *_two_classes(subject)]


def _labels_table(subject: Subject) -> list[Element]:
    true, predicted = subject.true == 1, subject.predicted == 1
    right = np.sum(true & predicted, axis=0)
    found = shares(right, predicted.sum(axis=0), true.sum(axis=0))
    rows = [(name, *told) for name, told in zip(subject.class_names, found, strict=True)]
    all_right = np.sum(np.all(true == predicted, axis=1))
    told = facts(
        [
            ("rows with every label right", f"{all_right:,} of {len(true):,}"),
            ("labels right", per_cent(float(np.mean(true == predicted)), 2)),
        ]
    )
    return [told, table(("label", "precision", "recall", "F1", "rows"), rows, caption="Each label")]


def _confusion(subject: Subject) -> Element:
    matrix, names = _matrix(subject), subject.class_names
    n_right, n_rows = int(np.trace(matrix)), subject.n_rows
    words = "Rows of the data by class: a row for each true class, a column for each predicted one"
    content = [
        drawn(
            partial(plots.confusion_matrix, subject.model, subject.X, subject.y),
            text=f"Confusion matrix of {len(names)} classes: {n_right:,} of {n_rows:,} rows are right. "
            "The tables below say the same.",
            caption="Confusion matrix: true classes down, predicted ones across",
        ),
        _confusions(matrix, names),
    ]
    if len(names) <= MOST_CLASSES:
        rows = [(name, *counts) for name, counts in zip(names, matrix.tolist(), strict=True)]
        counts = table(("true", *names), rows, caption=words)
        content.append(element("details", element("summary", "The matrix as a table"), counts))
    return section("Confusion matrix", content, anchor="confusion")


def _confusions(matrix: Array, names: list[str]) -> Element | None:
    """The pairs of classes that are confused most often."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    pairs = [np.unravel_index(place, wrong.shape) for place in order if wrong.flat[place]]
    if not pairs:
        return None
    support = matrix.sum(axis=1)
    rows = [(names[t], names[p], int(wrong[t, p]), _share(int(wrong[t, p]), support[t])) for t, p in pairs]
    header = ("true class", "taken for", "rows", "share of the class")
    return table(header, rows, caption="The most frequent mistakes", words=(1,))


def _two_classes(subject: Subject) -> list[Element]:
    """ROC and calibration, where there is one class and the rest."""
    n_classes = subject.model.sizes[-1]
    if n_classes != (1 if subject.model.multilabel else 2):
        return []
    of = (subject.model, subject.X, subject.y)
    area = "rises from the lower left to the upper right; the nearer to the upper left, the better"
    drawings = [
        drawn(partial(plots.roc, *of), text=f"ROC curve: it {area}.", caption="ROC curve"),
        drawn(
            partial(plots.calibration, *of),
            text="Predicted probabilities against the share of rows that are of the class.",
            caption="Calibration: on the diagonal, probabilities are what they say",
        ),
    ]
    return [element("div", drawings, class_="side-by-side")]


def _of_regression(subject: Subject) -> Element:
    measures = (
        ("R²", metrics.r2),
        ("mean absolute error", metrics.mean_absolute_error),
        ("root mean squared error", metrics.root_mean_squared_error),
        ("largest error", metrics.max_error),
    )
    rows = [
        (
            name,
            *(f"{measure(subject.true[:, place], subject.outputs[:, place]):.4g}" for _, measure in measures),
        )
        for place, name in enumerate(subject.class_names)
    ]
    content = [
        facts([("loss", reports.LOSSES[subject.model.loss_name])]),
        table(("", *(name for name, _ in measures)), rows, caption="Each output"),
    ]
    outputs = [None] if len(rows) <= MOST_OUTPUTS else list(range(MOST_OUTPUTS))
    content += [
        drawn(
            partial(plots.residuals, subject.model, subject.X, subject.y, output=output),
            text="Predictions against the truth, and residuals against predictions. The table above has the "
            "errors in numbers.",
            caption="Residuals" if output is None else f"Residuals of {subject.class_names[output]}",
        )
        for output in outputs
    ]
    if len(rows) > MOST_OUTPUTS:
        words = f"Drawn are the first {MOST_OUTPUTS} of {len(rows)} outputs."
        content.append(element("p", words, class_="soft"))
    return section("Errors", content, anchor="errors")


def _matrix(subject: Subject) -> Array:
    return reports.confusion_matrix(subject.true, subject.predicted, len(subject.class_names))
