"""The panel-major layout: M[panel][row][PANEL], one panel being two vectors wide.

A (rows, columns) matrix is cut into vertical panels of PANEL columns (32 floats with AVX-512); each
panel is stored whole, row after row. Row i of a panel is i * ROW_BYTES away, a constant for any shape,
so micro-kernels need no strides, and a tile's reads are contiguous (measured 1.26x for dW against
row-major). Panels are PANEL_GAP bytes apart, so that equal rows of neighbouring panels do not share an
L1 set (gather: 174 -> 141 ns per MNIST row). Pad columns of the last panel are zero.
"""

import ctypes

import numpy as np

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import (
    first_lanes,
    load_as,
    load_full_as,
    load_scalar,
    prefetch,
    store,
    store_scalar,
)
from fastnn.kernels.simd import add, constant, lanes_of, mul, size_of, splat, sub
from fastnn.kernels.strided import Strided
from fastnn.kernels.target import LINE
from fastnn.kernels.tile_kinds import ROW_BYTES

PANEL_GAP = 64
FETCHED_AHEAD = 640  # bytes of rows to come
# Of a longer row the first lines are fetched long before: then the CPU sees a stream and brings what follows
# to L2 by itself, more lines than the 16 that L1 waits for at a time. An epoch of 784-128-10 takes 43.0 ms on
# two threads instead of 46.0; fetching whole rows further ahead changed nothing.
STREAM_AHEAD, STREAM_BYTES = 16, 128  # rows, bytes of each
ROWS_AHEAD = 12  # of weights that are packed panel by panel: 128 bytes here and there


def panel_columns(dtype):
    """Columns per panel for an element type."""
    return ROW_BYTES // np.dtype(dtype).itemsize


def panel_count(columns, dtype):
    """Panels of a matrix with so many columns."""
    return -(-columns // panel_columns(dtype))


def panel_stride(rows):
    """Bytes from one panel to the next for a matrix with room for `rows` rows."""
    return rows * ROW_BYTES + PANEL_GAP


def matrix_bytes(rows, columns, dtype):
    """Room for a whole panel-major matrix, a multiple of 64."""
    return panel_count(columns, dtype) * panel_stride(rows)


def aligned_bytes(count, fill=0):
    """A uint8 array of `count` bytes whose data starts on a cache line."""
    raw = np.empty(count + 64, np.uint8)
    start = -raw.ctypes.data % 64
    memory = raw[start : start + count]
    memory[:] = fill
    return memory


@inline
def _gather(kind, data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    """Rows X[order[first:last]] * scale, converted, into panels at `target`, starting at row `row`.

    kind     a scalar of X's type: uint8, float32 or float64; `scale` has the type of the panels
    data     address of X, (n, columns), C-contiguous
    Writes   rows row .. row + last - first of panels first_panel..last_panel, pad columns as zeros
    Notes    uint8 is read in its own width (784 B per digit, not 3136) and converted on the way to L1.
             A 784-pixel row takes 46 ns while the target fits L1 and about 100 ns once it is in L2, that
             is, it is bound by the stores. Short rows are bound by the latency of their one or two lines:
             80 bytes fetched one row ahead took 61 ns, eight rows ahead 30.
    """
    lanes, item = lanes_of(scale), size_of(kind)
    begin, end = first_panel * 2 * lanes, last_panel * 2 * lanes
    whole = max(begin, min(end, columns) // lanes * lanes)
    source_step = columns * item
    factor, ahead_rows = splat(scale), max(1, FETCHED_AHEAD // source_step)
    for i in range(first, last):
        source = data + order[i] * source_step
        if i + ahead_rows < order.shape[0]:  # also the first rows of the next chunk
            ahead = data + order[i + ahead_rows] * source_step
            for line in range(begin * item, min(end, columns) * item, 64):
                prefetch(ahead + line)
        if source_step > FETCHED_AHEAD and i + STREAM_AHEAD < order.shape[0]:
            ahead = data + order[i + STREAM_AHEAD] * source_step + begin * item
            for line in range(0, STREAM_BYTES, 64):
                prefetch(ahead + line)
        place = target + (row + i - first) * ROW_BYTES
        for column in range(begin, whole, 2 * lanes):
            here = place + column // (2 * lanes) * stride
            store(here, mul(load_full_as(source + column * item, kind, scale), factor))
            if column + lanes < whole:
                there = source + (column + lanes) * item
                store(here + ROW_BYTES // 2, mul(load_full_as(there, kind, scale), factor))
        for column in range(whole, end, lanes):
            here = place + column // (2 * lanes) * stride + column // lanes % 2 * (ROW_BYTES // 2)
            left = max(0, columns - column)
            store(here, mul(load_as(source + column * item, kind, left, scale), factor))


@jit
def _gather_uint8(data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    kind = np.uint8(0)
    _gather(kind, data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel)


@jit
def _gather_float32(data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    kind = np.float32(0)
    _gather(kind, data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel)


@jit
def _gather_float64(data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel):
    kind = np.float64(0)
    _gather(kind, data, order, first, last, row, target, stride, columns, scale, first_panel, last_panel)


# By the type of X; each is compiled when it is first needed.
GATHERS = {
    np.dtype(np.uint8): _gather_uint8,
    np.dtype(np.float32): _gather_float32,
    np.dtype(np.float64): _gather_float64,
}


@jit
def holds_odd(source, step, blocks, elements, notes, like):
    """Whether blocks of so many elements, `step` bytes apart, hold a NaN or an infinity.

    notes   room for a vector

    Of these alone x - x is not 0. X is not looked through before it is predicted, for that means to read it
    once more: 0.1 ms for 1,000 rows of 784 floats. Here a layer has just read them.
    """
    lanes, item = lanes_of(like), size_of(like)
    odd = constant(0.0, 0.0, like)
    for block in range(blocks):
        at = source + block * step
        for i in range(0, elements, lanes):
            values = first_lanes(at + i * item, elements - i, like)
            odd = add(odd, sub(values, values))
    store(notes, odd)
    found = 0
    for lane in range(lanes_of(like)):
        found += load_scalar(notes + lane * size_of(like), like) != 0
    return found


@jit
def unpack_rows(first, last, source, stride, columns, target, row, like):
    """Rows first..last of a panel-major matrix into rows row+first.. of a row-major one at `target`."""
    panel, item = 2 * lanes_of(like), size_of(like)
    for i in range(first, last):
        line = target + (row + i) * columns * item
        for column in range(columns):
            place = source + column // panel * stride + i * ROW_BYTES + column % panel * item
            store_scalar(line + column * item, load_scalar(place, like))


def panel_view(address, rows, columns, stride, dtype):
    """Writable NumPy view (panels, rows, PANEL) of panel-major memory at `address`."""
    count, width = panel_count(columns, dtype), panel_columns(dtype)
    length = (count - 1) * stride + rows * ROW_BYTES
    memory = (ctypes.c_char * length).from_address(int(address))
    return np.ndarray(
        (count, rows, width), dtype, memory, 0, (int(stride), ROW_BYTES, np.dtype(dtype).itemsize)
    )


@jit
def pack_rows(source, step, rows, columns, target, stride, like):
    """A row-major matrix of like's type to panels at `target`; pad columns become zero.

    step   bytes from one row of `source` to the next
    """
    lanes, item = lanes_of(like), size_of(like)
    for i in range(rows):
        line, place = source + i * step, target + i * ROW_BYTES
        prefetch(line + ROWS_AHEAD * step)
        prefetch(line + ROWS_AHEAD * step + LINE)
        for column in range(0, columns, 2 * lanes):
            here, left = line + column * item, columns - column
            store(place, first_lanes(here, left, like))
            store(place + ROW_BYTES // 2, first_lanes(here + lanes * item, max(0, left - lanes), like))
            place += stride


def pack(M, address, stride, like):
    """Any matrix -> panels of like's type; pad columns become zero.

    Predictions pack all weights in every call: 784-128-10 in 10 µs so, and in 37 by assigning in NumPy.
    """
    M = np.ascontiguousarray(M, like.dtype)
    pack_rows(M.ctypes.data, M.shape[1] * M.itemsize, *M.shape, int(address), int(stride), like)


def unpack(address, stride, M, like):
    """Panels of like's type -> row-major (rows, columns)."""
    unpack_view(panel_view(address, *M.shape, stride, like.dtype), M)


def unpack_view(panels, M):
    """A panel_view -> row-major (rows, columns): all whole panels in one go, then the last if it is not."""
    _, rows, width = panels.shape
    whole, rest = divmod(M.shape[1], width)
    if whole:
        M[:, : whole * width].reshape(rows, whole, width)[...] = panels[:whole].swapaxes(0, 1)
    if rest:
        M[:, whole * width :] = panels[whole, :, :rest]


def pack_transposed(M, address, like):
    """Row-major (rows, columns), at most a panel wide, -> one panel in which each block is transposed.

    A block is as many rows as a panel has columns; row j of block q holds M[q * PANEL : (q + 1) * PANEL, j].
    """
    blocks = _blocks(panel_view(address, _whole_blocks(len(M), like.dtype), 1, 0, like.dtype))
    blocks[...] = 0
    for q, block in enumerate(blocks):
        part = M[q * len(block) : (q + 1) * len(block)]
        block[: M.shape[1], : len(part)] = part.T


def unpack_transposed(panels, M):
    """A panel_view of what pack_transposed writes -> row-major (rows, columns)."""
    blocks = _blocks(panels)
    M[...] = blocks[:, : M.shape[1]].swapaxes(1, 2).reshape(-1, M.shape[1])[: len(M)]


def _blocks(panels):
    (panel,) = panels
    return panel.reshape(-1, panel.shape[1], panel.shape[1])


def _whole_blocks(rows, dtype):
    width = panel_columns(dtype)
    return -(-rows // width) * width


class Panels:
    """A panel-major matrix with memory of its own, for what works on single matrices.

    A matrix of one row is laid out as biases are, without a gap between its panels.
    """

    def __init__(self, rows, columns, dtype, spare_rows=0):
        self.shape, self.dtype = (rows, columns), np.dtype(dtype)
        single = rows == 1 and spare_rows == 0
        self.stride = ROW_BYTES if single else panel_stride(rows + spare_rows)
        self._memory = aligned_bytes(matrix_bytes(rows + spare_rows, columns, dtype))
        self.address = self._memory.ctypes.data

    @property
    def place(self):
        """Where kernels find it."""
        return Strided(self.address, self.stride)

    @classmethod
    def of(cls, M, spare_rows=0):
        """The row-major matrix M in panels."""
        panels = cls(*M.shape, M.dtype, spare_rows)
        pack(M, panels.address, panels.stride, M.dtype.type(0))
        return panels

    def unpacked(self):
        """A row-major copy."""
        M = np.empty(self.shape, self.dtype)
        unpack(self.address, self.stride, M, self.dtype.type(0))
        return M
