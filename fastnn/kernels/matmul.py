"""The three products of a dense layer, as loops over register tiles (tiles.py).

  forward_tiles        Z = X W + b          for a range of rows
  forward_in_place     the same             for rows of a row-major X
  forward_unpacked     the same             for a panel's width of outputs of a row-major W, too
  forward_packing      the same             for more rows, and a W from anywhere, which it packs
  backward_tiles       dX = (dZ W') * g'    for a range of rows, from WT, a transposed copy of W
  weight_update_tiles  dW = X' dZ           for a range of W's blocks, with the SGD step in the store

Each takes a range, so that a thread team shares a product without sharing an output. Nothing is reduced
across threads. All other matrices are panel-major (panels.py).
A range of rows is cut evenly into the fewest tiles (64 rows -> 13, 13, 13, 13, 12): no junk rows, no
remainder tile of poor shape. There is no blocking over the reduction: a panel of W with 784 rows is
100 KB and streams from L2 at 9 B per cycle.
"""

from fastnn.kernels.activations import IDENTITY, times_derivative
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load, load_scalar, store, transpose_square
from fastnn.kernels.simd import add, constant, fma, kept, lanes_of, splat
from fastnn.kernels.strided import Strided
from fastnn.kernels.target import LINE, VECTOR_BYTES
from fastnn.kernels.tile_ir import LINES_AHEAD
from fastnn.kernels.tile_kinds import (
    COLUMNS,
    DESCEND,
    ROW_BYTES,
    ROWS,
    ROWS_IN_PLACE,
    ROWS_PACKING,
    ROWS_UNPACKED,
    STORE,
    TALLEST_NARROW,
    TALLEST_WIDE,
    inline_slot,
)
from fastnn.kernels.tiles import call_double_tile, call_tile


@inline
def _row_tiles(bank, first, last, A, a_row, offsets, B, start, C, inner, columns, mode, activation, G, like):
    """C[i] = start + sum_k A[i, k] B[k] for rows first..last; then, unless IDENTITY, C *= g'(G).

    a_row    bytes from one row of A to the next
    offsets  0 if A is in panels; else the address of those that tiles in place take
    """
    lanes, rows = lanes_of(like), last - first
    if rows <= 0:
        return
    panel = 2 * lanes
    share_of_B = (inner - 1) // panel * LINES_AHEAD * LINE  # what a tile fetches of the next panel
    for p in range((columns + panel - 1) // panel):
        vectors = 2 if columns - p * panel > lanes else 1
        tallest = TALLEST_WIDE if vectors == 2 else TALLEST_NARROW
        pieces = (rows + tallest - 1) // tallest
        table = inline_slot(ROWS_IN_PLACE if offsets else ROWS, vectors, 0)
        for piece in range(pieces):
            row = first + rows * piece // pieces
            height = first + rows * (piece + 1) // pieces - row
            target = C.at + p * C.step + row * ROW_BYTES
            call_tile(
                bank[table + height],
                inner,
                A.at + row * a_row,
                A.step,
                B.at + p * B.step,
                target,
                start.at + p * start.step,
                offsets if offsets else B.at + (p + 1) * B.step + piece * share_of_B,
                mode,
                like,
            )
            if activation != IDENTITY:
                slopes = G.at + p * G.step + row * ROW_BYTES
                times_derivative(activation, height, vectors, target, slopes, like)


@jit
def forward_tiles(bank, first, last, X, W, b, Z, fan_in, fan_out, mode, like):
    """Z = X W + b for rows first..last, mode STORE or RELU (fused into the store)."""
    start, none = Strided(b, ROW_BYTES), Strided(0, 0)
    _row_tiles(bank, first, last, X, ROW_BYTES, 0, W, start, Z, fan_in, fan_out, mode, IDENTITY, none, like)


@jit
def forward_in_place(bank, first, last, X, W, b, Z, fan_in, fan_out, mode, like):
    """forward_tiles where X is row-major, of like's type: nobody need gather it first.

    X   its `step` is the address of row_offsets (rows.py)
    """
    start, none, step = Strided(b, ROW_BYTES), Strided(0, 0), load_scalar(X.step + 8, 0)
    _row_tiles(bank, first, last, X, step, X.step, W, start, Z, fan_in, fan_out, mode, IDENTITY, none, like)


@jit
def forward_unpacked(bank, first, last, X, W, b, Z, fan_in, mode, like):
    """A panel of Z = X W + b for rows first..last of a row-major X, and as many columns of a row-major W.

    X      as for forward_in_place
    W      its first column; `step` is from row to row
    Z      address of the panel
    Notes  packing W takes as long as multiplying a dozen rows with it. Not so for W beyond L2: then rows of W
           in pages of their own take longer to come than a panel of it, each time that a tile reads them
    """
    rows, step = last - first, load_scalar(X.step + 8, 0)
    pieces = (rows + TALLEST_WIDE - 1) // TALLEST_WIDE
    for piece in range(pieces):
        row = first + rows * piece // pieces
        tile = bank[inline_slot(ROWS_UNPACKED, 2, first + rows * (piece + 1) // pieces - row)]
        x, z = X.at + row * step, Z + row * ROW_BYTES
        call_tile(tile, fan_in, x, W.step, W.at, z, b, X.step, mode, like)


@jit
def forward_packing(bank, first, last, X, W, b, Z, room, fan_in, mode, like):
    """forward_unpacked for more rows than a tile has, wherever W is: the first tile packs, others read that.

    b      its panel
    room   address of a packed panel of W
    """
    rows, step = last - first, load_scalar(X.step + 8, 0)
    height = rows // ((rows + TALLEST_WIDE - 1) // TALLEST_WIDE)
    tile = bank[inline_slot(ROWS_PACKING, 2, height)]
    x, z, columns = X.at + first * step, Z + first * ROW_BYTES, 2 * lanes_of(like)
    call_double_tile(tile, fan_in, x, W.step, W.at, z, b, X.step, mode, room, 0, like)
    packed, start, target, none = Strided(room, 0), Strided(b, 0), Strided(Z, 0), Strided(0, 0)
    begin = first + height
    _row_tiles(
        bank, begin, last, X, step, X.step, packed, start, target, fan_in, columns, mode, IDENTITY, none, like
    )


@jit
def backward_tiles(bank, first, last, dZ, WT, zeros, A, dX, fan_in, fan_out, activation, like):
    """dX = (dZ W') * g'(A) for rows first..last; A = g(Z) is the layer's input; `zeros` one row of zeros."""
    start = Strided(zeros, 0)
    _row_tiles(
        bank, first, last, dZ, ROW_BYTES, 0, WT, start, dX, fan_out, fan_in, STORE, activation, A, like
    )


@jit
def block_count(fan_in, fan_out, like):
    """Blocks of W, a panel of fan_in x a panel of fan_out each: the units that threads share."""
    panel = 2 * lanes_of(like)
    return ((fan_in + panel - 1) // panel) * ((fan_out + panel - 1) // panel)


@jit
def block_place(block, fan_in, fan_out, together, like):
    """(p, q): a block's panel of outputs, and its panel of inputs.

    Blocks are counted through one panel of outputs after the other; with `together` 2 through pairs of them,
    the two that have the same inputs one after the other, and a last panel that has no partner alone.
    """
    panel = 2 * lanes_of(like)
    k_panels, panels = (fan_in + panel - 1) // panel, (fan_out + panel - 1) // panel
    group, rest = block // (together * k_panels), block % (together * k_panels)
    wide = min(together, panels - group * together)
    return group * together + rest % wide, rest // wide


@jit
def weight_update_tiles(bank, first, last, rows, X, dZ, weights, gradients, fan_in, fan_out, mode, rate):
    """dW = X' dZ over `rows` samples for blocks first..last of W (out-panel major).

    mode   CONTINUE: start from the sums in `gradients`;  DESCEND: W -= rate * dW and b -= rate * db,
           refreshing the block's copy in WT;  otherwise the sums go to `gradients`
    Notes  the owner of a block that touches input 0 also sums the bias gradient of its columns
    """
    lanes = lanes_of(rate)
    panel = 2 * lanes
    k_panels = (fan_in + panel - 1) // panel
    W, G, WT = weights.W, gradients.W, weights.WT
    for block in range(first, last):
        p, q = block // k_panels, block % k_panels
        columns, inputs = min(panel, fan_out - p * panel), min(panel, fan_in - q * panel)
        vectors = 2 if columns > lanes else 1
        tallest = TALLEST_WIDE if vectors == 2 else TALLEST_NARROW
        pieces = (inputs + tallest - 1) // tallest
        table = inline_slot(COLUMNS, vectors, 0)
        to_W, to_G, dz = W.at + p * W.step, G.at + p * G.step, dZ.at + p * dZ.step
        for piece in range(pieces):
            k = inputs * piece // pieces
            tile = bank[table + inputs * (piece + 1) // pieces - k]
            x, offset = X.at + q * X.step + k * (VECTOR_BYTES // lanes), (q * panel + k) * ROW_BYTES
            c = (to_W if mode & DESCEND else to_G) + offset
            call_tile(tile, rows, x, 0, dz, c, to_G + offset, 0, mode, rate)
        if q == 0:
            b, gb = weights.b + p * ROW_BYTES, gradients.b + p * ROW_BYTES
            bias_update(rows, columns, Strided(dz, ROW_BYTES), b, gb, mode, rate)
        if WT.at != 0 and mode & DESCEND:
            to_WT = WT.at + q * WT.step + p * panel * ROW_BYTES
            transpose_block(to_W + q * panel * ROW_BYTES, to_WT, inputs, columns, rate)


@jit
def transpose_block(W, WT, inputs, columns, like):
    """Refresh the transposed copy of one block of W: `inputs` x `columns`, both at most a panel."""
    lanes = lanes_of(like)
    for i in range(0, inputs, lanes):
        for j in range(0, columns, lanes):
            transpose_square(
                W + i * ROW_BYTES + j // lanes * VECTOR_BYTES,
                ROW_BYTES,
                WT + j * ROW_BYTES + i // lanes * VECTOR_BYTES,
                ROW_BYTES,
                like,
            )


@inline
def bias_update(rows, columns, dZ, b, gb, mode, rate):
    """db = column sums of one panel of dZ, whose rows are dZ.step apart, samples in ascending order.

    What follows a row's `columns` in dZ may be anything: pad columns of b stay 0.
    """
    lanes = lanes_of(rate)
    for v in range((columns + lanes - 1) // lanes):
        offset = v * VECTOR_BYTES
        total = load(gb + offset, rate) if mode & 1 else constant(0.0, 0.0, rate)
        for i in range(rows):
            total = add(total, load(dZ.at + offset + i * dZ.step, rate))
        total = kept(total, columns - v * lanes)
        if mode & DESCEND:
            store(b + offset, fma(splat(-rate), total, load(b + offset, rate)))
        else:
            store(gb + offset, total)
