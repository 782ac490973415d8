"""Rows of bytes on their way from X to a thread's input: fetched ahead, and their ends."""

import numpy as np

from fastnn.kernels.byte_layer.byte_vectors import SQUARE, copy_bytes
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load_scalar, prefetch, store_scalar
from fastnn.kernels.target import LINE

AHEAD = 4  # rows to fetch ahead of gathering them


@inline
def fetch_rows(data, order, first, count, columns):
    """Start bringing rows order[first] .. to L1, as far as there are any."""
    for i in range(first, min(first + count, order.shape[0])):
        row = data + order[i] * columns
        for column in range(0, columns, LINE):
            prefetch(row + column)


@inline
def copy_rest(source, target, begin, end):
    """Bytes begin..end of a row, less than a line, and none beyond: they may be the end of X."""
    whole = begin + (end - begin) // SQUARE * SQUARE
    for column in range(begin, whole, SQUARE):
        copy_bytes(source + column, target + column, SQUARE)
    for column in range(whole, end):
        store_scalar(target + column, load_scalar(source + column, np.uint8(0)))
