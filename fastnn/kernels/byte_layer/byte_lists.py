"""Byte tiles, and what they read: rows of bytes beside their transposed copy, lists of what is not zero.

A thread's input has the bytes of a chunk's rows, and `x_columns` bytes from its beginning the same
transposed: for each group of 32 rows 32 bytes for each feature. Before the copy lies room for one list, and
before that two bitmaps, which the transposition leaves in passing. What lists are for, narrow.py says.
"""

from fastnn.kernels.bits import WORD, write_steps
from fastnn.kernels.byte_layer.byte_vectors import SQUARE, transpose_bytes
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load_scalar
from fastnn.kernels.simd import lanes_of, size_of
from fastnn.kernels.target import LINE
from fastnn.kernels.tile_kinds import ROW_BYTES, TALLEST_BYTES, inline_slot
from fastnn.kernels.tiles import call_tile

BYTE_ROW = 32  # rows of a group: bytes of one of its features
LISTED_ROWS = 512  # of a chunk, with some to spare
ROW_BITS_BYTES = LISTED_ROWS // 8
WIDEST_PANEL = 32  # columns
PAIR = 8  # bytes of one entry of a list: two int32, the first of them in the low half


def row_bytes(columns):
    """From one row of bytes to the next: whole lines, an odd number of them, for the sets of L1."""
    return ((columns + LINE - 1) // LINE | 1) * LINE


def group_bytes(columns):
    """One group of 32 rows, transposed: whole squares, and a line against equal sets of L1."""
    return (columns + SQUARE - 1) // SQUARE * SQUARE * BYTE_ROW + LINE


def list_bytes(columns):
    """Room for a list, which lies before the transposed copy: of features, or of rows."""
    return PAIR * (columns + LISTED_ROWS)


def bits_bytes(columns):
    """Room for two bitmaps, which lie before the list, see _bitmaps."""
    squares, words = (columns + SQUARE - 1) // SQUARE, (columns + WORD - 1) // WORD
    return squares * ROW_BITS_BYTES + LISTED_ROWS // SQUARE * words * (WORD // 8)


def columns_offset(header, rows, columns):
    """From a thread's input to its transposed copy, for chunks of at most `rows` rows after a header."""
    groups = -(-rows // BYTE_ROW)
    return header + groups * BYTE_ROW * row_bytes(columns) + bits_bytes(columns) + list_bytes(columns)


def input_bytes(header, rows, columns):
    """Room for a thread's input."""
    size = columns_offset(header, rows, columns) + -(-rows // BYTE_ROW) * group_bytes(columns)
    return -(-size // LINE) * LINE


inline_row_bytes, inline_list_bytes = inline(row_bytes), inline(list_bytes)
_group_bytes, _bits_bytes = inline(group_bytes), inline(bits_bytes)


@inline
def list_at(copy, columns):
    """Address of the list."""
    return copy - inline_list_bytes(columns)


@inline
def copied_row(copy, columns, row):
    """Address of a row's first feature in the transposed copy; the next one is BYTE_ROW bytes further."""
    return copy + row // BYTE_ROW * _group_bytes(columns) + row % BYTE_ROW


@inline
def _bitmaps(copy, columns):
    """(bits of rows, bits of features, from those of 16 rows to the next), before the transposed copy.

    For each 16 features a bit for each row, whether it has any of them; and for each 16 rows a bit for each
    feature, whether any of them has it. Lists are made of these: looking at the bytes again took a quarter of
    the time of the products.
    """
    rows_at = copy - inline_list_bytes(columns) - _bits_bytes(columns)
    pitch = (columns + WORD - 1) // WORD * (WORD // 8)
    return rows_at, rows_at + (columns + SQUARE - 1) // SQUARE * ROW_BITS_BYTES, pitch


@inline
def transpose_rows(rows, copy, columns, first, last, begin, end):
    """Columns begin..end of rows first..last, in whole squares of rows, into the copy; and their bits."""
    lines = begin + (end - begin) // LINE * LINE
    for i in range(first // SQUARE * SQUARE, last, SQUARE):
        for column in range(begin, lines, LINE):
            _transpose(rows, copy, columns, i, column, 4)
        for column in range(lines, end, SQUARE):
            _transpose(rows, copy, columns, i, column, 1)


@inline
def _transpose(rows, copy, columns, i, column, squares):
    row_bits, feature_bits, bits_pitch = _bitmaps(copy, columns)
    pitch = inline_row_bytes(columns)
    transpose_bytes(
        rows + i * pitch + column,
        pitch,
        copied_row(copy, columns, i) + column * BYTE_ROW,
        BYTE_ROW,
        feature_bits + i // SQUARE * bits_pitch + column // 8,
        row_bits + column // SQUARE * ROW_BITS_BYTES + i // 8,
        ROW_BITS_BYTES,
        squares,
    )


@inline
def list_features(copy, columns, start, begin, end, block_bytes, like):
    """Of features begin..end that any row of a panel has: (offset in W, in the copy); returns how many.

    block_bytes   of W from one panel of features to the next; inside, features lie side by side
    """
    panel, pairs = 2 * lanes_of(like), list_at(copy, columns)
    place = pairs
    _, bits, pitch = _bitmaps(copy, columns)
    for block in range(begin, end, panel):
        word = 0
        for row in range(start, start + panel, SQUARE):
            word |= load_scalar(bits + row // SQUARE * pitch + block // 8, 0)
        word = word >> block % 8 & (1 << min(panel, end - block)) - 1  # doubles in short vectors: panels of 4
        pair = block // panel * block_bytes | block * BYTE_ROW << 32
        place += PAIR * write_steps(word, pair, size_of(like) | BYTE_ROW << 32, place, WIDEST_PANEL)
    return (place - pairs) // PAIR


@inline
def list_rows(copy, columns, block, rows, dz_row, like):
    """Of all rows that have any feature of a panel: (offset in dZ, offset in the rows); returns how many."""
    panel, pairs = 2 * lanes_of(like), list_at(copy, columns)
    place, step = pairs, dz_row | inline_row_bytes(columns) << 32
    bits, _, _ = _bitmaps(copy, columns)
    for row in range(0, rows, WORD):
        word = 0
        for column in range(block * panel, min(columns, (block + 1) * panel), SQUARE):
            word |= load_scalar(bits + column // SQUARE * ROW_BITS_BYTES + row // 8, 0)
        if rows - row < WORD:
            word &= (1 << (rows - row)) - 1
        place += PAIR * write_steps(word, row * step, step, place, WORD)
    return (place - pairs) // PAIR


@inline
def call_byte_tiles(bank, family, fan_out, count, a, a_step, scale, b, c, start, pairs, mode, like):
    """Byte tiles over a list for all outputs, cut evenly into the fewest; arguments as of call_tile.

    a_step   bytes from one output's element of A to the next one's; in C and `start` it is a row
    """
    table = inline_slot(family, 2, 0)
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
