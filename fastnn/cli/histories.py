"""Reads the history of a training from a file: a model, a checkpoint, or a CSV file of `callbacks.CSVLog`."""

from __future__ import annotations

import csv
from pathlib import Path

from fastnn import model_file
from fastnn.datasets.csv_layout import is_number
from fastnn.errors import DataError, InputError
from fastnn.history import History


def read(path: Path) -> History:
    """The history in a file; DataError, ModelFileError or InputError where there is none."""
    if path.suffix.lower() == ".csv":
        return from_csv(path)
    history = model_file.load(path, backend="numpy").history
    if not history.n_epochs:
        raise InputError(f"{path} holds no history, so there are no curves to draw")
    return history


def from_csv(path: Path) -> History:
    """What `callbacks.CSVLog` wrote: a header "epoch,loss,…", then a row of numbers for each epoch."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in columns"
        raise DataError(f"{path} cannot be read: {reason}") from None
    if header[:1] != ["epoch"] or len(set(header)) != len(header):
        raise DataError(f"{path} is no record of a training: its first line must be epoch,loss,…")
    if not rows:
        raise DataError(f"{path} holds no epochs yet")
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header) or not all(is_number(cell) for cell in row):
            raise DataError(f"{path}, line {line}: must be {len(header)} numbers, as the first line says")
    numbers = [[float(cell) for cell in row] for row in rows]
    history = History()
    columns = dict(zip(header, map(list, zip(*numbers, strict=True)), strict=True))
    epochs = columns.pop("epoch")
    if epochs != list(range(1, len(rows) + 1)):
        raise DataError(f"{path}: its epochs must be 1, 2, 3 and so on")
    history.carry_on(columns, None)
    return history
