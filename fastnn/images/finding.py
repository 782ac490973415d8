"""Finds the digit in a grey picture: takes the paper off, then chooses which of the ink is the digit."""

from __future__ import annotations

import numpy as np

from fastnn.backends import Array
from fastnn.images.components import Parts, parts_of
from fastnn.images.paper import LEAST_CONTRAST, paper_under

# What is within so many deviations of the paper's noise is no ink.
NOISE_DEVIATIONS = 5.0
# A digit has at least so many pixels, and is at least so long, as a share of the picture's shorter side.
LEAST_PIXELS, LEAST_LENGTH = 6, 0.03
# Of the largest part's area: smaller parts are specks.
SPECK = 0.02
# Of the digit's longer side: parts farther away are something else.
FARTHEST = 0.3
# Of a side of the picture: a part that covers more of it is a frame or a shadow, not the tip of a stroke.
LONG_CONTACT = 0.6


def find_ink(grey: Array) -> Array | None:
    """How much ink is on each pixel, (height, width) of 0..1, cropped to the digit; None where there is none.

    grey   (height, width), about 0..1; ink either darker or lighter than the paper
    """
    if_dark, if_light = paper_under(grey)
    candidates = _digit(_contrast(grey, if_dark)), _digit(_contrast(1 - grey, 1 - if_light))
    found = [ink for ink in candidates if ink is not None]
    return max(found, key=lambda ink: float(ink.sum()), default=None)


def _contrast(grey: Array, paper: Array) -> Array:
    """How much darker than its paper each pixel is, as a share of the paper's brightness: so are shadows."""
    return (paper - grey) / np.maximum(paper, 0.2)


def _digit(contrast: Array) -> Array | None:
    """The digit's ink 0..1 among all that stands out from the paper by `contrast`, cropped."""
    smooth = _blurred(contrast)
    floor = max(LEAST_CONTRAST, NOISE_DEVIATIONS * noise_of(smooth))
    above = smooth[smooth > floor]
    if len(above) < LEAST_PIXELS:
        return None
    strong = otsu(above)
    # As in Canny's edges: faint pixels count where they hang on strong ones.
    parts = parts_of(smooth > max(floor, strong / 2))
    solid = np.isin(np.arange(len(parts.area)) + 1, parts.labels[smooth >= strong])
    chosen = choose(parts, solid)
    if not chosen.any():
        return None
    mask = np.concatenate([[False], chosen])[parts.labels]
    level = float(np.median(contrast[mask & (smooth >= strong)]))
    ink = np.clip(contrast / level, 0, 1) * grown(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return ink if max(ink.shape) >= LEAST_LENGTH * min(contrast.shape) else None


def noise_of(contrast: Array) -> float:
    """Standard deviation of the paper's noise, from the side of it where there is no ink."""
    other_side = -contrast[contrast < 0]
    return 1.4826 * float(np.median(other_side)) if len(other_side) else 0.0


def otsu(values: Array) -> float:
    """The threshold that parts `values` into the two groups of least variance; their least, if all are alike.

    Source  Otsu, "A threshold selection method from gray-level histograms", 1979
    """
    counts, edges = np.histogram(values, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = sums[:-1] / below - (sums[-1] - sums[:-1]) / (total - below)
        between = below * (total - below) * difference**2
    if np.ptp(values) < 1e-6 or np.isnan(between).all():
        return float(values.min())
    return float(edges[1 + np.nanargmax(between)])


def _blurred(picture: Array) -> Array:
    """Mean of 3×3 pixels in larger pictures; small ones are too coarse for it."""
    if min(picture.shape) < 64:
        return picture
    padded = np.pad(picture, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9


def grown(mask: Array) -> Array:
    """The mask and its neighbours, where the soft edge of the ink lies."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


# ---- which parts are the digit ----------------------------------------------------------------------------


def choose(parts: Parts, solid: Array) -> Array:
    """Which parts make the digit, (n,) bool: neither frames and surroundings nor specks nor far away.

    solid   (n,) whether a part has strong ink in it
    """
    kept = solid & (parts.area >= LEAST_PIXELS)
    kept &= ~_frames(parts, kept)
    kept &= ~_surroundings(parts, kept)
    if not kept.any():
        return kept
    kept &= parts.area >= SPECK * parts.area[kept].max()
    return _near(parts, kept)


def _frames(parts: Parts, kept: Array) -> Array:
    """Thin lines all around something, or all along the picture's edges."""
    height, width = parts.labels.shape
    frames = np.zeros(len(kept), bool)
    hollow = parts.area <= 0.3 * parts.height * parts.width
    large = (parts.height >= 0.4 * height) & (parts.width >= 0.4 * width)
    for i in map(int, np.flatnonzero(kept & hollow & large)):
        inside = (
            kept
            & (parts.top > parts.top[i])
            & (parts.bottom < parts.bottom[i])
            & (parts.left > parts.left[i])
            & (parts.right < parts.right[i])
            & (parts.area >= SPECK * parts.area[i])
        )
        frames[i] = _is_rectangle(parts, i) and (inside.any() or bool(np.all(parts.contact[i] > 0)))
    return frames


def _is_rectangle(parts: Parts, i: int) -> bool:
    """Whether ink lies along nearly the whole of each side of the part's box."""
    box = parts.labels[parts.top[i] : parts.bottom[i] + 1, parts.left[i] : parts.right[i] + 1] == i + 1
    deep, wide = (max(2, round(0.06 * side)) for side in box.shape)
    across = box[:deep].any(axis=0), box[-deep:].any(axis=0)
    down = box[:, :wide].any(axis=1), box[:, -wide:].any(axis=1)
    return all(side.mean() >= 0.85 for side in (*across, *down))


def _surroundings(parts: Parts, kept: Array) -> Array:
    """Lines, shadows and the table at the picture's edge, which the digit itself may touch if it is tight."""
    sides = np.array([parts.labels.shape[1]] * 2 + [parts.labels.shape[0]] * 2)
    touching = kept & (parts.contact.sum(axis=1) > 0)
    inner = kept & ~touching
    if not inner.any():
        return np.zeros(len(kept), bool)
    height = parts.bottom[inner].max() - parts.top[inner].min() + 1
    along = np.any(parts.contact >= LONG_CONTACT * sides, axis=1)
    tallest = parts.height[inner].max()
    substantial = tallest >= 0.1 * parts.labels.shape[0]
    return touching & ((along & substantial) | (height >= 0.5 * parts.height))


def _near(parts: Parts, kept: Array) -> Array:
    """The largest part, and what is close to it, or to that: a bar of a 5 that is not connected."""
    group = np.zeros(len(kept), bool)
    group[np.argmax(np.where(kept, parts.area, 0))] = True
    while True:
        top, bottom = parts.top[group].min(), parts.bottom[group].max()
        left, right = parts.left[group].min(), parts.right[group].max()
        reach = FARTHEST * max(bottom - top + 1, right - left + 1)
        gap = np.maximum.reduce(
            [top - parts.bottom, parts.top - bottom, left - parts.right, parts.left - right]
        )
        more = kept & (gap <= reach)
        if np.array_equal(more, group):
            return group
        group = more
