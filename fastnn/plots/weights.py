"""The weights of the first layer as images, one a unit."""

from __future__ import annotations

import math
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.plots import style
from fastnn.plots.page import MARGIN, Page
from fastnn.plots.pixels import image_count, image_shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.network import Network

COLUMNS = 8
# Inches: above an image, of the key to the colours and the room for it.
TITLE, KEY_LENGTH, KEY = 0.22, 3.0, 0.55
# Few units get larger images, up to so many inches.
LARGEST = 1.8


def first_layer(
    model: Network,
    count: int = 24,
    *,
    shape: tuple[int, int] | None = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw the weights into each unit of the first layer as an image: blue above 0, orange below.

    count   how many units, up to 100: those with the longest weight vectors, longest first
    shape   (height, width) of images that are not square
    path    where to write it (.png, .svg, .pdf); None: only return the figure

    All images share one scale, which ends at the 99.5th percentile of their |W|. Of a network without hidden
    layers the units are its outputs, in their own order. Returns the matplotlib Figure. Raises InputError
    where the features are no image.
    """
    W = model.weights[0]
    height, width = image_shape(len(W), shape)
    is_output = len(model.weights) == 1
    order = np.arange(W.shape[1]) if is_output else np.argsort(-np.linalg.norm(W, axis=0), kind="stable")
    order = order[: image_count(count)]
    if is_output and model.classes is not None:
        names = [str(model.classes[unit]) for unit in order]
    else:
        names = [f"{'output' if is_output else 'unit'} {unit}" for unit in order]
    images = W[:, order].T.reshape(len(order), height, width).astype(np.float64)
    return style.finished(_draw(images, names, _caption(len(order), W.shape[1], is_output)), path)


def _caption(n_shown: int, n_units: int, is_output: bool) -> str:
    if is_output:
        which = "each output" if n_shown == n_units else f"the first {n_shown} of {n_units} outputs"
        return f"Weights into {which}."
    if n_units == 1:
        return "Weights into the only unit of the first layer."
    some = f"{n_shown} of the {n_units}" if n_shown < n_units else f"all {n_units}"
    return f"Weights into {some} units of the first layer, the longest first."


def _draw(images: Array, names: list[str], caption: str) -> Figure:
    from matplotlib.colors import LinearSegmentedColormap

    # As many in every row as in the first, as far as that goes.
    columns = math.ceil(len(images) / math.ceil(len(images) / COLUMNS))
    width = style.WIDTH if len(images) > 3 else style.WIDTH / 2
    tile = min(LARGEST, (width - 2 * MARGIN) / columns)
    rows = math.ceil(len(images) / columns)
    page = Page(width, rows * (tile + TITLE) + KEY, caption)
    most = float(np.percentile(np.abs(images), 99.5)) or 1.0
    colours = LinearSegmentedColormap.from_list("orange-blue", [style.ORANGE, style.WHITE, style.BLUE])
    scale = {"cmap": colours, "vmin": -most, "vmax": most}
    for place, (image, name) in enumerate(zip(images, names, strict=True)):
        x, y = MARGIN + place % columns * tile, page.top + place // columns * (tile + TITLE)
        page.write(x, y, style.fitted(name, 72 * tile, style.SMALL - 1), fontsize=style.SMALL - 1)
        page.image(image, x, y + TITLE, tile - 0.08, **scale)
    _draw_key(page, width, page.top + rows * (tile + TITLE) + 0.1, most, scale)
    return page.figure


def _draw_key(page: Page, width: float, y: float, most: float, scale: dict[str, Any]) -> None:
    """A bar of all colours, and what they stand for."""
    x, length, height = (width - KEY_LENGTH) / 2, KEY_LENGTH, 0.13
    page.stretch(np.linspace(-most, most, 257)[None, :], x, y, length, height, **scale)
    look = {"fontsize": style.SMALL - 1, "ha": "center"}
    for place, text in ((0.0, f"−{most:.2g}"), (0.5, "0"), (1.0, f"{most:.2g}")):
        page.write(x + place * length, y + height + 0.04, text, **look)
