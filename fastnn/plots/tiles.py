"""Tiles of an image and its most probable classes as bars, below a caption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastnn.backends import Array
from fastnn.plots import style
from fastnn.plots.guesses import Guesses
from fastnn.plots.page import MARGIN, Page
from fastnn.plots.pixels import grey_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches. Tiles of short class names are narrower, so that there are more in a row.
IMAGE, TITLE, GAP = 0.9, 0.24, 0.14
COLUMNS = {"short": 4, "long": 3}
SHORT = 4
BARS = 3


def one_line(text: str) -> Figure:
    """A picture of a single line, where there is nothing to draw."""
    return Page(style.NARROW, MARGIN, text).figure


def draw_tiles(images: Array, titles: Sequence[str], found: Guesses, rows: Array, caption: str) -> Figure:
    """A tile for each image.

    Shapes   images (k, height, width); rows (k,) the images' rows in `found`
    titles   of the tiles, cut where they do not fit; [] for none
    """
    longest = max(len(style.named(label)) for label in found.classes)
    most = COLUMNS["short" if longest <= SHORT else "long"]
    width, columns = (style.WIDTH - MARGIN) / most, min(most, len(images))
    title_room = TITLE if titles else 0.0
    height = title_room + IMAGE + GAP
    page = Page(max(columns, 2) * width + MARGIN, math.ceil(len(images) / columns) * height, caption)
    bars = _Bars(found, width - IMAGE - 0.1 - MARGIN)
    low, high = grey_range(images)
    for place, (image, row) in enumerate(zip(images, rows.tolist(), strict=True)):
        left, top = MARGIN + place % columns * width, page.top + place // columns * height
        if titles:
            look = {"color": style.ORANGE, "fontweight": "bold"} if found.wrong[row] else {}
            page.write(left, top, style.fitted(titles[place], 72 * (width - MARGIN), style.SMALL), **look)
        page.image(image, left, top + title_room, IMAGE, cmap="gray_r", vmin=low, vmax=high)
        bars.draw(page, left + IMAGE + 0.1, top + title_room, row)
    return page.figure


class _Bars:
    """Draws the most probable classes of a row, each a line of text above a bar; the true one among them.

    width   inches
    """

    def __init__(self, found: Guesses, width: float) -> None:
        self.found, self.width, self.size = found, width, style.SMALL - 1
        room = 72 * width - style.text_width(" 99.9 %", self.size)
        self.names = [style.fitted(label, room, self.size) for label in found.classes]

    def draw(self, page: Page, x: float, y: float, row: int) -> None:
        shares, step = self.found.probabilities[row], IMAGE / BARS
        look = {"fontsize": self.size, "va": "bottom"}
        for place, label in enumerate(_shown(self.found, row)):
            length, top = float(shares[label]), y + place * step
            page.write(x, top + 0.6 * step, self.names[label], **look)
            page.write(x + self.width, top + 0.6 * step, style.share(length), ha="right", **look)
            page.fill(x, top + 0.64 * step, self.width, 0.22 * step, style.PALE)
            page.fill(x, top + 0.64 * step, self.width * length, 0.22 * step, _colour(self.found, row, label))


def _shown(found: Guesses, row: int) -> list[int]:
    """The classes that get a bar: the most probable ones; the true one takes the last place if it must."""
    order = np.argsort(-found.probabilities[row], kind="stable")[:BARS].tolist()
    if found.true is not None and found.true[row] not in order:
        order[-1] = int(found.true[row])
    return order


def _colour(found: Guesses, row: int, label: int) -> str:
    """Blue for the true class (where it is not known, the predicted one), orange for a wrong prediction."""
    if label == (found.predicted if found.true is None else found.true)[row]:
        return style.BLUE
    return style.ORANGE if label == found.predicted[row] else style.GREY
