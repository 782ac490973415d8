"""Lists of what byte tiles do not skip, and calls of tiles over them; what lists are for, narrow.py says.

An entry has two offsets: in A, in its low bits (tile_ir.py says how many), and in B.
"""

from fastnn.kernels.bits import WORD, write_chosen, write_steps
from fastnn.kernels.byte_layer.byte_input import (
    ADDRESSES,
    BYTE_ROW,
    DATA,
    OFFSETS,
    PAIR,
    ROW_BITS_BYTES,
    bitmaps,
    end_of_row,
    first_of_end,
    list_at,
)
from fastnn.kernels.byte_layer.byte_vectors import SQUARE
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load_scalar, store_scalar
from fastnn.kernels.simd import lanes_of, size_of
from fastnn.kernels.tile_ir import COLUMNS_SHIFT, ROWS_SHIFT
from fastnn.kernels.tile_kinds import ROW_BYTES, TALLEST_BYTES, inline_slot
from fastnn.kernels.tiles import call_tile


@inline
def list_features(copy, columns, start, begin, end, block_bytes, like):
    """Of features begin..end that any row of a panel has: (offset in W, in the copy); returns how many.

    block_bytes   of W from one panel of features to the next; inside, features lie side by side
    """
    panel, pairs = 2 * lanes_of(like), list_at(copy, columns)
    place = pairs
    _, bits, pitch = bitmaps(copy, columns)
    for block in range(begin, end, panel):
        word = 0
        for row in range(start, start + panel, SQUARE):
            word |= load_scalar(bits + row // SQUARE * pitch + block // 8, 0)
        word = word >> block % 8 & (1 << min(panel, end - block)) - 1  # doubles in short vectors: panels of 4
        pair = block // panel * block_bytes | block * BYTE_ROW << ROWS_SHIFT
        step = size_of(like) | BYTE_ROW << ROWS_SHIFT
        place += PAIR * write_steps(word, pair, step, place, like)
    return (place - pairs) // PAIR


@inline
def note_offsets(copy, rows, dz_row):
    """For list_rows: (offset in dZ, whose rows are dz_row bytes apart, offset in X) of each row."""
    data = load_scalar(copy - DATA, 0)
    for row in range(rows):
        offset = load_scalar(copy - ADDRESSES + 8 * row, 0) - data
        store_scalar(copy - OFFSETS + 8 * row, offset << COLUMNS_SHIFT | row * dz_row)


@inline
def _note_ends(copy, columns, rows, dz_row, panel):
    """The same with offsets in X to where their ends are instead."""
    data = load_scalar(copy - DATA, 0)
    for row in range(rows):
        offset = end_of_row(copy, columns, row, panel) - data
        store_scalar(copy - OFFSETS + 8 * row, offset << COLUMNS_SHIFT | row * dz_row)


@inline
def list_rows(copy, columns, begin, end, rows, dz_row, like):
    """Of all rows that have any of the features begin..end: (offset in dZ, offset in X); returns how many.

    begin   of a panel, or of a square in one
    Notes   features come in ascending order after note_offsets: the last may leave offsets of its own.
    """
    panel, pairs = 2 * lanes_of(like), list_at(copy, columns)
    place = pairs
    bits, _, _ = bitmaps(copy, columns)
    if begin >= first_of_end(columns, panel):
        _note_ends(copy, columns, rows, dz_row, panel)
    for row in range(0, rows, WORD):
        word = 0
        for column in range(begin, min(columns, end), SQUARE):
            word |= load_scalar(bits + column // SQUARE * ROW_BITS_BYTES + row // 8, 0)
        if rows - row < WORD:
            word &= (1 << (rows - row)) - 1
        place += PAIR * write_chosen(word, copy - OFFSETS + 8 * row, place)
    return (place - pairs) // PAIR


@inline
def call_byte_tiles(bank, family, vectors, fan_out, count, a, a_step, scale, b, c, start, pairs, mode, like):
    """Byte tiles over a list for all outputs, cut evenly into the fewest; arguments as of call_tile.

    a_step   bytes from one output's element of A to the next one's; in C and `start` it is a row
    """
    table = inline_slot(family, vectors, 0)
    pieces = (fan_out + TALLEST_BYTES - 1) // TALLEST_BYTES
    for piece in range(pieces):
        i = fan_out * piece // pieces
        call_tile(
            bank[table + fan_out * (piece + 1) // pieces - i],
            count,
            a + i * a_step,
            scale,
            b,
            c + i * ROW_BYTES,
            start + i * ROW_BYTES,
            pairs,
            mode,
            like,
        )
