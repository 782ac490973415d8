"""Reader for CSV tables such as Kaggle's digits (label,pixel0,…): numbers by NumPy's C parser."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.csv_layout import MISSING, Layout, cells_of, layout_of
from fastnn.datasets.files import read_text
from fastnn.datasets.values import as_features, looks_like_pixels
from fastnn.errors import DataError

# An array of text has the width of its longest for all: it may take so many bytes, and so many a letter more.
TEXT_BYTES, TEXT_TIMES = 1 << 24, 64
# (line number in the file, counted from 1; its text)
Line = tuple[int, str]


def read_csv(
    path: Path, label: str | int | None = None, pixels: bool | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read a table with labels.

    Shapes   X (n, columns - 1): uint8 for pixels (whole numbers 0..255, some above 127), else float64;
             y (n,): int64 for whole numbers, float64 for others, str for text
    label    the label's column by name or number; None: the column "label", else the first
    pixels   True or False decides on uint8 instead of the values (see values.as_features)
    Errors   DataError naming file, line and column; InputError for a `label` that is not there
    """
    X, y = _read(path, label, None, pixels)
    assert y is not None
    return X, y


def read_csv_features(
    path: Path, n_features: int, label: str | int | None = None, pixels: bool | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read a table for a model of `n_features` inputs: with n_features columns, or one more for labels.

    Shapes   X (n, n_features), y (n,) or None where the file has no label column
    Errors   as `read_csv`; DataError for any other number of columns
    """
    return _read(path, label, n_features, pixels)


def feature_names(path: Path, label: str | int | None = None) -> list[str] | None:
    """What the columns of `read_csv`'s X are called, or None for a file without a header.

    Errors   as `read_csv`
    """
    lines = [line for line in _lines(read_text(path)) if line.strip()]
    if not lines:
        raise DataError(f"{path}: the file is empty")
    layout = layout_of(path, lines[:2], label)
    if layout.names is None:
        return None
    return [name for column, name in enumerate(layout.names) if column != layout.label]


def _read(
    path: Path, label: str | int | None, n_features: int | None, pixels: bool | None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    lines = [(number, line) for number, line in enumerate(_lines(read_text(path)), 1) if line.strip()]
    if not lines:
        raise DataError(f"{path}: the file is empty")
    layout = layout_of(path, [line for _, line in lines[:2]], label, n_features)
    if layout.names is not None:
        del lines[0]
    if not lines:
        raise DataError(f"{path}: has a header but no rows")
    labels, rows = _take_labels(layout, lines)
    X = as_features(_numbers(layout, lines, rows, pixels), pixels, path)
    return X, None if layout.label is None else _labels(layout, lines, labels)


def _lines(text: str) -> list[str]:
    """Split at line ends only: str.splitlines would also split at form feeds and the like."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _take_labels(layout: Layout, lines: Sequence[Line]) -> tuple[list[str], list[str]]:
    """Part every line into its label and the features' text, and check the number of cells."""
    labels, rows = [], []
    separator, column = layout.separator, layout.label
    for number, line in lines:
        if '"' in line:
            cells = cells_of(line, separator)
            n_cells = len(cells)
            label = cells.pop(column) if column is not None and column < n_cells else ""
            row = separator.join(cells)
        else:
            n_cells = line.count(separator) + 1
            label, row = ("", line) if column is None else _cut(line, separator, column)
        if n_cells != layout.n_columns:
            raise DataError(
                f"{layout.path}, line {number}: {n_cells} cells, the first line has {layout.n_columns}"
            )
        labels.append(label.strip())
        rows.append(row)
    return labels, rows


def _cut(line: str, separator: str, column: int) -> tuple[str, str]:
    """Take one cell out of a line; the ends are the usual case and need no full split."""
    if column == 0:
        label, _, row = line.partition(separator)
        return label, row
    before = line.split(separator, column)
    label, comma, after = before.pop().partition(separator)
    return label, separator.join(before) + comma * bool(before) + after


def _numbers(layout: Layout, lines: Sequence[Line], rows: list[str], pixels: bool | None) -> NDArray[Any]:
    """Parse the features: as uint8 where that holds them (twice as fast, an eighth of the memory)."""
    if pixels is not False:
        try:
            X = _parse(layout, rows, np.uint8)
        except ValueError:
            pass
        else:
            return X if pixels or looks_like_pixels(X) else X.astype(np.float64)
    try:
        X = _parse(layout, rows, np.float64)
    except ValueError:
        raise _bad_cell(layout, lines) from None
    if not np.isfinite(X).all():
        raise _bad_cell(layout, lines)
    return X.astype(np.uint8) if pixels is None and looks_like_pixels(X) else X


def _parse(layout: Layout, rows: list[str], dtype: type[np.generic]) -> NDArray[Any]:
    if not all(rows):
        raise ValueError("a row without a value")  # loadtxt would skip it
    X = np.loadtxt(rows, delimiter=layout.separator, dtype=dtype, comments=None, ndmin=2)
    if len(X) != len(rows):
        raise ValueError("a row without a value")
    return X


def _bad_cell(layout: Layout, lines: Sequence[Line]) -> DataError:
    """Find the cell that kept the table from being read. Slow, but it runs once, before the end."""
    for number, line in lines:
        for column, cell in enumerate(cells_of(line, layout.separator)):
            if column == layout.label:
                continue
            problem = _problem(layout, column, cell)
            if problem:
                return DataError(f"{layout.where(number, column + 1)}: {problem}")
    return DataError(f"{layout.path}: a cell is not a number")


def _problem(layout: Layout, column: int, cell: str) -> str:
    if cell.lower() in MISSING:
        return "missing value; fill it in or leave the row out"
    try:
        value = float(cell.replace("_", "?"))  # Python reads 1_000, NumPy does not
    except ValueError:
        column_name = repr(layout.names[column]) if layout.names else column
        return f"{cell[:40]!r} is not a number (if this is the label's column, say label={column_name})"
    return "" if np.isfinite(value) else f"{cell[:40]!r} is not a finite number"


def _labels(layout: Layout, lines: Sequence[Line], labels: list[str]) -> NDArray[Any]:
    """Turn the label column into int64 (whole numbers, however written), float64, or strings."""
    assert layout.label is not None
    for (number, _), label in zip(lines, labels, strict=True):
        if label.lower() in MISSING:
            raise DataError(f"{layout.where(number, layout.label + 1)}: missing label; leave the row out")
    _check_widths(layout, lines, labels)
    text = np.array(labels)
    try:
        return text.astype(np.int64)
    except (ValueError, OverflowError):
        pass
    try:
        y = text.astype(np.float64)
    except ValueError:
        return text
    if not np.isfinite(y).all():
        number = lines[int(np.flatnonzero(~np.isfinite(y))[0])][0]
        raise DataError(f"{layout.where(number, layout.label + 1)}: the label is not a finite number")
    whole = (y == np.rint(y)).all() and np.abs(y).max() < 2**53
    return y.astype(np.int64) if whole else y


def _check_widths(layout: Layout, lines: Sequence[Line], labels: list[str]) -> None:
    """DataError for a label so long that all of them, in an array, would take far more than the file."""
    lengths = [len(label) for label in labels]
    if 4 * max(lengths) * len(labels) > TEXT_BYTES + TEXT_TIMES * sum(lengths):
        number, _ = lines[lengths.index(max(lengths))]
        assert layout.label is not None
        raise DataError(
            f"{layout.where(number, layout.label + 1)}: the label has {max(lengths)} characters; is another "
            "column the label? Give label= its name or number"
        )
