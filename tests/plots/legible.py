"""Renders a figure and says what is wrong with it: text cut off, overlapping, too small, foreign colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from itertools import combinations
from unittest import mock
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from fastnn.plots import style

# What README shows, and how high letters must be there.
SHOWN_WIDTH, LEAST_PIXELS = 700, 9.0
COLOURS = {
    getattr(style, name)
    for name in ("BLUE", "ORANGE", "GREEN", "PINK", "RED", "INK", "GREY", "PALE", "WHITE")
}
READ: WeakKeyDictionary[Figure, list[str]] = WeakKeyDictionary()


def assert_legible(figure: Figure) -> np.ndarray:
    """Fail where `problems` finds one; returns the pixels (height, width, 3) uint8."""
    pixels, artists = render(figure)
    found = problems(figure, artists)
    assert not found, "\n".join(found)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).all(), "the background is not white"
    return pixels


def render(figure: Figure) -> tuple[np.ndarray, list[Artist]]:
    """The pixels, and the artists that drew them: matplotlib keeps others, such as ticks out of sight."""
    canvas = FigureCanvasAgg(figure)
    artists: dict[int, Artist] = {}
    with ExitStack() as stack:
        for kind in (Text, Line2D, Patch, Collection):
            stack.enter_context(mock.patch.object(kind, "draw", _recording(kind.draw, artists)))
        canvas.draw()
    READ[figure] = [text.get_text() for text in texts_of(artists.values())]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy(), list(artists.values())


def _recording(draw: Callable[..., None], artists: dict[int, Artist]) -> Callable[..., None]:
    def recording(self: Artist, renderer: object) -> None:
        if self.get_visible():
            artists[id(self)] = self
        draw(self, renderer)

    return recording


def texts_of(artists: Iterable[Artist]) -> list[Text]:
    """Those that are text, and not empty."""
    return [artist for artist in artists if isinstance(artist, Text) and artist.get_text().strip()]


def words(figure: Figure) -> list[str]:
    """What is to be read in the picture, as it was when it was last rendered: that takes a quarter second."""
    if figure not in READ:
        render(figure)
    return READ[figure]


def problems(figure: Figure, artists: Iterable[Artist]) -> list[str]:
    """One line for each text that cannot be read well, and for each colour that is not of the palette."""
    artists = list(artists)
    boxes = [(text, text.get_window_extent().extents) for text in texts_of(artists)]
    right, top = figure.bbox.max + 0.5
    found = [
        f"{text.get_text()!r} is cut off"
        for text, box in boxes
        if min(box[:2]) < -0.5 or box[2] > right or box[3] > top
    ]
    found += [
        f"{a.get_text()!r} overlaps {b.get_text()!r}"
        for (a, box), (b, other) in combinations(boxes, 2)
        if _overlap(box, other)
    ]
    scale = min(figure.dpi, SHOWN_WIDTH / figure.get_figwidth()) / 72
    for text, _ in boxes:
        if text.get_fontsize() * scale < LEAST_PIXELS - 1e-6:
            found.append(f"{text.get_text()!r} is {text.get_fontsize() * scale:.1f} pixels high")
    return found + [f"{colour} is not of the palette" for colour in sorted(colours(artists) - COLOURS)]


def colours(artists: Iterable[Artist]) -> set[str]:
    """Of all texts, lines, markers and areas."""
    found = set()
    for artist in artists:
        if isinstance(artist, Text) and artist.get_text().strip():
            found.add(to_hex(artist.get_color()))
        elif isinstance(artist, Line2D) and len(artist.get_xdata()):
            found |= {to_hex(artist.get_color()), to_hex(artist.get_markerfacecolor())}
        elif isinstance(artist, Patch):
            found |= _opaque(
                [artist.get_facecolor(), *[artist.get_edgecolor()] * bool(artist.get_linewidth())]
            )
        elif isinstance(artist, Collection) and artist.get_array() is None:
            found |= _opaque([*artist.get_facecolor(), *artist.get_edgecolor()])
    return {colour.upper() for colour in found}


def count(pixels: np.ndarray, colour: str) -> int:
    """Pixels that have exactly this colour."""
    wanted = np.round(255 * np.array(to_rgba(colour)[:3])).astype(np.uint8)
    return int((pixels == wanted).all(axis=-1).sum())


def _opaque(rgba: Iterable[object]) -> set[str]:
    return {to_hex(colour[:3]) for colour in map(to_rgba, rgba) if colour[3] > 0}


def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes (left, bottom, right, top) share more than a pixel's width and height."""
    return min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1
