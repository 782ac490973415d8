"""What byte tiles read of X: where its rows are, a transposed copy of them, and bitmaps of what is not zero.

The update reads the rows where they are: copying them, too, took 11 of the 86 ns in which an MNIST row was
gathered. Forward needs other bytes side by side, those of one feature: in the copy each group of 32 rows has
32 bytes for each feature. It is called `copy` here, and all else lies before it in a thread's input:

  lists, bitmaps   see byte_lists.py
  DATA             address of X
  ADDRESSES        of each row, and of those that are fetched while the last ones are transposed
  OFFSETS          of each row, as lists want it (byte_lists.py)
  ENDS             the last columns of each row, less than a panel: behind those of the last row X may end
  END_ADDRESSES    of a square of rows, if they were where their last columns are in ENDS
"""

from fastnn.kernels.bits import WORD
from fastnn.kernels.byte_layer.byte_vectors import SQUARE, transpose_bytes
from fastnn.kernels.byte_layer.gathering import copy_rest
from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load_scalar, store_scalar
from fastnn.kernels.target import LINE

BYTE_ROW = 32  # rows of a group: bytes of one of its features
WIDEST_PANEL = 32  # columns
LISTED_ROWS = 512  # of a chunk, with some to spare
ROW_BITS_BYTES = LISTED_ROWS // 8
PAIR = 8  # bytes of an entry of a list

# Bytes from the copy back to where each begins.
ENDS = LISTED_ROWS * WIDEST_PANEL
END_ADDRESSES = ENDS + 8 * 2 * SQUARE
OFFSETS = END_ADDRESSES + 8 * LISTED_ROWS
ADDRESSES = OFFSETS + 8 * (LISTED_ROWS + SQUARE)
DATA = ADDRESSES + LINE


def group_bytes(columns):
    """One group of 32 rows, transposed: whole squares, and a line against equal sets of L1."""
    return (columns + SQUARE - 1) // SQUARE * SQUARE * BYTE_ROW + LINE


def list_bytes(columns):
    """Room for a list: of features, or of rows."""
    return PAIR * (columns + LISTED_ROWS)


def bits_bytes(columns):
    """Room for two bitmaps, see bitmaps."""
    squares, words = (columns + SQUARE - 1) // SQUARE, (columns + WORD - 1) // WORD
    return squares * ROW_BITS_BYTES + LISTED_ROWS // SQUARE * words * (WORD // 8)


def copy_offset(header, columns):
    """From a thread's input to its copy, after a header."""
    size = header + bits_bytes(columns) + list_bytes(columns) + DATA
    return -(-size // LINE) * LINE


def input_bytes(header, rows, columns):
    """Room for a thread's input, for chunks of at most `rows` rows."""
    return copy_offset(header, columns) + -(-rows // BYTE_ROW) * group_bytes(columns)


_list_bytes, _group_bytes, _bits_bytes = inline(list_bytes), inline(group_bytes), inline(bits_bytes)


@inline
def list_at(copy, columns):
    """Address of the list."""
    return copy - DATA - _list_bytes(columns)


@inline
def bitmaps(copy, columns):
    """(bits of rows, bits of features, from those of 16 rows to the next).

    For each 16 features a bit for each row, whether it has any of them; and for each 16 rows a bit for each
    feature, whether any of them has it. Lists are made of these: looking at the bytes again took a quarter of
    the time of the products.
    """
    rows_at = list_at(copy, columns) - _bits_bytes(columns)
    pitch = (columns + WORD - 1) // WORD * (WORD // 8)
    return rows_at, rows_at + (columns + SQUARE - 1) // SQUARE * ROW_BITS_BYTES, pitch


@inline
def copied_row(copy, columns, row):
    """Address of a row's first feature in the copy; the next one is BYTE_ROW bytes further."""
    return copy + row // BYTE_ROW * _group_bytes(columns) + row % BYTE_ROW


@inline
def first_of_end(columns, panel):
    """The first column of ENDS: where the last panel begins, or the last square, that a row does not fill."""
    width = max(panel, SQUARE)
    return columns // width * width


@inline
def end_of_row(copy, columns, row, panel):
    """Address of a row if it were where its end is in ENDS; the next one is WIDEST_PANEL bytes further."""
    return copy - ENDS + row * WIDEST_PANEL - first_of_end(columns, panel)


@inline
def gather(data, order, first, last, copy, columns, begin, end, panel):
    """Note where rows X[order[first:last]] are, and transpose their columns begin..end to the copy.

    data    address of X, (n, columns), uint8, C-contiguous
    begin   a multiple of SQUARE
    panel   columns of a row that a tile reads at a time
    """
    _note_addresses(data, order, first, last, copy, columns)
    lines, squares = begin + (end - begin) // LINE * LINE, columns // SQUARE * SQUARE
    rest = first_of_end(columns, panel)
    for row in range(0, last - first, SQUARE):
        rows = copy - ADDRESSES + 8 * row
        for column in range(begin, lines, LINE):
            _transpose(rows, copy, columns, row, column, 4)
        for column in range(lines, min(end, squares), SQUARE):
            _transpose(rows, copy, columns, row, column, 1)
        if end > rest:
            ends = end_of_row(copy, columns, row, panel)
            for i in range(SQUARE):
                copy_rest(load_scalar(rows + 8 * i, 0), ends + i * WIDEST_PANEL, rest, columns)
            if end > squares:
                for i in range(2 * SQUARE):  # nothing is to be fetched: the same once more
                    store_scalar(copy - END_ADDRESSES + 8 * i, ends + i % SQUARE * WIDEST_PANEL)
                _transpose(copy - END_ADDRESSES, copy, columns, row, squares, 1)


@inline
def _note_addresses(data, order, first, last, copy, columns):
    """Where a square of rows is not full the last row again; and then those that are to be fetched."""
    count = last - first
    whole = (count + SQUARE - 1) // SQUARE * SQUARE
    store_scalar(copy - DATA, data)
    for i in range(whole):
        k = min(first + i, last - 1)
        store_scalar(copy - ADDRESSES + 8 * i, data + order[k] * columns)
    for i in range(SQUARE):
        k = min(last + i, order.shape[0] - 1)
        store_scalar(copy - ADDRESSES + 8 * (whole + i), data + order[k] * columns)


@inline
def _transpose(addresses, copy, columns, row, column, squares):
    row_bits, feature_bits, bits_pitch = bitmaps(copy, columns)
    transpose_bytes(
        addresses,
        column,
        copied_row(copy, columns, row) + column * BYTE_ROW,
        BYTE_ROW,
        feature_bits + row // SQUARE * bits_pitch + column // 8,
        row_bits + column // SQUARE * ROW_BITS_BYTES + row // 8,
        ROW_BITS_BYTES,
        squares,
    )
