"""The first layer where it has few outputs and X is uint8: digits into ten units, say.

There the ordinary tiles waste lanes (10 outputs fill 10 of 16), and writing X as floats takes as long as
multiplying it. So here lanes are samples forward and features backward, both full; X stays bytes until it is
in a register; and steps in which all lanes are zero are left out (of MNIST 42 % forward, 30 % backward):

  forward  Zᵀ = Wᵀ Xᵀ  BYTE_ROWS     lanes are 2 vectors of samples, tile rows are outputs
  update   dWᵀ = dZᵀ X  BYTE_COLUMNS  lanes are 2 vectors of features, or 1, tile rows are outputs

Every element is the chain that matmul.py computes, in the same order, of the same products: the same bits.

  W   each block of a panel's width is stored transposed, in its ordinary place: 32 features are a panel row
      of each output. Whatever goes block by block, or element by element, never notices.
  x   a thread's input: a header, and `x_columns` bytes further a copy of its rows, see byte_input.py

784-10-10 in batches of 64 takes 275 ns a row so on one thread at 3.9 GHz, in an epoch: gather 76, forward 75,
update 88, and what follows 35. Through the ordinary tiles it is 1.4 times as much. Of the 13 cycles that a
step takes in the tile 10 are multiplications, the rest conversions. Built and left out, for they were no
faster: one list for each row, with a feature's weights in one vector; tiles one vector wide, which skip 47 %
of the steps forward and 42 % backward, but make twice as many lists and convert once for every 10 products
instead of 20 (where one FMA starts in a cycle, products take longer, and the update gains by it: 6 % of an
epoch); fetching the rows of the next chunk, or its labels, during other work (the waiting moves there);
fetching the sums and deltas that lie in another core's cache.
"""

from fastnn.kernels.byte_layer import byte_input
from fastnn.kernels.byte_layer.byte_input import DATA, copied_row, gather, list_at
from fastnn.kernels.byte_layer.byte_lists import call_byte_tiles, list_features, list_rows, note_offsets
from fastnn.kernels.byte_layer.byte_vectors import SQUARE
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.matmul import bias_update
from fastnn.kernels.memory import load, load_scalar, store, store_scalar, transpose_square
from fastnn.kernels.samples import block_of
from fastnn.kernels.simd import constant, lanes_of, size_of, splat
from fastnn.kernels.target import FMAS_A_CYCLE, LINE, VECTOR_BYTES
from fastnn.kernels.tile_kinds import BYTE_COLUMNS, BYTE_ROWS, CONTINUE, DESCEND, ROW_BYTES, STORE

MOST_OUTPUTS = 16  # more of them fill the ordinary tiles
# A thread's header: the scale of X; biases, each on all lanes of a row.
_BIASES = LINE
_HEADER_BYTES = _BIASES + MOST_OUTPUTS * ROW_BYTES
SUMS_BYTES = MOST_OUTPUTS * ROW_BYTES  # Zᵀ of one panel of rows


def columns_offset(rows, columns):
    """From a thread's input to its transposed copy, for chunks of at most `rows` rows."""
    return byte_input.copy_offset(_HEADER_BYTES, columns)


def input_bytes(rows, columns):
    """Room for a thread's input."""
    return byte_input.input_bytes(_HEADER_BYTES, rows, columns)


@jit
def gather_bytes(data, order, first, last, row, x, x_columns, columns, scale, first_panel, last_panel):
    """Note in `x` where rows X[order[first:last]] are, and copy them transposed.

    data     address of X, (n, columns), uint8, C-contiguous; it is read again by weight_update_narrow
    row      0: a whole chunk is gathered at a time
    Writes   columns of panels first_panel..last_panel, rounded to whole squares; `scale` for the tiles
    Notes    bytes beyond the last column are left as they are, and nothing that counts is made of them
    """
    panel = 2 * lanes_of(scale)
    store_scalar(x, scale)
    begin, end = first_panel * panel // SQUARE * SQUARE, min(columns, last_panel * panel)
    if begin < end:
        gather(data, order, first, last, x + x_columns, columns, begin, end, panel)


@jit
def forward_narrow(
    bank, first, last, x, W, b, stale, sums, Z, fan_in, fan_out, first_panel, last_panel, mode, like
):
    """forward_tiles from bytes: Z = X W + b for rows first..last, mode STORE or RELU.

    stale                     is for forward_exact, which is called in the same way
    x                         `step` bytes further is its copy, transposed
    first_panel, last_panel   the features to add, in panels; with the last ones comes the end, before them
                              the sums stay at `sums`, for whoever adds the next
    sums                      room of SUMS_BYTES for one panel of rows; for several if all features are added
    """
    lanes, copy = lanes_of(like), x.at + x.step
    panel = 2 * lanes
    begin, end = first_panel * panel, min(fan_in, last_panel * panel)
    beginnings = sums
    if begin == 0:
        beginnings = x.at + _BIASES
        for i in range(fan_out):
            value = splat(load_scalar(b + i * size_of(like), like))
            store(beginnings + i * ROW_BYTES, value)
            store(beginnings + i * ROW_BYTES + VECTOR_BYTES, value)
    for start in range(first // panel * panel, last, panel):
        count = list_features(copy, fan_in, start, begin, end, panel * ROW_BYTES, like)
        call_byte_tiles(
            bank,
            BYTE_ROWS,
            2,
            fan_out,
            count,
            W,
            ROW_BYTES,
            x.at,
            copied_row(copy, fan_in, start),
            sums,
            beginnings,
            list_at(copy, fan_in),
            mode if end == fan_in else STORE,
            like,
        )
        if end == fan_in:
            _turn_back(sums, start, first, last, Z, fan_out, like)


@inline
def _turn_back(sums, start, first, last, Z, fan_out, like):
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
            target = block_of(Z.at, Z.step, block, 0)
            for row in range(low, high):
                store(target + row * ROW_BYTES, load(source + (row - start - v * lanes) * ROW_BYTES, like))


@jit
def weight_update_narrow(bank, first, last, rows, x, dZ, weights, gradients, fan_in, fan_out, mode, rate):
    """weight_update_tiles from bytes: dW = X' dZ over `rows` samples for blocks first..last of W.

    dZ   its `step` is from row to row
    """
    panel, copy, W, G = 2 * lanes_of(rate), x.at + x.step, weights.W.at, gradients.W.at
    data = load_scalar(copy - DATA, 0)
    note_offsets(copy, rows, dZ.step)
    vectors = 1 if FMAS_A_CYCLE == 1 and lanes_of(rate) == SQUARE else 2  # in a tile
    width = vectors * lanes_of(rate)
    for block in range(first, last):
        for begin in range(block * panel, min(fan_in, (block + 1) * panel), width):
            count = list_rows(copy, fan_in, begin, begin + width, rows, dZ.step, rate)
            offset = block * panel * ROW_BYTES + begin % panel * size_of(rate)
            if count != 0 or mode & (CONTINUE | DESCEND) != DESCEND:
                call_byte_tiles(
                    bank,
                    BYTE_COLUMNS,
                    vectors,
                    fan_out,
                    count,
                    dZ.at,
                    size_of(rate),
                    x.at,
                    data + begin,
                    (W if mode & DESCEND else G) + offset,
                    G + offset,
                    list_at(copy, fan_in),
                    mode,
                    rate,
                )
        if block == 0:
            bias_update(rows, fan_out, dZ, weights.b, gradients.b, mode, rate)
