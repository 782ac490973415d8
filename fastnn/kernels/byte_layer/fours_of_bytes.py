"""Exact products of bytes and integers four bytes at a time, for exact.py, of what operands.py has laid out.

For CPUs with AVX-512 VNNI, and without AMX. Zeros are skipped, by lists of the fours that are not:

  forward  two rows at a time, the fours of features that either has: lanes are the digits of outputs
  update   8 features at a time, the fours of rows: lanes are these features, times the digits of the deltas

784-10-10, all 60,000 rows a step, takes 18.2 ms an epoch so on one thread of an AMD EPYC (Zen 4), and 9.4 on
two cores; by tiles_of_doubles.py 32.6 and 16.7. Of MNIST's 196 fours a row 56 are not zeros, and 77 of two
rows; but these read weights once, not twice, and 31 KB of weights are all of L1: row by row it took 18.9, and
where two threads share a core 17 instead of 13. With vectors of 64 bytes, where more lanes have to be zero,
it was a sixth longer: of the fours of 16 features 77 % are not zeros, and 60 % of those of 8; and rows of
weights that are filled up to 64 bytes do not fit into L1. While a chunk is worked with, the rows that follow
it in X are fetched to L2, for gathering reads them faster than they come; without that it was a fifth longer.
A quarter of the time is forward, a third the update, a tenth each gathering and making digits of the deltas.
"""

import numpy as np

from fastnn.kernels.bits import WORD, nonzero_bits, write_list
from fastnn.kernels.byte_layer.four_bytes import (
    FOURS,
    MOST_COLUMNS,
    VECTOR,
    add_listed,
    list_fours,
    multiply_listed,
    note_fours,
)
from fastnn.kernels.byte_layer.layout import (
    BLOCK,
    COPIED_TILE,
    DELTAS,
    DIGITS,
    PLACE_OF_ROWS,
    ROWS_IN_PLACE,
    WEIGHTS,
    inline_copied_rows_bytes,
    inline_list_offset,
    inline_row_bytes,
    inline_rows_offset,
)
from fastnn.kernels.byte_layer.operands import DELTAS_BYTES, ROWS_TOGETHER, row_of_digits
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load_scalar, prefetch_l2, store_scalar
from fastnn.kernels.target import LINE

MOST_OUTPUTS_TOGETHER = MOST_COLUMNS // DIGITS
FLAGS = WORD  # bytes: one for each four of rows of a chunk


@inline
def set_up_forward(x):
    """Nothing to be done before multiply_rows."""


@inline
def set_up_update(x, x_columns, rows, fan_out):
    """Nothing to be done before multiply_columns."""


@inline
def finish():
    """Nothing is left to do."""


@inline
def multiply_rows(bank, x, x_columns, start, columns, fan_out, sums):
    """Exact sums of ROWS_TOGETHER rows from `start` on over all features, for sum_of_row."""
    pitch, lines, row_of_sums = inline_row_bytes(columns), columns // BLOCK * BLOCK, row_of_digits(fan_out)
    copied, fours, weights = x + inline_rows_offset(columns), x + inline_list_offset(columns), x + WEIGHTS
    rows, rows_pitch = copied, pitch
    if start < load_scalar(x + ROWS_IN_PLACE, 0):
        rows, rows_pitch = load_scalar(x + PLACE_OF_ROWS, 0), columns
    for i in range(0, ROWS_TOGETHER, 2):
        row, totals, count = rows + (start + i) * rows_pitch, sums + i * row_of_sums, 0
        for place in range(totals, totals + 2 * row_of_sums, 8):
            store_scalar(place, 0)
        for place in range(row, row + lines, BLOCK):
            count += list_fours(place, place + rows_pitch, (place - row) // 4, fours + 4 * count)
        add_listed(count, fours, row, rows_pitch, weights, totals, row_of_sums // VECTOR)
        if lines < columns:
            row = copied + (start + i) * pitch
            count = list_fours(row + lines, row + lines + pitch, lines // 4, fours)
            add_listed(count, fours, row, pitch, weights, totals, row_of_sums // VECTOR)


@inline
def multiply_columns(bank, x, x_columns, half, rows, columns, fan_out, sums):
    """Exact sums of 16 features, half a block of W, over all rows, for sum_of_column."""
    copy, step = x + x_columns + half * COPIED_TILE, inline_copied_rows_bytes(columns)
    flags, fours = x + inline_list_offset(columns), x + inline_list_offset(columns) + 2 * FLAGS
    blocks, pieces = (rows + BLOCK - 1) // BLOCK, (fan_out - 1) // MOST_OUTPUTS_TOGETHER + 1
    for block in range(blocks):
        note_fours(copy + block * step, flags + block * FOURS, flags + FLAGS + block * FOURS)
    for part in range(2):
        chosen = nonzero_bits(flags + part * FLAGS, np.uint8(0))
        if blocks * FOURS < WORD:
            chosen &= (1 << (blocks * FOURS)) - 1
        count = write_list(chosen, 0, fours)
        for piece in range(pieces):
            first = DIGITS * (fan_out * piece // pieces)
            height = DIGITS * (fan_out * (piece + 1) // pieces) - first
            deltas, target = x + DELTAS + first * LINE, sums + first * LINE + part * VECTOR
            multiply_listed(count, fours, copy + part * VECTOR, step, deltas, DELTAS_BYTES, target, height)
    if load_scalar(x + ROWS_IN_PLACE, 0) > 0:
        ahead = load_scalar(x + PLACE_OF_ROWS, 0) + rows * columns + half * 16 * rows
        for place in range(ahead, ahead + 16 * rows, LINE):
            prefetch_l2(place)
