"""Exact products of bytes and integers in doubles, for exact.py on CPUs without AMX: no sum needs 53 bits.

Byte tiles multiply (tile_ir.py), as in narrow.py, by lists of what is not zero:

  forward  Zᵀ = Wᵀ Xᵀ  BYTE_ROWS     lanes are 2 vectors of samples, tile rows are outputs
  update   dWᵀ = dZᵀ X  BYTE_COLUMNS  lanes are 2 vectors of features, tile rows are outputs

Two vectors of doubles are one of floats: a panel here is LANES rows, or features.

Bitmaps are of squares of 16 rows, or features. Where fewer are in a panel, as with AVX2, its list is that of
the panel before.

  weights  of each LANES features a panel row for each of 16 outputs
  deltas   16 doubles a row of X
"""

from fastnn.kernels.byte_layer.byte_input import DATA, copied_row, gather, list_at
from fastnn.kernels.byte_layer.byte_lists import call_byte_tiles, list_features, list_rows, note_offsets
from fastnn.kernels.byte_layer.byte_vectors import SQUARE
from fastnn.kernels.byte_layer.integers import OF_FEATURES, OF_ROWS, store_doubles, sum_of_doubles, whole
from fastnn.kernels.byte_layer.layout import (
    DELTA_BYTES,
    DELTA_STEPS,
    DELTAS,
    LANES,
    LISTED_COUNT,
    LISTED_SQUARE,
    ONE,
    WEIGHT_STEPS,
    WEIGHTS,
    ZEROS,
    weights_at,
)
from fastnn.kernels.byte_layer.narrow import SUMS_BYTES
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import first_lanes, load, load_scalar, store, store_scalar, transpose_square
from fastnn.kernels.simd import constant, mul, size_of, splat
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import BYTE_COLUMNS, BYTE_ROWS, ROW_BYTES, STORE

HALF = LANES // 2  # of a vector of doubles
TURNED = SUMS_BYTES  # from sums of rows to where they follow turned back


@inline
def set_up_forward(x):
    """Zeros for the tiles to start from, and no list yet."""
    store_scalar(x + LISTED_SQUARE, -1)
    for place in range(0, SUMS_BYTES, VECTOR_BYTES):
        store(x + ZEROS + place, constant(0.0, 0.0, 0.0))


@inline
def set_up_update(x, x_columns, rows, fan_out):
    """To be called before multiply_columns."""
    store_scalar(x + LISTED_SQUARE, -1)
    note_offsets(x + x_columns, rows, DELTA_BYTES)


@inline
def finish():
    """Nothing is left to do."""


@inline
def _note_list(x, square, count):
    store_scalar(x + LISTED_SQUARE, square)
    store_scalar(x + LISTED_COUNT, count)


@inline
def gather_rows(data, order, first, last, x, x_columns, columns):
    """Where X[order[first:last]] are, and their transposed copy."""
    gather(data, order, first, last, x + x_columns, columns, 0, columns, LANES)


@inline
def write_weights(x, W, columns, fan_out, like):
    """All weights as integers, by steps that are known."""
    for feature in range(0, columns, LANES):
        place = weights_at(W, feature, like)
        target = x + WEIGHTS + feature // LANES * SUMS_BYTES
        for i in range(fan_out):
            value = first_lanes(place + i * ROW_BYTES, columns - feature, like)
            step = splat(load_scalar(x + WEIGHT_STEPS + i * size_of(like), like))
            store_doubles(target + i * ROW_BYTES, whole(mul(value, step)))


@inline
def multiply_rows(bank, x, x_columns, start, columns, fan_out, sums):
    """Exact sums of LANES rows from `start` on over all features, for sum_of_row."""
    copy = x + x_columns
    if load_scalar(x + LISTED_SQUARE, 0) != start // SQUARE:
        _note_list(x, start // SQUARE, list_features(copy, columns, start, 0, columns, SUMS_BYTES, 0.0))
    call_byte_tiles(
        bank,
        BYTE_ROWS,
        2,
        fan_out,
        load_scalar(x + LISTED_COUNT, 0),
        x + WEIGHTS,
        ROW_BYTES,
        x + ONE,
        copied_row(copy, columns, start),
        sums,
        x + ZEROS,
        list_at(copy, columns),
        STORE,
        0.0,
    )
    outputs = (fan_out + LANES - 1) // LANES * LANES
    for place in range(sums + fan_out * ROW_BYTES, sums + outputs * ROW_BYTES, VECTOR_BYTES):
        store(place, constant(0.0, 0.0, 0.0))
    for i in range(0, outputs, HALF):
        for v in range(2):
            target = sums + TURNED + v * HALF * DELTA_BYTES + i * 8
            transpose_square(sums + i * ROW_BYTES + v * VECTOR_BYTES, ROW_BYTES, target, DELTA_BYTES, 0.0)


@inline
def sum_of_row(sums, row, v, fan_out, like):
    """One row's sums, a lane for each of LANES outputs; of no output 0."""
    return sum_of_doubles(sums + TURNED + row * DELTA_BYTES + v * LANES * 8, OF_FEATURES, like)


@inline
def write_deltas(x, dZ, dz_row, rows, fan_out, like):
    """The deltas of all rows as integers, by steps that are known."""
    for v in range(0, fan_out * size_of(like), VECTOR_BYTES):
        step = load(x + DELTA_STEPS + v, like)
        for row in range(rows):
            value = whole(mul(load(dZ + row * dz_row + v, like), step))
            store_doubles(x + DELTAS + row * DELTA_BYTES + 2 * v, value)


@inline
def multiply_columns(bank, x, x_columns, half, rows, columns, fan_out, sums):
    """Exact sums of LANES features, half a block of W, over all rows, for sum_of_column."""
    copy, first, last = x + x_columns, half * LANES, (half + 1) * LANES
    if load_scalar(x + LISTED_SQUARE, 0) != first // SQUARE:
        _note_list(x, first // SQUARE, list_rows(copy, columns, first, last, rows, DELTA_BYTES, 0.0))
    call_byte_tiles(
        bank,
        BYTE_COLUMNS,
        2,
        fan_out,
        load_scalar(x + LISTED_COUNT, 0),
        x + DELTAS,
        8,
        x + ONE,
        load_scalar(copy - DATA, 0) + first,
        sums,
        sums,
        list_at(copy, columns),
        STORE,
        0.0,
    )


@inline
def sum_of_column(sums, i, like):
    """One output's sums, a lane for each feature."""
    return sum_of_doubles(sums + i * ROW_BYTES, OF_ROWS, like)
