"""Lengths of gradients and of columns of W: clipping by norm, and max-norm.

A column lies in one lane from top to bottom of its panel, so its sum of squares is one ascending chain,
whatever the vector width; the columns are then added in ascending order. Panels are shared by threads.
"""

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load, load_scalar, store
from fastnn.kernels.simd import constant, div, fma, larger, mul, size_of, smaller, splat, sqrt
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES


@inline
def _squares(column, rows, like):
    """Sum of squares of a vector of columns."""
    total = constant(0.0, 0.0, like)
    for i in range(rows):
        value = load(column + i * ROW_BYTES, like)
        total = fma(value, value, total)
    return total


@jit
def column_squares(first, last, G, stride, rows, squares, like):
    """squares[j] = Σ G[i, j]² for the columns of panels first..last; `squares` holds one row a panel."""
    for p in range(first, last):
        for half in range(0, ROW_BYTES, VECTOR_BYTES):
            store(squares + p * ROW_BYTES + half, _squares(G + p * stride + half, rows, like))


@jit
def total(squares, count, like):
    """Sum of the first `count` numbers at `squares`, in float64."""
    result = 0.0
    for j in range(count):
        result += float(load_scalar(squares + j * size_of(like), like))
    return result


@jit
def limit_columns(first, last, W, stride, rows, limit):
    """Shorten each column of panels first..last of W that is longer than `limit`."""
    one, tiny = constant(1.0, 1.0, limit), constant(1.1754943508222875e-38, 2.2250738585072014e-308, limit)
    for p in range(first, last):
        for half in range(0, ROW_BYTES, VECTOR_BYTES):
            column = W + p * stride + half
            length = sqrt(_squares(column, rows, limit))
            factor = smaller(div(splat(limit), larger(length, tiny)), one)
            for i in range(rows):
                store(column + i * ROW_BYTES, mul(load(column + i * ROW_BYTES, limit), factor))
