"""The first layer's products over lists of what is not zero: fewer steps, the same bits.

A zero input adds an exact zero to a chain of fused multiply-adds, so leaving the term out changes no bit (as
long as weights are finite; a bias of -0.0 may stay -0.0). Forward: the features that any of a tile's rows
has. dW: the samples that have any of a tile's features.

The fewer rows or features a tile has, the more it skips. Of MNIST's pixels 19 % are not zero: 10 rows keep
49 % of the features, 6 rows 44; 8 features keep 39 % of the samples, 4 keep 28. But without some 16
accumulators a tile does not keep the multipliers busy. So it is four vectors wide, two panels of outputs,
where these can be taken `together`: 784-128-10 takes 44 ms an epoch on two threads, with two vectors 52.
"""

from fastnn.kernels.bits import list_features, list_samples
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.matmul import bias_update, block_place
from fastnn.kernels.memory import load_scalar, store_scalar
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.strided import Strided
from fastnn.kernels.target import FMAS_A_CYCLE, VECTOR_BYTES
from fastnn.kernels.tile_kinds import (
    CONTINUE,
    DESCEND,
    DOUBLE_COLUMNS,
    DOUBLE_ROWS,
    LISTED_COLUMNS,
    LISTED_ROWS,
    ROW_BYTES,
    TALLEST_DOUBLE,
    TALLEST_LISTED,
    inline_slot,
)
from fastnn.kernels.tiles import call_double_tile, call_tile

# Rows (features) of the highest tiles of forward (dW), of panels alone and of two together. Forward reads
# W from L2, where dW works in L1, and so should do more with what it reads. With one FMA a cycle fewer
# accumulators are enough: on Zen 4 784-128-10 in batches of 128 takes 57 ms with 3 rows and 61 with 6, in
# batches of 32 75 and 77. Half as many features gain as much again there, and lose as much here.
ROWS_ALONE, FEATURES_ALONE = TALLEST_LISTED, min(TALLEST_LISTED, 8)
ROWS_TOGETHER, FEATURES_TOGETHER = min(TALLEST_DOUBLE, 3 if FMAS_A_CYCLE == 1 else 6), min(TALLEST_DOUBLE, 4)

# Vectors of outputs from which on two panels are taken together. For lower tiles there are more lists. Made
# bit by bit, without AVX-512, these paid from 32 vectors on; byte by byte (bits.py) they do from 4, too: with
# AVX2 784-128-10 in batches of 128 takes 116 ms on one thread of a Zen 4 so, panels alone 128, and took 134;
# with SSE2 282, and took 291.
VECTORS_TOGETHER = 4


def heights(together):
    """(rows, features) of the highest tiles."""
    return (ROWS_TOGETHER, FEATURES_TOGETHER) if together == 2 else (ROWS_ALONE, FEATURES_ALONE)


inline_heights = inline(heights)


@inline
def lists_of(rows, together):
    """Lists that forward_listed makes for so many rows."""
    tallest, _ = inline_heights(together)
    return (rows + tallest - 1) // tallest


@inline
def _kind(family, double_family, columns, together, lanes):
    """(double, table): whether a double tile is used for so many columns, and where the bank has the tiles.

    It is if there are two panels and none of four vectors would be wasted; what is left over by others has
    single tiles, no higher.
    """
    if together == 2 and columns > 3 * lanes:
        return True, inline_slot(double_family, 4, 0)
    return False, inline_slot(family, 2 if columns > lanes else 1, 0)


@jit
def forward_listed(bank, first, last, X, W, b, Z, fan_in, fan_out, together, mode, bits, lists, fresh, like):
    """forward_tiles over the features that the rows of a tile have: the same bits, fewer steps.

    together   panels of outputs that are taken at a time where there are so many: 2 or 1
    bits       bitmaps of the chunk, word-major
    lists      room for one list per tile of rows, its length in the first 8 bytes
    fresh      whether the lists are to be made: not where they are there from a call for other outputs
    """
    lanes, rows = lanes_of(like), last - first
    if rows <= 0:
        return
    panel = 2 * lanes
    pieces = lists_of(rows, together)
    for piece in range(pieces if fresh else 0):
        row = first + rows * piece // pieces
        height = first + rows * (piece + 1) // pieces - row
        place = lists.at + piece * lists.step
        store_scalar(place, list_features(bits.at, bits.step, (fan_in + 63) // 64, row, height, place + 8))
    p = 0
    while p * panel < fan_out:
        double, table = _kind(LISTED_ROWS, DOUBLE_ROWS, fan_out - p * panel, together, lanes)
        for piece in range(pieces):
            row = first + rows * piece // pieces
            tile = bank[table + first + rows * (piece + 1) // pieces - row]
            place = lists.at + piece * lists.step
            count, x, w = load_scalar(place, 0), X.at + row * ROW_BYTES, W.at + p * W.step
            z, start = Z.at + p * Z.step + row * ROW_BYTES, b + p * ROW_BYTES
            if double:
                call_double_tile(tile, count, x, X.step, w, z, start, place + 8, mode, W.step, Z.step, like)
            else:
                call_tile(tile, count, x, X.step, w, z, start, place + 8, mode, like)
        p += 2 if double else 1


@jit
def weight_update_listed(
    bank,
    first,
    last,
    rows,
    X,
    dZ,
    weights,
    gradients,
    fan_in,
    fan_out,
    together,
    mode,
    bits,
    lists,
    unlisted,
    rate,
):
    """weight_update_tiles (without WT) over the samples that have any of a tile's features.

    together  2: blocks are counted by pairs (block_place), and `first` is even; else 1
    lists     room for one list per tile of features, its length in the first 8 bytes
    unlisted  blocks before this one make their lists; later ones find those of the panel, or pair, before
    Notes     with CONTINUE and DESCEND, panels of W and its gradient must be equally far apart. A list is
              made by the first block that needs it, and used for every panel of outputs
    """
    lanes, W, G = lanes_of(rate), weights.W, gradients.W
    panel = 2 * lanes
    _, tallest = inline_heights(together)
    most = (panel + tallest - 1) // tallest
    block = first
    while block < last:
        p, q = block_place(block, fan_in, fan_out, together, rate)
        columns, inputs = fan_out - p * panel, min(panel, fan_in - q * panel)
        if p % 2 == 1 or block + 1 == last:  # what follows p's panel is not this block's
            columns = min(panel, columns)
        double, table = _kind(LISTED_COLUMNS, DOUBLE_COLUMNS, columns, together, lanes)
        new = block < unlisted and (together == 1 or p % 2 == 0)  # else the pair's first has made them
        pieces = (inputs + tallest - 1) // tallest
        to_W, to_G, dz = W.at + p * W.step, G.at + p * G.step, dZ.at + p * dZ.step
        for piece in range(pieces):
            k = inputs * piece // pieces
            height = inputs * (piece + 1) // pieces - k
            place = lists.at + (q * most + piece) * lists.step
            if new:
                count = list_samples(bits.at, bits.step, rows, q * panel + k, height, place + 8)
                store_scalar(place, count)
            count = load_scalar(place, 0)
            if count == 0 and mode & (CONTINUE | DESCEND) == DESCEND:
                continue  # W - rate * 0
            offset = (q * panel + k) * ROW_BYTES
            tile, x = bank[table + height], X.at + q * X.step + k * (VECTOR_BYTES // lanes)
            c, pitch = (to_W, W.step) if mode & DESCEND else (to_G, G.step)
            c, start = c + offset, to_G + offset
            if double:
                call_double_tile(tile, count, x, 0, dz, c, start, place + 8, mode, dZ.step, pitch, rate)
            else:
                call_tile(tile, count, x, 0, dz, c, start, place + 8, mode, rate)
        if q == 0:
            for more in range(2 if double else 1):
                b, gb = weights.b + (p + more) * ROW_BYTES, gradients.b + (p + more) * ROW_BYTES
                deltas, left = Strided(dz + more * dZ.step, ROW_BYTES), min(panel, columns - more * panel)
                bias_update(rows, left, deltas, b, gb, mode, rate)
        block += 2 if double else 1
