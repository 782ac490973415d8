"""What byte products multiply, for exact.py: rows of X as they are, integers as four digits of a byte each.

Whoever multiplies reads the same: tiles_of_bytes.py with AMX, fours_of_bytes.py with AVX-512 VNNI. Both take
sums of four bytes times four signed ones, and so want fours of features, or of rows, side by side.

  rows     for forward as they are. Those that follow each other, as where a step takes all of them, are not
           even copied: 784-10-10 takes 4.3 ms so with AMX, and 4.7 from copies
  copy     for the update: for 64 rows of X, for each 16 features 1,024 bytes, in which four rows each lie
           interleaved
  weights  for each four features, for each digit, the four bytes of each output; from there to the next four
           features it is a row of each tile
  deltas   for 64 rows of X, for each output, for each digit 64 bytes
  sums     of rows: a lane for each digit of each output; of columns: for each of these a vector, whose lanes
           are 16 features
"""

import numpy as np

from fastnn.kernels.byte_layer.byte_vectors import copy_bytes, interleave_four
from fastnn.kernels.byte_layer.digits import (
    BY_DIGITS,
    BY_FOURS,
    digits_of,
    reorder_digits,
    store_fours,
    store_quarters,
    sum_of_digits,
)
from fastnn.kernels.byte_layer.gathering import AHEAD, copy_rest, fetch_rows
from fastnn.kernels.byte_layer.integers import OF_FEATURES, OF_ROWS, whole
from fastnn.kernels.byte_layer.layout import (
    BLOCK,
    COPIED_TILE,
    DELTA_BYTES,
    DELTA_STEPS,
    DELTAS,
    DIGITS,
    LANES,
    PLACE_OF_ROWS,
    ROWS_IN_PLACE,
    SQUARE_OF_INTEGERS,
    WEIGHT_STEPS,
    WEIGHTS,
    inline_copied_rows_bytes,
    inline_row_bytes,
    inline_rows_offset,
    weights_at,
)
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import first_lanes, load, load_scalar, store, store_scalar, transpose_square
from fastnn.kernels.simd import mul, size_of, splat
from fastnn.kernels.target import HAS_AMX, LINE
from fastnn.kernels.tile_kinds import ROW_BYTES

ROWS_TOGETHER = 16  # that are multiplied at a time
ROW_OF_SUMS = LINE if HAS_AMX else LINE // 2  # bytes that the digits of a row are filled up to
DELTAS_BYTES = BLOCK * DELTA_BYTES  # of 64 rows


@inline
def gather_rows(data, order, first, last, x, x_columns, columns):
    """X[order[first:last]], interleaved, to the copy; and to the rows of the input what forward reads there.

    By fours: if there are fewer in the end, the last one again, for nothing is made of what follows it.
    """
    pitch, step = inline_row_bytes(columns), inline_copied_rows_bytes(columns)
    lines = columns // BLOCK * BLOCK
    in_place = _note_rows_in_place(data, order, first, last, x, columns)
    for i in range(first, last, 4):
        fetch_rows(data, order, i + AHEAD, 4, columns)
        a, b = data + order[i] * columns, data + order[min(i + 1, last - 1)] * columns
        c, d = data + order[min(i + 2, last - 1)] * columns, data + order[min(i + 3, last - 1)] * columns
        to_row = i - first
        target = x + inline_rows_offset(columns) + to_row * pitch
        tiles = x + x_columns + to_row // BLOCK * step + to_row % BLOCK // 4 * LINE
        for column in range(0, lines, BLOCK):
            tile = tiles + column // LANES * COPIED_TILE
            interleave_four(a + column, b + column, c + column, d + column, tile, COPIED_TILE)
            if to_row >= in_place:
                copy_bytes(a + column, target + column, BLOCK)
                copy_bytes(b + column, target + pitch + column, BLOCK)
                copy_bytes(c + column, target + 2 * pitch + column, BLOCK)
                copy_bytes(d + column, target + 3 * pitch + column, BLOCK)
        if lines < columns:
            copy_rest(a, target, lines, columns)
            copy_rest(b, target + pitch, lines, columns)
            copy_rest(c, target + 2 * pitch, lines, columns)
            copy_rest(d, target + 3 * pitch, lines, columns)
            a = target + lines
            tile = tiles + lines // LANES * COPIED_TILE
            interleave_four(a, a + pitch, a + 2 * pitch, a + 3 * pitch, tile, COPIED_TILE)


@inline
def _note_rows_in_place(data, order, first, last, x, columns):
    """How many rows forward can read where X has them; written to the header, with the first one's address.

    A tile is loaded from rows that are equally far apart: if all of them follow each other, as they do where
    every step takes all rows, whole tiles are read there. The ends of rows that fill no line are copied.
    """
    count = (last - first) // ROWS_TOGETHER * ROWS_TOGETHER
    for i in range(first + 1, last):
        if order[i] != order[i - 1] + 1:
            count = 0
    store_scalar(x + ROWS_IN_PLACE, count)
    store_scalar(x + PLACE_OF_ROWS, data + order[first] * columns)
    return count


@inline
def row_of_digits(fan_out):
    """Bytes of the digits of all outputs: whole rows of tiles, or vectors of 32 bytes."""
    per_row = ROW_OF_SUMS // DIGITS // 4
    return (fan_out + per_row - 1) // per_row * ROW_OF_SUMS


@inline
def write_weights(x, W, columns, fan_out, like):
    """Digits of all weights, by steps that are known; of features up to whole tiles they are zero.

    What lies beyond the last output's in a row is anything, and its sums are never looked at.

    By fours of outputs, from the last ones on: what fewer than four write beside them, or at the beginning of
    the next row, is written later.
    """
    row_step, digit_step, steps = row_of_digits(fan_out), DIGITS * fan_out, x + WEIGHT_STEPS
    for feature in range(0, (columns + BLOCK - 1) // BLOCK * BLOCK, LANES):
        place, left = weights_at(W, feature, like), columns - feature
        target = feature // 4 * row_step
        for i in range((fan_out - 1) // 4 * 4, -1, -4):
            a = _weight_digits(place, steps, i, left, like)
            b = _weight_digits(place, steps, min(i + 1, fan_out - 1), left, like)
            c = _weight_digits(place, steps, min(i + 2, fan_out - 1), left, like)
            d = _weight_digits(place, steps, min(i + 3, fan_out - 1), left, like)
            store_fours(x + WEIGHTS + target + DIGITS * i, row_step, digit_step, a, b, c, d)


@inline
def _weight_digits(place, steps, i, count, like):
    value = first_lanes(place + i * ROW_BYTES, count, like)
    value = whole(mul(value, splat(load_scalar(steps + i * size_of(like), like))))
    return reorder_digits(digits_of(value), BY_FOURS)


@inline
def sum_of_row(sums, row, v, fan_out, like):
    """One row's sums, a lane for each output; other lanes are finite numbers."""
    return sum_of_digits(sums + row * row_of_digits(fan_out), DIGITS * fan_out, OF_FEATURES, like)


@inline
def write_deltas(x, dZ, dz_row, rows, fan_out, like):
    """Digits of the deltas of all rows, by steps that are known, and zeros up to whole tiles."""
    square, zero, step = x + SQUARE_OF_INTEGERS, splat(np.int32(0)), load(x + DELTA_STEPS, like)
    for start in range(0, (rows + BLOCK - 1) // BLOCK * BLOCK, LANES):
        for i in range(LANES):
            if start + i < rows:
                value = whole(mul(load(dZ + (start + i) * dz_row, like), step))
                store(square + i * LINE, digits_of(value))
            else:
                store(square + i * LINE, zero)
        transpose_square(square, LINE, square, LINE, np.int32(0))
        target = x + DELTAS + start // BLOCK * DELTAS_BYTES + start % BLOCK
        for i in range(fan_out):
            digits = reorder_digits(load(square + i * LINE, np.int32(0)), BY_DIGITS)
            store_quarters(target + i * DIGITS * LINE, LINE, digits)


@inline
def sum_of_column(sums, i, like):
    """One output's sums, a lane for each feature."""
    return sum_of_digits(sums + i * DIGITS * LINE, LINE, OF_ROWS, like)
