"""Figures and small images as data: addresses, which a page can hold in itself."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.report.markup import Element, element, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

# A drawing of more bytes, such as one of many points, is smaller as pixels.
LARGEST_DRAWING = 400_000
# Dots an inch: of pixels, sharp on screens of two pixels a CSS pixel; and CSS pixels of a drawing.
FINE, SHOWN = 180, 90


def drawn(draw: Callable[[], Figure], *, text: str, caption: str) -> Element:
    """The figure that `draw` returns; or why there is none for this model and these rows, as it says."""
    try:
        figure = draw()
    except InputError as error:
        return element("p", f"{caption}: {error}.", class_="note")
    width = round(figure.get_size_inches()[0] * SHOWN)
    return picture(address_of(figure), text=text, caption=caption, width=width)


def address_of(figure: Figure) -> str:
    """As SVG, or where that is large as PNG; the same figure gives the same bytes."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "fastnn", "svg.fonttype": "path"}):
        svg = _saved(figure, "svg", metadata={"Date": None})
    if len(svg) <= LARGEST_DRAWING:
        return _address("image/svg+xml", svg)
    return _address("image/png", _saved(figure, "png", dpi=FINE))


def image_address(image: Array, low: float, high: float) -> str:
    """One image (height, width) as PNG, ink on white: `low` is white and `high` black."""
    from matplotlib.image import imsave

    buffer = BytesIO()
    imsave(buffer, image, cmap="gray_r", vmin=low, vmax=high, format="png")
    return _address("image/png", buffer.getvalue())


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, facecolor="white", **options)
    return buffer.getvalue()


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
