"""The paper under the ink: its brightness everywhere, however uneven the light is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastnn.backends import Array

# Of the brightness: what differs less from the paper is paper.
LEAST_CONTRAST = 0.06
CLEARLY_MORE = 1.05
# Sampled rows and columns, and rounds of least squares.
SAMPLES, ROUNDS = 32, 12
# Pixels of the coarse picture, and of the window: what is narrower is painted over, wider shadows stay. At
# the edges half of it is wide enough.
COARSE, WINDOW = 48, 31


def paper_under(grey: Array) -> tuple[Array, Array]:
    """Brightness of the paper, (height, width), as if there were no ink: if that is dark, and if it is light.

    The commonest level, a plane, a parabola, or what closing the strokes leaves: the first of them unless a
    later one puts clearly more of the picture on the paper. In a tight picture of thick strokes a bent
    surface would follow the ink; under the shadow of a hand only the last one helps.
    """
    smooth, share = _better(grey, _smooth_surfaces(grey), grey, 0.0)
    if CLEARLY_MORE * share >= 1:
        return smooth, smooth
    closed, opened = _closed(grey), 1 - _closed(1 - grey)
    return _better(grey, [closed], smooth, share)[0], _better(grey, [opened], smooth, share)[0]


def _better(grey: Array, surfaces: Iterable[Array], best: Array, share: float) -> tuple[Array, float]:
    at = _sampled(grey)
    for surface in surfaces:
        on_paper = float(np.mean(np.abs(grey[at] - surface[at]) < LEAST_CONTRAST))
        if on_paper > CLEARLY_MORE * share:
            best, share = surface, on_paper
    return best, share


def _sampled(grey: Array) -> tuple[Array, ...]:
    return np.ix_(*(np.linspace(0, side - 1, SAMPLES).round().astype(int) for side in grey.shape))


def _smooth_surfaces(grey: Array) -> Iterator[Array]:
    y, x = (np.linspace(-1, 1, side) for side in grey.shape)
    for n_terms in (1, 3, 6):
        c = np.pad(_least_absolute(grey, n_terms), (0, 6 - n_terms))
        yield (c[0] + c[1] * x + c[3] * x**2) + (c[2] * y + c[4] * y**2)[:, None] + c[5] * y[:, None] * x


def _least_absolute(grey: Array, n_terms: int) -> Array:
    """Coefficients of 1, x, y, x², y², xy that have the least sum of absolute differences from the picture.

    Such a surface goes through the paper, of which there is most, and ignores the ink, as a median would.
    Found by least squares with weights 1/|difference|. The constant alone is the commonest level.
    """
    at = _sampled(grey)
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in grey.shape), indexing="ij", sparse=True)
    samples, x, y = grey[at].ravel(), np.tile(x[0, at[1][0]], SAMPLES), np.repeat(y[at[0][:, 0], 0], SAMPLES)
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])[:n_terms]
    c: Array = np.zeros(n_terms)
    c[0] = _commonest(samples)
    for _ in range(ROUNDS if n_terms > 1 else 0):
        weighted = terms / np.maximum(np.abs(samples - c @ terms), 1e-3)
        c = np.linalg.lstsq(weighted @ terms.T, weighted @ samples, rcond=None)[0]
    return c


def _commonest(samples: Array) -> float:
    """The level that most samples are close to, as the levels of the paper are to each other."""
    levels = np.sort(samples)
    first = np.searchsorted(levels, levels - LEAST_CONTRAST)
    last = np.searchsorted(levels, levels + LEAST_CONTRAST, side="right")
    best = np.argmax(last - first)
    return float(np.median(levels[first[best] : last[best]]))


def _closed(grey: Array) -> Array:
    """The picture with dark strokes painted over: morphological closing, of a coarse copy."""
    from PIL.Image import Resampling, fromarray

    coarse = fromarray(grey.astype(np.float32)).resize((COARSE, COARSE), Resampling.BOX)
    brightest = _extreme(np.asarray(coarse), np.max)
    closed = _extreme(brightest, np.min).astype(np.float32)
    return np.asarray(fromarray(closed).resize(grey.shape[::-1], Resampling.BILINEAR), np.float64)


def _extreme(picture: Array, of: Any) -> Array:
    for axis in (0, 1):
        room = [(0, 0), (0, 0)]
        room[axis] = (WINDOW // 2, WINDOW // 2)
        picture = of(sliding_window_view(np.pad(picture, room, mode="edge"), WINDOW, axis=axis), axis=-1)
    return picture
