"""Loads DATA for a command: the part to train on, the part to test on, and what to call them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastnn import datasets
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs import REGRESSION_LOSSES, loss_for

# Held out of files that have no test part of their own.
TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Rows:
    """Some rows of a data set, and words for them: "digits, test part"."""

    X: Array
    y: Array
    name: str


def is_regression(y: Array, loss: str) -> bool:
    """Whether `fastnn.train` will take these targets for a regression."""
    return (loss_for(y) if loss == "auto" else loss) in REGRESSION_LOSSES


def for_training(
    data: str, *, label: str | None, test: float | None, loss: str, seed: int
) -> tuple[Rows, Rows | None]:
    """(rows to train on, rows to test on): the data's own parts, or a fraction `test` held out."""
    if "test" in datasets.splits(data):
        if test is not None:
            raise InputError(f"--test {test:g}: {data} has a test part of its own; leave --test out")
        return (
            Rows(*datasets.load(data, "train", label=label), f"{short(data)}, training part"),
            Rows(*datasets.load(data, "test", label=label), f"{short(data)}, test part"),
        )
    fraction = TEST_FRACTION if test is None else test
    if not 0 <= fraction < 1:
        raise InputError(f"--test {fraction:g} must be a fraction of the rows, from 0 to below 1")
    X, y = datasets.load(data, label=label)
    regression = is_regression(y, loss)
    if not regression and y.ndim == 1 and len(y) > 2 and len(np.unique(y)) == len(y):
        raise InputError(
            f"{data}: no two of its {len(y)} labels are the same, so they are no classes; choose another "
            "column with --label, or say --loss squared_error for a regression"
        )
    if fraction == 0:
        return Rows(X, y, f"{short(data)}, all rows"), None
    X, y, X_test, y_test = datasets.split(X, y, fraction, seed, stratify=not regression)
    return Rows(X, y, short(data)), Rows(X_test, y_test, f"{short(data)}, held out (--test {fraction:g})")


def for_testing(data: str, *, split: str | None, label: str | None, pixels: bool) -> Rows:
    """The rows to evaluate a model on: the test part where there is one, else everything.

    pixels   whether the model was trained on grey levels (uint8): the values in a file do not always tell
    """
    if split is None:
        split = "test" if "test" in datasets.splits(data) else "all"
    X, y = datasets.load(data, split, label=label, pixels=pixels)
    words = "all rows" if split == "all" else f"{split} part" if split == "test" else "training part"
    return Rows(X, y, f"{short(data)}, {words}")


def told_of(data: str, rows: Rows, test: float | None) -> dict[str, str | int]:
    """What a model keeps of the data it was trained on: their name, and the fraction held out of them."""
    if "test" in datasets.splits(data):
        return {"name": rows.name}
    return {"name": rows.name, "held_out": repr(TEST_FRACTION if test is None else test)}


def short(data: str) -> str:
    """The name of a data set, or of the file without its folders."""
    return data if data in datasets.names() else Path(data).name or data
