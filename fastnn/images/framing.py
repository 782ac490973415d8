"""Frames a digit's ink as the data sets did: MNIST's 28×28, or the 8×8 of the shipped digits."""

from __future__ import annotations

import numpy as np

from fastnn.backends import Array

MNIST_SIDE, MNIST_BOX, MNIST_CENTRE = 28, 20, 14
# Width of strokes in pixels of the 20×20 box: MNIST's thinnest, and its median. A ballpoint pen on large
# paper makes much thinner ones, of which grey shadows would be left.
THINNEST, USUAL = 1.4, 2.3
FINE = 5 * MNIST_BOX
# The bitmaps behind the 8×8 digits are 32×32; NIST's normalisation makes every digit 20 wide and 32 high.
BITMAP_SIDE, BITMAP_WIDTH, OPTICAL_SIDE = 32, 20, 8


def as_mnist(ink: Array) -> Array:
    """(28, 28) uint8: fitted into 20×20 with its proportions, then moved so that its mass is centred.

    ink   (height, width) of 0..1, cropped to the digit

    Strokes thinner than any of MNIST's are made as wide as most of its are. The centre of mass comes to pixel
    (14, 14), as close as whole pixels allow: so it is in MNIST's files.
    """
    ink = thickened(ink)
    scale = MNIST_BOX / max(ink.shape)
    height, width = (max(1, round(scale * side)) for side in ink.shape)
    small = _resized(ink, height, width)
    mass = small.sum()
    frame = np.zeros((MNIST_SIDE, MNIST_SIDE))
    top = _first(MNIST_CENTRE - float(small.sum(axis=1) @ np.arange(height) / mass), height)
    left = _first(MNIST_CENTRE - float(small.sum(axis=0) @ np.arange(width) / mass), width)
    frame[top : top + height, left : left + width] = small
    return _as_uint8(frame)


def thickened(ink: Array) -> Array:
    """The ink, its strokes at least about as wide as MNIST's."""
    width = stroke_width(ink) * MNIST_BOX / max(ink.shape)
    if width >= THINNEST:
        return ink
    fine = _resized(ink, *(max(1, round(FINE * side / max(ink.shape))) for side in ink.shape))
    steps = round((USUAL - width) / 2 * FINE / MNIST_BOX)
    fine = np.pad(np.minimum(fine / np.percentile(fine[fine > fine.max() / 4], 75), 1), steps)
    for step in range(steps):
        fine = _neighbourhood(fine, corners=step % 2 == 0)
    return fine


def stroke_width(ink: Array) -> float:
    """Mean width of the strokes: twice the area by the outline, whose length is about π/4 of its steps."""
    mask = np.pad(ink > 0.5, 1)
    steps = np.sum(mask[1:] != mask[:-1]) + np.sum(mask[:, 1:] != mask[:, :-1])
    return float(2 * mask.sum() / (steps * np.pi / 4)) if steps else 0.0


def _neighbourhood(ink: Array, corners: bool) -> Array:
    """The largest of each pixel and its neighbours; with and without corners in turn draws an octagon."""
    padded = np.pad(ink, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    if not corners:
        return np.maximum(np.maximum(padded[1:-1, :-2], padded[1:-1, 2:]), rows[:, 1:-1])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _first(wanted: float, length: int) -> int:
    return min(max(round(wanted), 0), MNIST_SIDE - length)


def as_optical(ink: Array) -> Array:
    """(8, 8) uint8: upright, stretched to 20 wide and 32 high in the middle of 32×32; means of 4×4 blocks.

    ink   (height, width) of 0..1, cropped to the digit

    Source  Garris and others, "NIST form-based handprint recognition system", NISTIR 5469, 1994, whose
            programs made the data set's bitmaps (Alpaydin and Kaynak, 1998); blocks as in its description
    """
    bitmap = np.zeros((BITMAP_SIDE, BITMAP_SIDE))
    first = (BITMAP_SIDE - BITMAP_WIDTH) // 2
    bitmap[:, first : first + BITMAP_WIDTH] = _resized(upright(ink), BITMAP_SIDE, BITMAP_WIDTH)
    block = BITMAP_SIDE // OPTICAL_SIDE
    return _as_uint8(bitmap.reshape(OPTICAL_SIDE, block, OPTICAL_SIDE, block).mean(axis=(1, 3)))


def upright(ink: Array) -> Array:
    """The ink without its slant: rows pushed sideways until columns and rows of its mass are uncorrelated."""
    ink = _resized(ink, 2 * BITMAP_SIDE, max(1, round(2 * BITMAP_SIDE * ink.shape[1] / ink.shape[0])))
    y, x = (np.arange(side) - side / 2 for side in ink.shape)
    mass = ink.sum()
    y, x = y - y @ ink.sum(axis=1) / mass, x - x @ ink.sum(axis=0) / mass
    slant = float(y @ ink @ x) / float(y**2 @ ink.sum(axis=1))
    room = int(abs(slant) * len(y)) + 1
    columns = np.arange(-room, len(x) + room) + x[0]
    rows = [np.interp(columns + slant * y[i], x, ink[i], left=0, right=0) for i in range(len(y))]
    straight = np.array(rows)
    inked = np.flatnonzero(straight.max(axis=0) > 0.3 * straight.max())
    return straight[:, inked[0] : inked[-1] + 1]


def _resized(ink: Array, height: int, width: int) -> Array:
    from PIL import Image

    image = Image.fromarray(ink.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.HAMMING), np.float64)


def _as_uint8(levels: Array) -> Array:
    return np.rint(255 * np.clip(levels, 0, 1)).astype(np.uint8)
