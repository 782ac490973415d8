"""The part of a report with the worst predictions: images as pictures, rows of tables as a table."""

from __future__ import annotations

import numpy as np

from fastnn.backends import Array
from fastnn.plots.pixels import grey_range
from fastnn.report.markup import Element, element, per_cent, section, table
from fastnn.report.pictures import image_address
from fastnn.report.subject import Subject

# Columns of a table that are shown beside a mistake.
MOST_FEATURES = 8
MOST_LABELS = 12


def of_mistakes(subject: Subject, count: int) -> Element:
    """Up to `count` of them, the worst first."""
    rows, n_wrong = worst(subject)
    chosen = rows[:count]
    if not len(chosen):
        words = f"There are none: all {subject.n_rows:,} rows are predicted right."
        return section("Mistakes", element("p", words), anchor="mistakes")
    title = "Largest errors" if subject.regression else "Mistakes"
    words = _announced(subject, len(chosen), n_wrong)
    shown = _table(subject, chosen, words) if subject.shape is None else _tiles(subject, chosen, words)
    return section(title, shown, anchor="mistakes")


def worst(subject: Subject) -> tuple[Array, int]:
    """(row numbers, the worst first; how many rows are wrong).

    Of classes the wrong rows, by how sure the model was of its answer; of several labels a row those with
    a wrong one, by how many are; of regressions all rows, by the distance of outputs and targets.
    """
    if subject.regression:
        badness = np.sqrt(np.sum((subject.outputs - subject.true).astype(np.float64) ** 2, axis=1))
        return np.argsort(-badness, kind="stable"), len(badness)
    if subject.model.multilabel:
        badness = np.sum(subject.predicted != subject.true, axis=1).astype(np.float64)
        wrong = badness > 0
    else:
        badness, wrong = subject.outputs.max(axis=1), subject.predicted != subject.true
    rows = np.flatnonzero(wrong)
    return rows[np.argsort(-badness[rows], kind="stable")], len(rows)


def _announced(subject: Subject, n_shown: int, n_wrong: int) -> str:
    if subject.regression:
        return f"The {n_shown:,} rows of {n_wrong:,} whose predictions are farthest off"
    how = "rows with most wrong labels" if subject.model.multilabel else "surest wrong answers"
    some = f"these are the {n_shown:,} {how}" if n_shown < n_wrong else f"the {how} first"
    return f"{n_wrong:,} of {subject.n_rows:,} rows {'is' if n_wrong == 1 else 'are'} wrong, {some}"


def _tiles(subject: Subject, rows: Array, words: str) -> list[Element]:
    assert subject.shape is not None
    images = subject.table[rows].reshape(-1, *subject.shape)
    low, high = grey_range(images)
    tiles = []
    for row, image in zip(rows.tolist(), images, strict=True):
        predicted, true = _answers(subject, row)
        tiles.append(
            element(
                "li",
                element(
                    "figure",
                    element(
                        "img",
                        src=image_address(image, low, high),
                        alt=f"Image of row {row}: predicted {predicted}, true {true}",
                        width=subject.shape[1],
                        height=subject.shape[0],
                    ),
                    element(
                        "figcaption",
                        element("span", predicted, class_="wrong"),
                        element("br"),
                        f"true: {true}",
                        element("br"),
                        element("span", f"row {row}", class_="soft"),
                    ),
                ),
            )
        )
    caption = element("p", f"{words}. In colour is what was predicted. Rows count from 0.")
    return [caption, element("ul", tiles, class_="tiles")]


def _table(subject: Subject, rows: Array, words: str) -> Element:
    columns = range(min(subject.table.shape[1], MOST_FEATURES))
    header = ("row", "predicted", "true", *(subject.feature_name(column) for column in columns))
    left_out = subject.table.shape[1] - len(columns)
    cells = [
        (str(row), *_answers(subject, row), *(f"{subject.table[row, column]:.4g}" for column in columns))
        for row in rows.tolist()
    ]
    more = f", with the first {len(columns)} features" if left_out else ""
    caption = f"{words}{more}; rows count from 0"
    return table(header, cells, caption=caption, words=() if subject.regression else (1, 2))


def _answers(subject: Subject, row: int) -> tuple[str, str]:
    """(what was predicted, what is true) as texts; of a class with its probability."""
    if subject.regression:
        return _numbers(subject.outputs[row]), _numbers(subject.true[row])
    names = subject.class_names
    if subject.model.multilabel:
        return _labels(names, subject.predicted[row]), _labels(names, subject.true[row])
    predicted, true = int(subject.predicted[row]), int(subject.true[row])
    chances = subject.outputs[row]
    return (
        f"{names[predicted]} ({per_cent(chances[predicted])})",
        f"{names[true]} ({per_cent(chances[true])})",
    )


def _numbers(values: Array) -> str:
    return ", ".join(f"{value:.4g}" for value in values[:MOST_LABELS]) + (
        "…" if len(values) > MOST_LABELS else ""
    )


def _labels(names: list[str], flags: Array) -> str:
    found = [names[place] for place in np.flatnonzero(flags == 1)]
    if not found:
        return "none"
    return ", ".join(found[:MOST_LABELS]) + ("…" if len(found) > MOST_LABELS else "")
