"""Exact products of bytes and integers on AMX tiles, for exact.py, of what operands.py has laid out.

  forward  16 rows of X, 64 features a step, times the digits of W, a column for each digit of each output
  update   the digits of dZ, a row for each digit of each output and 64 rows of X a step, times 16 features of
           X: a tile multiplies four bytes of a row by four of a column

So 10 outputs take 3 tiles of sums. Storing one takes as long as multiplying it once (17 cycles), which is why
they are filled up. Zeros of X are not skipped.

Tiles 0 to 3 hold sums, 3 those of the last columns or rows; 4 to 7 are what is multiplied.
"""

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
from fastnn.kernels.byte_layer.layout import (
    BLOCK,
    CONFIGURATION,
    COPIED_TILE,
    DELTAS,
    DIGITS,
    PLACE_OF_ROWS,
    ROWS_IN_PLACE,
    WEIGHTS,
    inline_copied_rows_bytes,
    inline_row_bytes,
    inline_rows_offset,
)
from fastnn.kernels.byte_layer.operands import DELTAS_BYTES, row_of_digits
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load_scalar


@inline
def _tiles(fan_out):
    """Tiles for a column, or row, of 16 for each digit of each output."""
    return row_of_digits(fan_out) // TILE_ROW


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
def _zero_sums():
    zero_tile(0)
    zero_tile(1)
    zero_tile(2)
    zero_tile(3)


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
