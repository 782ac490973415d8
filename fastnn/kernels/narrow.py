"""The first layer where it has few outputs and X is uint8: digits into ten units, say.

There the ordinary tiles waste lanes (10 outputs fill 10 of 16), and writing X as floats takes as long as
multiplying it. So here lanes are samples forward and features backward, both full; X stays bytes until it is
in a register; and steps in which all lanes are zero are left out (of MNIST 42 % forward, 30 % backward):

  forward  Zᵀ = Wᵀ Xᵀ  BYTE_ROWS     lanes are 2 vectors of samples, tile rows are outputs
  update   dWᵀ = dZᵀ X  BYTE_COLUMNS  lanes are 2 vectors of features, tile rows are outputs

Every element is the chain that matmul.py computes, in the same order, of the same products: the same bits.

  W   each block of a panel's width is stored transposed, in its ordinary place: 32 features are a panel row
      of each output. Whatever goes block by block, or element by element, never notices.
  x   a thread's input: a header, the bytes of the rows, and `x_columns` bytes further the same transposed,
      for each group of 32 rows 32 bytes for each feature

784-10-10 in batches of 64 takes 270 ns a row so on one thread at 3.9 GHz (gather 76, forward 62, update 77
when each is timed alone), and 1.4 times as long through the ordinary tiles. Of the 13 cycles that a step
takes in the tile 10 are multiplications, the rest conversions. Built and left out, for they were no faster:
one list for each row, with a feature's weights in one vector (253 ns where these took 255, with slower lists
than now); fetching the rows of the next chunk during the update (the gather became as much shorter as the
update longer); fetching the sums and deltas that lie in another core's cache.
"""

import numpy as np

from fastnn.kernels.bits import WORD, write_steps
from fastnn.kernels.byte_vectors import SQUARE, copy_bytes, transpose_bytes
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.matmul import bias_update
from fastnn.kernels.memory import load, load_scalar, prefetch, store, store_scalar, transpose_square
from fastnn.kernels.samples import block_of
from fastnn.kernels.simd import constant, lanes_of, size_of, splat
from fastnn.kernels.target import LINE, VECTOR_BYTES
from fastnn.kernels.tile_ir import (
    BYTE_COLUMNS,
    BYTE_ROWS,
    CONTINUE,
    DESCEND,
    ROW_BYTES,
    STORE,
    TALLEST_BYTES,
)
from fastnn.kernels.tiles import SLOTS, call_tile

BYTE_ROW = 32  # rows of a group: bytes of one of its features
MOST_OUTPUTS = 16  # more of them fill the ordinary tiles
MOST_ROWS = 512  # of a chunk, with some to spare
ROW_BITS_BYTES = MOST_ROWS // 8
WIDEST_PANEL = 32  # columns
AHEAD = 4  # rows to fetch ahead of gathering them
PAIR = 8  # bytes of one entry of a list: two int32, the first of them in the low half
# A thread's header: the scale of X; biases, each on all lanes of a row.
_BIASES = LINE
_ROWS = _BIASES + MOST_OUTPUTS * ROW_BYTES
SUMS_BYTES = MOST_OUTPUTS * ROW_BYTES  # Zᵀ of one panel of rows


def row_bytes(columns):
    """From one row of bytes to the next: whole lines, an odd number of them, for the sets of L1."""
    return ((columns + LINE - 1) // LINE | 1) * LINE


def group_bytes(columns):
    """One group of 32 rows, transposed: whole squares, and a line against equal sets of L1."""
    return (columns + SQUARE - 1) // SQUARE * SQUARE * BYTE_ROW + LINE


def list_bytes(columns):
    """Room for a list, which lies before the transposed copy: of features, or of rows."""
    return PAIR * (columns + MOST_ROWS)


def bits_bytes(columns):
    """Room for two bitmaps, which lie before the list, see _bitmaps."""
    squares, words = (columns + SQUARE - 1) // SQUARE, (columns + WORD - 1) // WORD
    return squares * ROW_BITS_BYTES + MOST_ROWS // SQUARE * words * (WORD // 8)


def columns_offset(rows, columns):
    """From a thread's input to its transposed copy, for chunks of at most `rows` rows."""
    return (
        _ROWS
        + -(-rows // BYTE_ROW) * BYTE_ROW * row_bytes(columns)
        + bits_bytes(columns)
        + list_bytes(columns)
    )


def input_bytes(rows, columns):
    """Room for a thread's input."""
    return -(-(columns_offset(rows, columns) + -(-rows // BYTE_ROW) * group_bytes(columns)) // LINE) * LINE


_row_bytes, _group_bytes, _list_bytes = inline(row_bytes), inline(group_bytes), inline(list_bytes)
_bits_bytes = inline(bits_bytes)


@inline
def _bitmaps(columns_at, columns):
    """(bits of rows, bits of features, from those of 16 rows to the next), before the transposed copy.

    For each 16 features a bit for each row, whether it has any of them; and for each 16 rows a bit for each
    feature, whether any of them has it. Lists are made of these: looking at the bytes again took a quarter of
    the time of the products.
    """
    rows_at = columns_at - _list_bytes(columns) - _bits_bytes(columns)
    pitch = (columns + WORD - 1) // WORD * (WORD // 8)
    return rows_at, rows_at + (columns + SQUARE - 1) // SQUARE * ROW_BITS_BYTES, pitch


@jit
def gather_bytes(data, order, first, last, row, x, x_columns, columns, scale, first_panel, last_panel):
    """Rows X[order[first:last]] as they are to rows row .. of `x`, and transposed.

    data     address of X, (n, columns), uint8, C-contiguous
    Writes   columns of panels first_panel..last_panel, rounded to whole squares; `scale` for the tiles
    Notes    bytes beyond the last column are left as they are, and nothing that counts is made of them
    """
    panel, pitch = 2 * lanes_of(scale), _row_bytes(columns)
    store_scalar(x, scale)
    begin, end = first_panel * panel // SQUARE * SQUARE, min(columns, last_panel * panel)
    if begin >= end:
        return
    whole = max(begin, end // SQUARE * SQUARE)
    rows = x + _ROWS
    for i in range(first, last):
        source, target = data + order[i] * columns, rows + (row + i - first) * pitch
        if i + AHEAD < order.shape[0]:  # also the first rows of the next chunk
            ahead = data + order[i + AHEAD] * columns
            for column in range(begin, end, LINE):
                prefetch(ahead + column)
        lines = begin + (whole - begin) // LINE * LINE
        for column in range(begin, lines, LINE):
            copy_bytes(source + column, target + column, LINE)
        for column in range(lines, whole, SQUARE):
            copy_bytes(source + column, target + column, SQUARE)
        for column in range(whole, end):
            store_scalar(target + column, load_scalar(source + column, np.uint8(0)))
    lines = begin + (end - begin) // LINE * LINE
    for i in range(row // SQUARE * SQUARE, row + last - first, SQUARE):
        for column in range(begin, lines, LINE):
            _transpose(rows, pitch, x + x_columns, columns, i, column, 4)
        for column in range(lines, end, SQUARE):
            _transpose(rows, pitch, x + x_columns, columns, i, column, 1)


@inline
def _transpose(rows, pitch, columns_at, columns, i, column, squares):
    """Rows i .. i + 16 of so many squares, from `column` on, into the transposed copy; and their bits."""
    row_bits, feature_bits, bits_pitch = _bitmaps(columns_at, columns)
    group = columns_at + i // BYTE_ROW * _group_bytes(columns) + i % BYTE_ROW
    transpose_bytes(
        rows + i * pitch + column,
        pitch,
        group + column * BYTE_ROW,
        BYTE_ROW,
        feature_bits + i // SQUARE * bits_pitch + column // 8,
        row_bits + column // SQUARE * ROW_BITS_BYTES + i // 8,
        ROW_BITS_BYTES,
        squares,
    )


@jit
def forward_narrow(
    bank,
    first,
    last,
    x,
    x_columns,
    W,
    b,
    sums,
    Z,
    z_panel,
    fan_in,
    fan_out,
    first_panel,
    last_panel,
    mode,
    like,
):
    """forward_tiles from bytes: Z = X W + b for rows first..last, mode STORE or RELU.

    first_panel, last_panel   the features to add, in panels; with the last ones comes the end, before them
                              the sums stay at `sums`, for whoever adds the next
    sums                      room of SUMS_BYTES for one panel of rows; for several if all features are added
    """
    lanes, group = lanes_of(like), _group_bytes(fan_in)
    panel = 2 * lanes
    begin, end = first_panel * panel, min(fan_in, last_panel * panel)
    pieces = (fan_out + TALLEST_BYTES - 1) // TALLEST_BYTES
    table = (BYTE_ROWS * 2 + 1) * SLOTS
    pairs = x + x_columns - _list_bytes(fan_in)
    beginnings = sums
    if begin == 0:
        beginnings = x + _BIASES
        for i in range(fan_out):
            value = splat(load_scalar(b + i * size_of(like), like))
            store(beginnings + i * ROW_BYTES, value)
            store(beginnings + i * ROW_BYTES + VECTOR_BYTES, value)
    for start in range(first // panel * panel, last, panel):
        columns = x + x_columns + start // BYTE_ROW * group + start % BYTE_ROW
        count = _list_features(x + x_columns, fan_in, start, begin, end, pairs, like)
        for piece in range(pieces):
            i = fan_out * piece // pieces
            height = fan_out * (piece + 1) // pieces - i
            call_tile(
                bank[table + height],
                count,
                W + i * ROW_BYTES,
                x,
                columns,
                sums + i * ROW_BYTES,
                beginnings + i * ROW_BYTES,
                pairs,
                mode if end == fan_in else STORE,
                like,
            )
        if end == fan_in:
            _turn_back(sums, start, first, last, Z, z_panel, fan_out, like)


@inline
def _list_features(columns_at, fan_in, start, begin, end, pairs, like):
    """Of features begin..end that any row of a panel has: (offset in W, in the panel); returns how many."""
    panel, place = 2 * lanes_of(like), pairs
    _, bits, pitch = _bitmaps(columns_at, fan_in)
    for block in range(begin, end, panel):
        word = 0
        for row in range(start, start + panel, SQUARE):
            word |= load_scalar(bits + row // SQUARE * pitch + block // 8, 0)
        word = word >> block % 8 & (1 << min(panel, end - block)) - 1  # doubles in short vectors: panels of 4
        pair = block * ROW_BYTES | block * BYTE_ROW << 32
        place += PAIR * write_steps(word, pair, size_of(like) | BYTE_ROW << 32, place, WIDEST_PANEL)
    return (place - pairs) // PAIR


@inline
def _list_rows(columns_at, fan_in, block, rows, dz_row, pitch, pairs, like):
    """Of all rows that have any feature of a panel: (offset in dZ, offset in the rows); returns how many."""
    panel, place, step = 2 * lanes_of(like), pairs, dz_row | pitch << 32
    bits, _, _ = _bitmaps(columns_at, fan_in)
    for row in range(0, rows, WORD):
        word = 0
        for column in range(block * panel, min(fan_in, (block + 1) * panel), SQUARE):
            word |= load_scalar(bits + column // SQUARE * ROW_BITS_BYTES + row // 8, 0)
        if rows - row < WORD:
            word &= (1 << (rows - row)) - 1
        place += PAIR * write_steps(word, row * step, step, place, WORD)
    return (place - pairs) // PAIR


@inline
def _turn_back(sums, start, first, last, Z, z_panel, fan_out, like):
    """Zᵀ of one panel of rows into those of its rows that are this thread's; pad columns become zeros."""
    lanes, zero = lanes_of(like), constant(0.0, 0.0, like)
    blocks = (fan_out + lanes - 1) // lanes
    for i in range(fan_out, blocks * lanes):
        store(sums + i * ROW_BYTES, zero)
        store(sums + i * ROW_BYTES + VECTOR_BYTES, zero)
    for v in range(2):
        low, high = max(first, start + v * lanes), min(last, start + (v + 1) * lanes)
        for block in range(blocks if low < high else 0):
            source = sums + block * lanes * ROW_BYTES + v * VECTOR_BYTES
            transpose_square(source, ROW_BYTES, source, ROW_BYTES, like)
            target = block_of(Z, z_panel, block, 0)
            for row in range(low, high):
                store(target + row * ROW_BYTES, load(source + (row - start - v * lanes) * ROW_BYTES, like))


@jit
def weight_update_narrow(
    bank,
    first,
    last,
    rows,
    x,
    x_columns,
    dZ,
    dz_row,
    W,
    w_panel,
    G,
    g_panel,
    b,
    gb,
    WT,
    wt_panel,
    fan_in,
    fan_out,
    mode,
    rate,
):
    """weight_update_tiles from bytes: dW = X' dZ over `rows` samples for blocks first..last of W.

    dz_row   bytes from one row of dZ to the next
    """
    panel, pitch = 2 * lanes_of(rate), _row_bytes(fan_in)
    pieces = (fan_out + TALLEST_BYTES - 1) // TALLEST_BYTES
    table = (BYTE_COLUMNS * 2 + 1) * SLOTS
    pairs = x + x_columns - _list_bytes(fan_in)
    for block in range(first, last):
        features = x + _ROWS + block * panel
        count = _list_rows(x + x_columns, fan_in, block, rows, dz_row, pitch, pairs, rate)
        for piece in range(pieces if count != 0 or mode & (CONTINUE | DESCEND) != DESCEND else 0):
            i = fan_out * piece // pieces
            height = fan_out * (piece + 1) // pieces - i
            offset = (block * panel + i) * ROW_BYTES
            call_tile(
                bank[table + height],
                count,
                dZ + i * size_of(rate),
                x,
                features,
                (W if mode & DESCEND else G) + offset,
                G + offset,
                pairs,
                mode,
                rate,
            )
        if block == 0:
            vectors = 2 if fan_out > lanes_of(rate) else 1
            bias_update(rows, vectors, dZ, dz_row, b, gb, mode, rate)
