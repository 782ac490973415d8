"""Arguments and options that several commands share, and reading their values."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from fastnn.errors import InputError
from fastnn.training import train

DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="digits, mnist, fashion-mnist, or a path: a CSV file, an .npz, or a folder of IDX files.",
        show_default=False,
    ),
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model file, from fastnn train --out.", show_default=False)
]
LabelOption = Annotated[
    str | None,
    typer.Option(
        "--label",
        metavar="COLUMN",
        help="The label's column in a CSV file: its name, or its number from 0 (-1 is the last). "
        'Without: the column "label", else the first.',
    ),
]
BackendOption = Annotated[
    str,
    typer.Option(
        "--backend", metavar="NAME", help="numba, numpy, or auto: numba where it works, else numpy."
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="NAME",
        help="train, test, or all. Without: test where the data have one, else all rows.",
    ),
]


def default_of(option: str) -> Any:
    """The default of `fastnn.train`'s argument, so that the command line never says another."""
    return inspect.signature(train).parameters[option].default


def number_or_word(option: str, value: str, kind: type[int] | type[float], *words: str) -> int | float | str:
    """`value` as a number, or as it is when it is one of `words`."""
    if value in words:
        return value
    try:
        return kind(value)
    except ValueError:
        number = "a whole number" if kind is int else "a number"
        raise InputError(f"{option} {value!r} must be {number}, or {' or '.join(words)}") from None
