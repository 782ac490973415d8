"""Rows of X row-major, as a user has them: predictions take them in order, and need no panels of them."""

import numpy as np

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load_as, load_full_as, store
from fastnn.kernels.simd import lanes_of, mul, size_of, splat
from fastnn.kernels.tile_kinds import TALLEST_NARROW, TALLEST_WIDE


def row_offsets(row_bytes):
    """What tiles in place take, for rows that are so far apart: offsets of as many as the tallest has."""
    return np.arange(max(TALLEST_WIDE, TALLEST_NARROW), dtype=np.int64) * row_bytes


@inline
def read_row(kind, source, columns, target, scale):
    """One row of X, converted and scaled, to `target`; what follows there, up to a vector, is overwritten."""
    lanes = lanes_of(scale)
    for column in range(0, columns, lanes):
        place = source + column * size_of(kind)
        if column + lanes <= columns:  # without AVX-512, vectors of bytes that are not full are slow
            value = load_full_as(place, kind, scale)
        else:
            value = load_as(place, kind, columns - column, scale)
        store(target + column * size_of(scale), mul(value, splat(scale)))


@inline
def _convert(kind, data, order, first, last, target, columns, scale):
    source = data + order[first] * columns * size_of(kind)
    read_row(kind, source, (last - first) * columns, target, scale)


# Arguments as of the gathers in panels.py. X[order[first:last]] * scale, which follow each other in X, and so
# are read as if they were one row, come row-major to `target`.


@jit
def _convert_uint8(data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    _convert(np.uint8(0), data, order, first, last, target, columns, scale)


@jit
def _convert_float32(data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    _convert(np.float32(0), data, order, first, last, target, columns, scale)


@jit
def _convert_float64(data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    _convert(np.float64(0), data, order, first, last, target, columns, scale)


# By the type of X.
CONVERSIONS = {
    np.dtype(np.uint8): _convert_uint8,
    np.dtype(np.float32): _convert_float32,
    np.dtype(np.float64): _convert_float64,
}
