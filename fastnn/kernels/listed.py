"""The first layer's products over lists of what is not zero: the ordinary tiles, fewer steps, the same bits.

A zero input adds an exact zero to a chain of fused multiply-adds, so leaving the term out changes no bit (as
long as weights are finite; a bias of -0.0 may stay -0.0). Forward: the features that any of a tile's rows
has. dW: the samples that have any of a tile's features. Of MNIST's pixels 19 % are not zero; a tile of 10
rows keeps 49 % of the features, a tile of 8 features 39 % of the samples.
"""

from fastnn.kernels.bits import list_features, list_samples
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.matmul import bias_update
from fastnn.kernels.memory import load_scalar, store_scalar
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_ir import CONTINUE, DESCEND, LISTED_COLUMNS, LISTED_ROWS, ROW_BYTES, TALLEST_WIDE
from fastnn.kernels.tiles import SLOTS, call_tile

# Lower tiles skip more (14 rows of MNIST share 52 % of the features; 11 features 46 % of the samples) at
# fewer operations for each byte read.
TALLEST_LISTED_ROWS = min(TALLEST_WIDE, 10)
TALLEST_LISTED_COLUMNS = min(TALLEST_WIDE, 8)


@inline
def lists_of(rows):
    """Lists that forward_listed makes for so many rows."""
    return (rows + TALLEST_LISTED_ROWS - 1) // TALLEST_LISTED_ROWS


@jit
def forward_listed(
    bank,
    first,
    last,
    X,
    x_panel,
    W,
    w_panel,
    b,
    Z,
    z_panel,
    fan_in,
    fan_out,
    mode,
    bits,
    stride,
    lists,
    list_bytes,
    fresh,
    like,
):
    """forward_tiles over the features that the rows of a tile have: the same bits, fewer steps.

    bits    bitmaps of the chunk, word-major, words `stride` bytes apart
    lists   room for one list of list_bytes per tile of rows, its length in the first 8 bytes
    fresh   whether the lists are to be made: not where they are there from a call for other outputs
    """
    lanes, rows = lanes_of(like), last - first
    if rows <= 0:
        return
    panel = 2 * lanes
    pieces = lists_of(rows)
    for piece in range(pieces if fresh else 0):
        row = first + rows * piece // pieces
        height = first + rows * (piece + 1) // pieces - row
        place = lists + piece * list_bytes
        store_scalar(place, list_features(bits, stride, (fan_in + 63) // 64, row, height, place + 8))
    for p in range((fan_out + panel - 1) // panel):
        vectors = 2 if fan_out - p * panel > lanes else 1
        table = (LISTED_ROWS * 2 + vectors - 1) * SLOTS
        for piece in range(pieces):
            row = first + rows * piece // pieces
            height = first + rows * (piece + 1) // pieces - row
            place = lists + piece * list_bytes
            call_tile(
                bank[table + height],
                load_scalar(place, 0),
                X + row * ROW_BYTES,
                x_panel,
                W + p * w_panel,
                Z + p * z_panel + row * ROW_BYTES,
                b + p * ROW_BYTES,
                place + 8,
                mode,
                like,
            )


@jit
def weight_update_listed(
    bank,
    first,
    last,
    rows,
    X,
    x_panel,
    dZ,
    dz_panel,
    W,
    w_panel,
    G,
    g_panel,
    b,
    gb,
    fan_in,
    fan_out,
    mode,
    bits,
    stride,
    lists,
    list_bytes,
    unlisted,
    rate,
):
    """weight_update_tiles (without WT) over the samples that have any of a tile's features.

    lists   room for one list of list_bytes per tile of features, its length in the first 8 bytes
    unlisted  blocks before this one make their lists; later ones find those of the panel of outputs before
    Notes   a list is made once, by the first block that needs it, and used for every panel of outputs
    """
    lanes = lanes_of(rate)
    panel = 2 * lanes
    k_panels = (fan_in + panel - 1) // panel
    most = (panel + TALLEST_LISTED_COLUMNS - 1) // TALLEST_LISTED_COLUMNS
    for block in range(first, last):
        p, q = block // k_panels, block % k_panels
        columns, inputs = min(panel, fan_out - p * panel), min(panel, fan_in - q * panel)
        vectors = 2 if columns > lanes else 1
        pieces = (inputs + TALLEST_LISTED_COLUMNS - 1) // TALLEST_LISTED_COLUMNS
        table = (LISTED_COLUMNS * 2 + vectors - 1) * SLOTS
        to_W, to_G = W + p * w_panel, G + p * g_panel
        for piece in range(pieces):
            k = inputs * piece // pieces
            height = inputs * (piece + 1) // pieces - k
            offset = (q * panel + k) * ROW_BYTES
            place = lists + (q * most + piece) * list_bytes
            if block < unlisted:
                store_scalar(place, list_samples(bits, stride, rows, q * panel + k, height, place + 8))
            count = load_scalar(place, 0)
            if count == 0 and mode & (CONTINUE | DESCEND) == DESCEND:
                continue  # W - rate * 0
            call_tile(
                bank[table + height],
                count,
                X + q * x_panel + k * (VECTOR_BYTES // lanes),
                0,
                dZ + p * dz_panel,
                (to_W if mode & DESCEND else to_G) + offset,
                to_G + offset,
                place + 8,
                mode,
                rate,
            )
        if q == 0:
            to_b, to_gb = b + p * ROW_BYTES, gb + p * ROW_BYTES
            bias_update(rows, vectors, dZ + p * dz_panel, ROW_BYTES, to_b, to_gb, mode, rate)
