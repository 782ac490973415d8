"""Exact products of bytes and integers on AMX tiles, for exact.py: integers are four signed digits of a byte.

  forward  16 rows of X as they are, 64 features a step, times the digits of W, a column for each digit of
           each output. Rows that follow each other, as where a step takes all of them, are not even copied:
           784-10-10 takes 4.3 ms an epoch so, and 4.7 from copies
  update   the digits of dZ, a row for each digit of each output and 64 rows of X a step, times 16 features of
           X, four rows of which lie interleaved: a tile multiplies four bytes of a row by four of a column

So 10 outputs take 3 tiles of sums. Storing one takes as long as multiplying it once (17 cycles), which is why
they are filled up. Zeros of X are not skipped.

  weights  for each four features, for each digit, the four bytes of each output; from there to the next four
           features it is a row of each tile
  deltas   for 64 rows of X, for each output, for each digit 64 bytes
  copy     for 64 rows of X, for each 16 features a tile

Tiles 0 to 3 hold sums, 3 those of the last columns or rows; 4 to 7 are what is multiplied.
"""

import numpy as np

from fastnn.kernels.byte_layer.amx import (
    TILE_BYTES,
    TILE_ROW,
    TILE_ROWS,
    add_signed_unsigned,
    add_unsigned_signed,
    load_tile,
    release_tiles,
    set_up_tiles,
    store_tile,
    zero_tile,
)
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
    CONFIGURATION,
    COPIED_TILE,
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
from fastnn.kernels.tile_kinds import ROW_BYTES

OUTPUTS_PER_TILE = TILE_ROWS // DIGITS
DELTAS_BYTES = DIGITS * TILE_BYTES  # of 64 rows


@inline
def set_up_forward(x):
    """To be called before multiply_rows."""
    set_up_tiles(x + CONFIGURATION, TILE_ROWS)


@inline
def set_up_update(x, x_columns, rows, fan_out):
    """To be called before multiply_columns."""
    set_up_tiles(x + CONFIGURATION, DIGITS * fan_out - TILE_ROWS * (_tiles(fan_out) - 1))


@inline
def finish():
    """Done with tiles."""
    release_tiles()


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
        tiles = x + x_columns + to_row // BLOCK * step + to_row % BLOCK // 4 * TILE_ROW
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
    count = (last - first) // TILE_ROWS * TILE_ROWS
    for i in range(first + 1, last):
        if order[i] != order[i - 1] + 1:
            count = 0
    store_scalar(x + ROWS_IN_PLACE, count)
    store_scalar(x + PLACE_OF_ROWS, data + order[first] * columns)
    return count


@inline
def _tiles(fan_out):
    """Tiles for a column, or row, of 16 for each digit of each output."""
    return (fan_out + OUTPUTS_PER_TILE - 1) // OUTPUTS_PER_TILE


@inline
def _zero_sums():
    zero_tile(0)
    zero_tile(1)
    zero_tile(2)
    zero_tile(3)


@inline
def write_weights(x, W, columns, fan_out, like):
    """Digits of all weights, by steps that are known; of features up to whole tiles they are zero.

    Columns beyond the last output's in a tile are never written, and their sums never looked at.

    By fours of outputs, from the last ones on: what fewer than four write beside them is written later.
    """
    row_step, digit_step, steps = _tiles(fan_out) * TILE_ROW, DIGITS * fan_out, x + WEIGHT_STEPS
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
def multiply_rows(bank, x, x_columns, start, columns, fan_out, sums):
    """Exact sums of 16 rows from `start` on over all features, for sum_of_row."""
    pitch, tiles, lines = inline_row_bytes(columns), _tiles(fan_out), columns // BLOCK * BLOCK
    copied, step = x + inline_rows_offset(columns) + start * pitch, tiles * TILE_ROW
    rows, rows_pitch = copied, pitch
    if start < load_scalar(x + ROWS_IN_PLACE, 0):
        rows, rows_pitch = load_scalar(x + PLACE_OF_ROWS, 0) + start * columns, columns
    _zero_sums()
    for feature in range(0, lines, BLOCK):
        _multiply_block(rows + feature, rows_pitch, x + WEIGHTS + feature // 4 * step, tiles, step)
    if lines < columns:
        _multiply_block(copied + lines, pitch, x + WEIGHTS + lines // 4 * step, tiles, step)
    _store_sums(sums, tiles, TILE_ROW, step)


@inline
def _multiply_block(rows, pitch, weights, tiles, step):
    """Add the products of 64 features of 16 rows."""
    load_tile(4, rows, pitch)
    if tiles > 1:
        load_tile(5, weights, step)
        add_unsigned_signed(0, 4, 5)
    if tiles > 2:
        load_tile(6, weights + TILE_ROW, step)
        add_unsigned_signed(1, 4, 6)
    if tiles > 3:
        load_tile(5, weights + 2 * TILE_ROW, step)
        add_unsigned_signed(2, 4, 5)
    load_tile(7, weights + step - TILE_ROW, step)
    add_unsigned_signed(3, 4, 7)


@inline
def _store_sums(sums, tiles, tile_step, step):
    if tiles > 1:
        store_tile(0, sums, step)
    if tiles > 2:
        store_tile(1, sums + tile_step, step)
    if tiles > 3:
        store_tile(2, sums + 2 * tile_step, step)
    store_tile(3, sums + (tiles - 1) * tile_step, step)


@inline
def sum_of_row(sums, row, v, fan_out, like):
    """One row's sums, a lane for each output; other lanes are finite numbers."""
    return sum_of_digits(sums + row * _tiles(fan_out) * TILE_ROW, DIGITS * fan_out, OF_FEATURES, like)


@inline
def write_deltas(x, dZ, dz_row, rows, fan_out, like):
    """Digits of the deltas of all rows, by steps that are known, and zeros up to whole tiles."""
    square, zero, step = x + SQUARE_OF_INTEGERS, splat(np.int32(0)), load(x + DELTA_STEPS, like)
    for start in range(0, (rows + BLOCK - 1) // BLOCK * BLOCK, LANES):
        for i in range(LANES):
            if start + i < rows:
                value = whole(mul(load(dZ + (start + i) * dz_row, like), step))
                store(square + i * TILE_ROW, digits_of(value))
            else:
                store(square + i * TILE_ROW, zero)
        transpose_square(square, TILE_ROW, square, TILE_ROW, np.int32(0))
        target = x + DELTAS + start // BLOCK * DELTAS_BYTES + start % BLOCK
        for i in range(fan_out):
            digits = reorder_digits(load(square + i * TILE_ROW, np.int32(0)), BY_DIGITS)
            store_quarters(target + i * DIGITS * TILE_ROW, TILE_ROW, digits)


@inline
def multiply_columns(bank, x, x_columns, half, rows, columns, fan_out, sums):
    """Exact sums of 16 features, half a block of W, over all rows, for sum_of_column."""
    copy, step = x + x_columns + half * COPIED_TILE, inline_copied_rows_bytes(columns)
    deltas, tiles = x + DELTAS, _tiles(fan_out)
    _zero_sums()
    for _ in range(0, rows, BLOCK):
        load_tile(5, copy, TILE_ROW)
        if tiles > 1:
            load_tile(4, deltas, TILE_ROW)
            add_signed_unsigned(0, 4, 5)
        if tiles > 2:
            load_tile(6, deltas + TILE_BYTES, TILE_ROW)
            add_signed_unsigned(1, 6, 5)
        if tiles > 3:
            load_tile(4, deltas + 2 * TILE_BYTES, TILE_ROW)
            add_signed_unsigned(2, 4, 5)
        load_tile(7, deltas + (tiles - 1) * TILE_BYTES, TILE_ROW)
        add_signed_unsigned(3, 7, 5)
        copy, deltas = copy + step, deltas + DELTAS_BYTES
    _store_sums(sums, tiles, TILE_BYTES, TILE_ROW)


@inline
def sum_of_column(sums, i, like):
    """One output's sums, a lane for each feature."""
    return sum_of_digits(sums + i * DIGITS * TILE_ROW, TILE_ROW, OF_ROWS, like)
