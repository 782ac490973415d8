"""Draws pictures of digits as people make them: larger, moved, inverted, noisy, framed."""

import numpy as np
from PIL import Image


def pixels(levels):
    """Levels 0..1 as a grey picture."""
    return Image.fromarray(np.rint(255 * np.clip(levels, 0, 1)).astype(np.uint8))


def enlarged(digit, times):
    """(side, side) uint8 as smooth levels 0..1, `times` as large."""
    side = round(len(digit) * times)
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)) / 255


def penned(digit, times):
    """The same with sharp edges, as a pen draws them."""
    return np.clip(4 * enlarged(digit, times) - 1.5, 0, 1)


def placed(ink, height, width, top, left):
    """`ink` on an empty page of levels 0..1."""
    page = np.zeros((height, width))
    page[top : top + len(ink), left : left + ink.shape[1]] = ink
    return page


def frame(shape, distance, thickness, level=1.0):
    """A line around a page, `distance` from its edges."""
    height, width = shape
    page = np.zeros(shape)
    page[distance : height - distance, distance : width - distance] = level
    inner = distance + thickness
    page[inner : height - inner, inner : width - inner] = 0
    return page


def rerendered(digit, random, times=None):
    """A digit 3 to 8 times as large, moved, dark or light, on grey paper with noise; half of them framed."""
    ink = enlarged(digit, times or random.uniform(3, 8))
    above, below, left, right = random.integers(len(ink) // 10, len(ink) // 2, 4)
    side = len(ink)
    page = placed(ink, side + above + below, side + left + right, above, left)
    if random.random() < 0.5:
        line = frame(page.shape, random.integers(0, 6), random.integers(1, 4), random.uniform(0.4, 1))
        page = np.maximum(page, line)
    paper, full = random.uniform(0, 0.25), random.uniform(0.75, 1)
    page = paper + (full - paper) * page
    if random.random() < 0.5:
        page = 1 - page
    return pixels(page + random.normal(0, random.uniform(0, 0.05), page.shape))
