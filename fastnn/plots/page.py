"""A picture whose parts are put at places counted in inches, from the upper left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.backends import Array
from fastnn.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARGIN, LINE = 0.12, 0.2


class Page:
    """A white page with a caption above all else, whose lines are broken where they would not fit.

    width, height  of what stands below the caption
    top            where that begins
    figure         the matplotlib Figure
    """

    def __init__(self, width: float, height: float, caption: str) -> None:
        lines = style.wrapped(caption, 72 * (width - 2 * MARGIN), style.SMALL)
        self.top = MARGIN + LINE * len(lines) + 0.08
        self.figure: Figure = style.new_figure(width, height + self.top, by_hand=True)
        # One system of coordinates for everything: axes for each part would take ten times as long.
        self._axes: Any = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set(xlim=(0, width), ylim=(height + self.top, 0), autoscale_on=False)
        for number, line in enumerate(lines):
            self.write(MARGIN, MARGIN + LINE * number, line)

    def write(self, x: float, y: float, text: str, **look: Any) -> None:
        """Put text with its upper left corner at a place, unless `look` says that it is another one."""
        look = {"fontsize": style.SMALL, "color": style.INK, "va": "top"} | look
        self._axes.text(x, y, text, parse_math=False, **look)

    def fill(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Put an area of one colour at a place."""
        self._add(x, y, width, height, facecolor=colour, linewidth=0)

    def image(self, image: Array, x: float, y: float, side: float, **look: Any) -> None:
        """Put an image into the middle of a square, as large as fits, with a thin line around it."""
        scale = side / max(image.shape)
        width, height = image.shape[1] * scale, image.shape[0] * scale
        x, y = x + (side - width) / 2, y + (side - height) / 2
        self.stretch(image, x, y, width, height, **look)
        self._add(x, y, width, height, facecolor="none", edgecolor=style.PALE, linewidth=0.8)

    def stretch(self, image: Array, x: float, y: float, width: float, height: float, **look: Any) -> None:
        """Put an image at a place, of just that size."""
        extent = (x, x + width, y + height, y)
        self._axes.imshow(image, extent=extent, interpolation="nearest", aspect="auto", **look)

    def _add(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        from matplotlib.patches import Rectangle

        self._axes.add_patch(Rectangle((x, y), width, height, **look))
