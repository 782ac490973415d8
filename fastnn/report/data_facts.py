"""The part of a report about the data: which rows these are, what is in them, what was trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fastnn.backends import Array
from fastnn.report.markup import Element, element, facts, per_cent, section, table
from fastnn.report.subject import Subject
from fastnn.trainer.record_of_training import data_digests

# Of tables with more columns, the first ones are described.
MOST_FEATURES = 40


def of_data(subject: Subject) -> Element:
    """Rows, features, values; of tables each feature, of regressions the targets."""
    X = subject.table
    told = facts(
        [
            ("data", subject.data),
            ("rows", subject.n_rows),
            ("features", _features(subject)),
            ("values", f"{X.dtype}, from {X.min():.6g} to {X.max():.6g}"),
            ("zeros", f"{per_cent(float(np.mean(X == 0)))} of the values"),
            ("constant features", _n_constant(X)),
            ("digests", _digests(data_digests(subject.table, subject.true))),
        ]
    )
    content: list[Element] = [told]
    if subject.seen_in_training:
        words = "The model was trained on these very rows: how well it does here says little about new ones."
        content.append(element("p", words, class_="note"))
    if subject.about_data:
        content.append(element("p", subject.about_data, class_="soft"))
    content.append(_of_training(subject))
    if subject.regression:
        content.append(_statistics("Targets", subject.class_names, subject.true))
    if subject.shape is None:
        n_shown = min(X.shape[1], MOST_FEATURES)
        names = [subject.feature_name(column) for column in range(n_shown)]
        more = f", the first {n_shown} of {X.shape[1]}" if n_shown < X.shape[1] else ""
        content.append(_statistics(f"Features{more}", names, X[:, :n_shown]))
    return section("Data", content, anchor="data")


def _features(subject: Subject) -> str:
    if subject.shape is None:
        return f"{subject.table.shape[1]:,}"
    height, width = subject.shape
    return f"{subject.table.shape[1]:,}: images of {height} × {width} pixels"


def _n_constant(X: Array) -> int:
    return int(np.sum(X.min(axis=0) == X.max(axis=0)))


def _digests(digests: Mapping[str, str | int]) -> str | None:
    return ", ".join(f"{name}\u00a0{digests[name]}" for name in ("X", "y") if name in digests) or None


def _of_training(subject: Subject) -> Element:
    """What the model's record says about the rows that it was trained on."""
    origin = subject.model.history.origin
    if origin is None:
        words = "The model has no record of the rows that it was trained on."
        return element("p", words, class_="soft")
    data = origin.data
    told = facts(
        [
            ("name", data.get("name")),
            ("rows", data.get("rows")),
            ("of them used", data.get("part")),
            ("features", data.get("features")),
            ("type", data.get("dtype")),
            ("digests", _digests(data)),
        ]
    )
    return element("div", element("h3", "Trained on"), told)


def _statistics(caption: str, names: list[str], values: Array) -> Element:
    """A row of numbers for each column of `values`."""
    columns = values.astype(np.float64)
    measured = [columns.min(axis=0), columns.mean(axis=0), columns.max(axis=0), columns.std(axis=0)]
    rows = [
        (name, *(f"{value:.4g}" for value in numbers))
        for name, *numbers in zip(names, *measured, strict=True)
    ]
    return table(("name", "least", "mean", "largest", "deviation"), rows, caption=caption)
