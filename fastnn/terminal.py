"""Draws grey images with characters: half blocks in 256 colours, or shades where there is no colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn.backends import Array

SHADES = " ░▒▓█"
# Narrower images are enlarged, so that the 8×8 digits can be read.
LEAST_WIDTH = 16
GAP = 3
# The grey ramp of the 256 colours: black, 24 steps, white.
GREYS = np.array([16, *range(232, 256), 231])
RED, RESET = "\x1b[31m", "\x1b[0m"


def draw(
    images: Array,
    captions: Sequence[str],
    *,
    wrong: Sequence[bool] | Array | None = None,
    width: int = 80,
    colour: bool = False,
) -> str:
    """Images side by side, as many as fit into `width` columns, each with its caption below.

    images    (n, height, width) of grey levels: uint8 as 0..255, anything else from its least to its largest
    captions  one for each image, of one or more lines
    wrong     True where the caption is to be red; without colour its last line gets an exclamation mark
    colour    use ANSI colours, for a terminal
    """
    flags = [False] * len(captions) if wrong is None else [bool(flag) for flag in wrong]
    paint = _half_blocks if colour else _shades
    pictures = [paint(_enlarged(image)) for image in grey(images)]
    texts = [_marked(text, flag, colour) for text, flag in zip(captions, flags, strict=True)]
    picture_width = _enlarged(images[0]).shape[1]
    tile_width = max(picture_width, *(len(line) for text in texts for line in text))
    # Colour codes take no room on the screen, so lines are padded by what they show, not by their length.
    tiles = [
        [line + " " * (tile_width - picture_width) for line in picture]
        + [_coloured(line.ljust(tile_width), flag and colour) for line in text]
        for picture, text, flag in zip(pictures, texts, flags, strict=True)
    ]
    per_row = max(1, (width + GAP) // (tile_width + GAP))
    bands = (tiles[start : start + per_row] for start in range(0, len(tiles), per_row))
    return "\n\n".join(_side_by_side(band) for band in bands)


def grey(images: Array) -> Array:
    """Images as float levels 0..1 (0 the background): uint8 by 1/255, others from least to largest value."""
    if images.dtype == np.uint8:
        return images / 255
    values = images.astype(np.float64)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _enlarged(image: Array) -> Array:
    """The image in whole multiples of its size, at least LEAST_WIDTH wide, with an even number of rows."""
    times = -(-LEAST_WIDTH // image.shape[1])
    large = image.repeat(times, axis=0).repeat(times, axis=1)
    return np.pad(large, ((0, len(large) % 2), (0, 0)))


def _half_blocks(image: Array) -> list[str]:
    """Two rows of pixels a line: the upper one is the colour of ▀, the lower one the colour behind it."""
    codes = GREYS[np.rint(image * (len(GREYS) - 1)).astype(int)]
    return [
        "".join(f"\x1b[38;5;{upper};48;5;{lower}m▀" for upper, lower in zip(above, below, strict=True))
        + RESET
        for above, below in zip(codes[::2], codes[1::2], strict=True)
    ]


def _shades(image: Array) -> list[str]:
    """Two rows of pixels a line: the shade of their mean."""
    means = (image[::2] + image[1::2]) / 2
    return ["".join(SHADES[level] for level in row) for row in np.rint(means * (len(SHADES) - 1)).astype(int)]


def _marked(caption: str, wrong: bool, colour: bool) -> list[str]:
    return (caption + "  !" if wrong and not colour else caption).splitlines()


def _coloured(line: str, red: bool) -> str:
    return f"{RED}{line}{RESET}" if red else line


def _side_by_side(tiles: list[list[str]]) -> str:
    return "\n".join((" " * GAP).join(lines).rstrip() for lines in zip(*tiles, strict=True))
