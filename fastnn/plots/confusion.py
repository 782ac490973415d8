"""The confusion matrix as a picture: right answers in blue, mistakes in orange."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import reports
from fastnn.backends import Array
from fastnn.plots import style
from fastnn.plots.guesses import guesses

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.network import Network

# Inches: of a cell, of the whole matrix of few classes, of the picture.
CELL, SMALL_MATRIX, LARGEST_PICTURE = 0.5, 2.6, style.WIDTH
# Names are cut to so many characters where there are many of them.
MANY, LONGEST_OF_MANY = 15, 12
# Points that a letter or digit takes in width, as a share of its size.
LETTER, DIGIT = 0.6, 0.64
# The tints of the smallest share above 0, so that a single mistake is seen, and of the largest one, so that
# dark figures can be read on it.
FAINTEST, DARKEST = 0.12, 0.75


def confusion_matrix(model: Network, X: Any, y: Any, *, path: str | PathLike[str] | None = None) -> Figure:
    """Draw how many rows of each true class (down) are predicted as which class (across).

    X, y   rows and their true labels
    path   where to write it (.png, .svg, .pdf); None: only return the figure

    The darker, the larger is a cell's share of its row: blue for right answers, orange for mistakes, whose
    darkest tint is the largest share among them. Counts are left out where they would not fit their cells,
    names where they would not fit beside each other. Returns the matplotlib Figure. Raises InputError for a
    model that does not give one class a row.
    """
    found = guesses(model, X, y, "confusion_matrix")
    matrix = reports.confusion_matrix(np.asarray(found.true), found.predicted, len(found.classes))
    longest = LONGEST_OF_MANY if len(found.classes) > MANY else style.LONGEST_NAME
    names = [style.named(label, longest) for label in found.classes]
    cell, label_room = _sizes(names)
    size, step, upright = _label_look(names, cell)
    side = cell * len(names)
    height = side + (label_room if upright else 0.55) + 0.75
    figure = style.new_figure(max(side + label_room + 0.5, 4.5), height)
    axes = figure.subplots()
    axes.imshow(_colours(_tints(matrix)), interpolation="nearest")
    _name_classes(axes, names, size, step, upright)
    _part_cells(axes, len(names), cell)
    _write_counts(axes, matrix, cell)
    right = int(np.trace(matrix))
    axes.set_title(
        f"{style.share(right / matrix.sum())} right: {right:,} of {matrix.sum():,} rows",
        fontsize=style.TEXT,
        color=style.INK,
    )
    return style.finished(figure, path)


def _sizes(names: list[str]) -> tuple[float, float]:
    """Inches of a cell's side, and of the room for the names at the left and below."""
    room = LETTER * style.SMALL / 72 * max(map(len, names)) + 0.5
    wanted = max(CELL, SMALL_MATRIX / len(names))
    return min(wanted, (LARGEST_PICTURE - room - 0.5) / len(names)), room


def _tints(matrix: Array) -> Array:
    """(k, k) from 0, white, to 1, the full colour; mistakes on a scale of their own."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    mistakes = shares * ~np.eye(len(matrix), dtype=bool)
    scaled = np.where(mistakes > 0, mistakes / max(float(mistakes.max()), 1e-300), shares)
    return np.where(matrix > 0, FAINTEST + (DARKEST - FAINTEST) * scaled, 0)


def _colours(tints: Array) -> Array:
    """(k, k, 3): white mixed with the full colour."""
    from matplotlib.colors import to_rgb

    blue, orange = np.array(to_rgb(style.BLUE)), np.array(to_rgb(style.ORANGE))
    full = np.where(np.eye(len(tints), dtype=bool)[:, :, None], blue, orange)
    return 1 - tints[:, :, None] * (1 - full)


def _label_look(names: list[str], cell: float) -> tuple[float, int, bool]:
    """Size of the names, every how manieth is shown, and whether those across stand upright."""
    size = min(style.SMALL, max(style.LEAST, 0.6 * 72 * cell))
    # Some are left out where one line of text is higher than a cell.
    step = int(np.ceil(1.2 * size / (72 * cell)))
    longest = max(map(len, names[::step]))
    return size, step, longest * LETTER * size > 72 * cell * step * 0.9


def _name_classes(axes: Any, names: list[str], size: float, step: int, upright: bool) -> None:
    places = list(range(0, len(names), step))
    shown = names[::step]
    style.panel(axes, x="predicted", y="true", grid=False)
    axes.set_xticks(places, shown, rotation=90 if upright else 0, fontsize=size, parse_math=False)
    axes.set_yticks(places, shown, fontsize=size, parse_math=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.GREY)


def _part_cells(axes: Any, n_classes: int, cell: float) -> None:
    """White lines between the cells, thin beside them."""
    edges = np.arange(n_classes + 1) - 0.5
    look = {"color": style.WHITE, "linewidth": min(0.8, 0.1 * 72 * cell)}
    axes.vlines(edges, *edges[[0, -1]], **look)
    axes.hlines(edges, *edges[[0, -1]], **look)


def _write_counts(axes: Any, matrix: Array, cell: float) -> None:
    digits = len(str(matrix.max()))
    size = min(style.TEXT, 72 * cell / (DIGIT * digits + 0.25), 72 * cell * 0.7)
    if size < style.LEAST:
        return
    for row, column in np.argwhere(matrix > 0):
        axes.text(
            column,
            row,
            str(matrix[row, column]),
            ha="center",
            va="center",
            fontsize=size,
            color=style.INK,
        )
