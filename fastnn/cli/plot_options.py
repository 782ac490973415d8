"""Options that several kinds of `fastnn plot` share, and writing the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from fastnn.cli.output import write_picture
from fastnn.errors import InputError

OutOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The picture to write: .png, .svg or .pdf.")
]
CountOption = Annotated[int, typer.Option("--count", metavar="N", min=1, help="How many, up to 100.")]
ShapeOption = Annotated[
    str | None,
    typer.Option("--shape", metavar="HxW", help="Height and width of images that are not square: 20x30."),
]
PositiveOption = Annotated[
    str | None,
    typer.Option(
        "--positive",
        metavar="LABEL",
        help="The class to set against the rest. Without: the second of two. Where rows have several labels, "
        "the number of one.",
    ),
]


def draw_to(out: Path, draw: Callable[..., object]) -> None:
    """Call `draw(path=out)`, and say so."""
    write_picture("--out", out, draw)
    print(f"picture written to {out}")


def shape_of(text: str | None) -> tuple[int, int] | None:
    """(height, width) of the option --shape, None where it was not given; or InputError."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise InputError(f"--shape {text!r} must be height and width, such as 20x30")
    return int(sides[0]), int(sides[1])
