"""Connected parts of a mask, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastnn.backends import Array


@dataclass(frozen=True)
class Parts:
    """The connected parts of a mask, numbered from 1 as in `labels`; entry i of each array is part i + 1.

    labels   (height, width) int, 0 where the mask is False
    area     pixels;   top, bottom, left, right   the box, its last row and column included
    contact  (n, 4) pixels on the picture's top, bottom, left and right edge
    """

    labels: Array
    area: Array
    top: Array
    bottom: Array
    left: Array
    right: Array
    contact: Array

    @property
    def height(self) -> Array:
        """Rows of each box."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> Array:
        """Columns of each box."""
        return self.right - self.left + 1


def parts_of(mask: Array) -> Parts:
    """The parts of a (height, width) mask; pixels that touch, be it at a corner, belong together."""
    labels = _label(mask)
    n = int(labels.max())
    rows, columns = np.nonzero(mask)
    numbers = labels[rows, columns] - 1
    top, left = np.full(n, mask.shape[0]), np.full(n, mask.shape[1])
    bottom, right = np.zeros(n, int), np.zeros(n, int)
    np.minimum.at(top, numbers, rows)
    np.maximum.at(bottom, numbers, rows)
    np.minimum.at(left, numbers, columns)
    np.maximum.at(right, numbers, columns)
    edges = labels[0], labels[-1], labels[:, 0], labels[:, -1]
    contact = np.stack([np.bincount(edge, minlength=n + 1)[1:] for edge in edges], axis=1)
    return Parts(labels, np.bincount(numbers, minlength=n), top, bottom, left, right, contact)


def _label(mask: Array) -> Array:
    """Number the parts from 1.

    Every pixel points at the smallest pixel of its neighbourhood, then at what that one points at, until
    nothing changes. Following pointers doubles the reach of each round, so winding strokes take few.
    """
    padded = np.pad(mask, 1)
    width = padded.shape[1]
    pixels = np.flatnonzero(padded)
    nobody = padded.size
    parent = np.full(nobody + 1, nobody)
    parent[pixels] = pixels
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    neighbours = pixels + around[:, None]
    while True:
        before = parent[pixels]
        smallest = np.minimum(before, parent[neighbours].min(axis=0))
        # Not only the pixel itself: what it pointed at learns of the smaller one too.
        np.minimum.at(parent, before, smallest)
        parent[pixels] = parent[parent[pixels]]
        if np.array_equal(parent[pixels], before):
            break
    _, numbers = np.unique(parent[pixels], return_inverse=True)
    labels = np.zeros(padded.size, int)
    labels[pixels] = numbers + 1
    return labels.reshape(padded.shape)[1:-1, 1:-1]
