"""What a CSV file looks like: its separator, whether it has a header, which column is the label."""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fastnn.errors import DataError, InputError

SEPARATORS = ("\t", ";", ",")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})


@dataclass(frozen=True)
class Layout:
    """How to read the rows of one file."""

    path: Path
    separator: str
    n_columns: int
    names: tuple[str, ...] | None  # the header's cells; None without a header
    label: int | None  # the label's column, counted from 0; None when every column is a feature

    def where(self, line: int, column: int) -> str:
        """Name a cell for an error message; `line` and `column` count from 1."""
        name = f" ({self.names[column - 1]!r})" if self.names else ""
        return f"{self.path}, line {line}, column {column}{name}"


def cells_of(line: str, separator: str) -> list[str]:
    """Split one line, quotes respected, blanks around the cells removed."""
    cells = line.split(separator)
    if '"' in line:
        # Never csv.Error: a quote that is not closed may run into the module's limit on a cell's length.
        with suppress(csv.Error):
            cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    return [cell.strip() for cell in cells]


def layout_of(
    path: Path, lines: Sequence[str], label: str | int | None = None, n_features: int | None = None
) -> Layout:
    """Work out a file's layout from its first two lines that are not blank.

    label        the label's column: its name in the header, or its number (from 0; -1 is the last);
                 None: the column named "label", else the first
    n_features   how many features are expected: a file of just so many columns has no label;
                 None: the file has a label
    Errors       InputError for a label that is not there; DataError for a file that does not fit
    """
    separator = _separator(lines[0])
    first, second = (cells_of(line, separator) for line in (lines[0], lines[min(1, len(lines) - 1)]))
    if isinstance(label, str) and label not in first and re.fullmatch(r"-?\d+", label):
        label = int(label)  # the command line hands over numbers as text
    names = tuple(first) if _is_header(first, second, label) else None
    if names and "" in names:
        raise DataError(
            f"{path}, line 1, column {names.index('') + 1}: has no name (a pandas index?); "
            "write the file with index=False, or name the column"
        )
    unlabelled = label is None and n_features is not None and len(first) == n_features
    column = None if unlabelled else _label_column(path, names, len(first), label)
    _check_width(path, len(first), column, n_features)
    return Layout(path, separator, len(first), names, column)


def _separator(line: str) -> str:
    """Choose tab, then semicolon, then comma: beside decimal commas another one separates."""
    return next((s for s in SEPARATORS if len(cells_of(line, s)) > 1), ",")


def _is_header(first: list[str], second: list[str], label: str | int | None) -> bool:
    """Tell names from values. A first row that mixes both is data, so that a bad cell is not swallowed."""
    if isinstance(label, str) and label in first:
        return True
    if not any(is_number(cell) for cell in first) and any(_is_name(cell) for cell in first):
        return True
    if "label" in (cell.lower() for cell in first):  # label,0,1,2,… as pandas writes unnamed columns
        return True
    column = label if isinstance(label, int) and -len(first) <= label < len(first) else 0
    return _is_name(first[column]) and column < len(second) and is_number(second[column])


def _label_column(path: Path, names: tuple[str, ...] | None, n_columns: int, label: str | int | None) -> int:
    if label is None:
        return _default_label(path, names)
    if isinstance(label, str):
        if names and label in names:
            return names.index(label)
        columns = f"columns {', '.join(names[:8])}{' …' if len(names) > 8 else ''}" if names else "no header"
        raise InputError(f"label={label!r}: no such column in {path}, which has {columns}")
    if not -n_columns <= label < n_columns:
        raise InputError(f"label={label!r}: {path} has {n_columns} columns, numbered 0 to {n_columns - 1}")
    return label % n_columns


def _default_label(path: Path, names: tuple[str, ...] | None) -> int:
    if names is None:
        return 0
    lowered = [name.lower() for name in names]
    if "label" in lowered:
        return lowered.index("label")
    # pixel0,pixel1,…: taking the first pixel for the label would train nonsense without a word.
    if len(names) > 1 and re.sub(r"\d+", "#", lowered[0]) == re.sub(r"\d+", "#", lowered[1]):
        raise DataError(
            f"{path}: no column is named 'label', and {names[0]!r} looks like a feature; "
            "give label= a column's name or number"
        )
    return 0


def _check_width(path: Path, n_columns: int, column: int | None, n_features: int | None) -> None:
    n_found = n_columns - (column is not None)
    if n_features is not None and n_found != n_features:
        raise DataError(
            f"{path}: has {n_columns} columns; {n_features} features are needed "
            f"({n_features} columns, or {n_features + 1} with a label)"
        )
    if n_found == 0:
        raise DataError(f"{path}: has one column only; a label and at least one feature are needed")


def is_number(cell: str) -> bool:
    """Whether a cell is a number as Python writes it, "nan" and "inf" among them."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_name(cell: str) -> bool:
    return not is_number(cell) and cell.lower() not in MISSING
