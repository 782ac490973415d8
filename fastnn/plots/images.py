"""Pictures of images: samples with their probabilities, the worst mistakes, and images under titles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.plots import style
from fastnn.plots.guesses import Guesses, guesses
from fastnn.plots.pixels import as_images, grey_range, image_count
from fastnn.plots.tiles import draw_tiles, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.network import Network

MOST_COLUMNS = 5
BARS = "Bars: the largest probabilities."
TRUTH = "Blue: the true class, orange: the prediction where it is wrong."


def sample_predictions(
    model: Network,
    X: Any,
    y: Any | None = None,
    count: int = 12,
    *,
    shape: tuple[int, int] | None = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw some images, each with its three most probable classes as bars; with `y`, the truth too.

    X       (n, n_features) or (n, height, width); the images are rows equally far apart, the first among them
    y       (n,) the true labels; None: not known
    count   how many images, up to 100
    shape   (height, width) of images that are not square
    path    where to write it (.png, .svg, .pdf); None: only return the figure

    The true class is among the bars even if it is less probable than that. Images are dark on white: uint8
    from 0 to 255, others from their least to their largest value. Returns the matplotlib Figure. Raises
    InputError for a model that does not give one class a row, and for rows that are no images.
    """
    found = guesses(model, X, y, "sample_predictions")
    images = as_images(X, model.sizes[0], shape)
    chosen = np.linspace(0, len(images) - 1, min(image_count(count), len(images))).round().astype(int)
    caption = BARS if y is None else f"{BARS} {TRUTH}"
    return style.finished(draw_tiles(images[chosen], _titles(found, chosen), found, chosen, caption), path)


def confident_mistakes(
    model: Network,
    X: Any,
    y: Any,
    count: int = 12,
    *,
    shape: tuple[int, int] | None = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw the images that the model gets wrong, those first of whose wrong class it is most certain.

    As `sample_predictions`; above each image stand its row in X, counted from 0, and its label in y. Without
    mistakes the figure says so.
    """
    found = guesses(model, X, y, "confident_mistakes")
    images = as_images(X, model.sizes[0], shape)
    wrong = np.flatnonzero(found.wrong)
    certainty = found.probabilities[wrong, found.predicted[wrong]]
    chosen = wrong[np.argsort(-certainty, kind="stable")][: image_count(count)]
    if len(chosen) == 0:
        text = f"No mistakes: all {len(images)} rows are classified correctly."
        return style.finished(one_line(text), path)
    titles = [f"row {row}, {title}" for row, title in zip(chosen, _titles(found, chosen), strict=True)]
    caption = f"{_how_many(len(chosen), len(wrong), len(images))} {BARS} {TRUTH}"
    return style.finished(draw_tiles(images[chosen], titles, found, chosen, caption), path)


def plot_samples(
    images: Array,
    titles: Sequence[str],
    *,
    wrong: Sequence[bool] | Array | None = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw grey images in a grid, dark on white, each under its title; bold red titles where `wrong`.

    images   (n, height, width); uint8 as 0..255, anything else from its least to its largest value
    titles   one for each image
    path     where to write it (.png, .svg, .pdf); None: only return the figure

    Returns the matplotlib Figure. The global state of pyplot is not touched.
    """
    images = np.asarray(images)
    if images.ndim != 3 or len(images) == 0:
        raise InputError(f"images has shape {images.shape}; it must be (n, height, width)")
    if len(titles) != len(images):
        raise InputError(f"titles has {len(titles)} entries for {len(images)} images")
    flags = [False] * len(images) if wrong is None else wrong
    low, high = grey_range(images)
    columns = min(MOST_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    figure = style.new_figure(max(1.7 * columns, 2.2), 2.2 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, title, flag in zip(grid, images, titles, flags, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
        look = {"color": style.RED, "fontweight": "bold"} if flag else {"color": style.INK}
        # A "$" in a label is a dollar sign, not mathematics.
        axes.set_title(title, fontsize=style.SMALL, parse_math=False, **look)
    return style.finished(figure, path)


def _titles(found: Guesses, rows: Array) -> list[str]:
    """What stands above each image: its true class, if that is known."""
    return [] if found.true is None else [f"true {found.classes[label]}" for label in found.true[rows]]


def _how_many(n_shown: int, n_wrong: int, n_rows: int) -> str:
    if n_wrong == 1:
        return f"The only mistake in {n_rows} rows (counted from 0)."
    first = f"The {n_shown} most certain of " if n_shown < n_wrong else "All "
    return f"{first}{n_wrong} mistakes in {n_rows} rows (counted from 0)."
