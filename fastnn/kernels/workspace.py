"""The private memory of a run: a table of addresses and sizes, one row a layer, over two arenas.

Weights, activations and deltas are panel-major (panels.py) and never leave this layout: only `write`, `read`
and `read_gradients` convert. The table is all that compiled code needs to know about a network, so depth,
widths and batch size never cause a compilation.
"""

from itertools import pairwise

import numpy as np

from fastnn.kernels.losses import scratch_bytes, spare_rows
from fastnn.kernels.panels import (
    aligned_bytes,
    matrix_bytes,
    pack,
    panel_columns,
    panel_count,
    panel_stride,
    unpack,
)
from fastnn.kernels.tile_ir import ROW_BYTES

CHUNK = 256  # rows worked on at a time; X of 784 float32 features is then 0.8 MB and leaves L2 room for W

# Columns of the layer table: widths, addresses, bytes from one panel to the next (`*_PANEL`).
#   X  the layer's input A of the layer before; unused in layer 0, whose input each thread gathers for itself
#   Z  becomes A of the next layer; in the last layer, dZ
#   D  dZ of a hidden layer, in Z's shape and stride; in the last layer Z itself
#   G, GB  gradients of W and b, where they are stored (0: plain SGD does without)
#   WT a transposed copy of W for dX = dZ Wᵀ, kept up to date with W (0 in layer 0, which needs no dX)
(FAN_IN, FAN_OUT, W, W_PANEL, B, G, GB, WT, WT_PANEL, X, X_PANEL, Z, Z_PANEL, D, FIELDS) = range(15)


class Workspace:
    """Parameters and room for one chunk of rows, for a network of layer `sizes`.

    rows       most rows in a chunk
    threads    threads that will share the work: each has its own gathered input and scratch
    training   whether there is room for deltas, and for transposed weights
    gradients  whether dW and db are stored
    poison     byte that fills what is not a parameter: 0xff makes every float a NaN (tests)
    """

    def __init__(self, sizes, dtype, *, rows, threads=1, training=True, gradients=False, poison=0):
        self.sizes, self.dtype = tuple(sizes), np.dtype(dtype)
        self.like = self.dtype.type(0)
        self.rows = rows
        self.layers = np.zeros((len(sizes) - 1, FIELDS), np.int64)
        self._parameters, self._room = _Arena(0), _Arena(poison)
        for _ in range(2):  # once to measure the arenas, then with their addresses
            self._place(threads, training, gradients)
            self._parameters.allocate()
            self._room.allocate()

    def _place(self, threads, training, gradients):
        keep, work = self._parameters.begin(), self._room.begin()
        dtype, n_layers = self.dtype, len(self.layers)
        rows = self.rows + spare_rows(dtype)
        stride = panel_stride(rows)
        self.zeros = keep(ROW_BYTES)
        # one address a thread
        self.inputs = [work(matrix_bytes(rows, self.sizes[0], dtype)) for _ in range(threads)]
        self.scratch = [work(scratch_bytes(self.sizes[-1], dtype)) for _ in range(threads)]
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.sizes)):
            row = self.layers[layer]
            z_bytes = matrix_bytes(rows, fan_out, dtype)
            w_bytes = matrix_bytes(self._padded(fan_in), fan_out, dtype)
            b_bytes = panel_count(fan_out, dtype) * ROW_BYTES
            row[[FAN_IN, FAN_OUT]] = fan_in, fan_out
            row[[W, W_PANEL, B]] = keep(w_bytes), panel_stride(self._padded(fan_in)), keep(b_bytes)
            row[[X, X_PANEL]] = (self.layers[layer - 1, Z] if layer else 0), stride
            row[[Z, Z_PANEL]] = work(z_bytes), stride
            if training:
                row[D] = row[Z] if layer == n_layers - 1 else work(z_bytes)
                row[WT_PANEL] = panel_stride(self._padded(fan_out))
                row[WT] = keep(matrix_bytes(self._padded(fan_out), fan_in, dtype)) if layer else 0
            if gradients:
                row[[G, GB]] = work(w_bytes), work(b_bytes)

    def _padded(self, n):
        # W and its transposed copy are converted in whole blocks of a panel's width
        width = panel_columns(self.dtype)
        return -(-n // width) * width

    def write(self, weights, biases):
        """Take over the parameters from lists of (fan_in, fan_out) and (fan_out,) arrays."""
        for row, weight, bias in zip(self.layers, weights, biases, strict=True):
            pack(weight, row[W], row[W_PANEL], self.like)
            pack(bias[None, :], row[B], ROW_BYTES, self.like)
            if row[WT]:
                pack(weight.T, row[WT], row[WT_PANEL], self.like)

    def read(self, weights, biases):
        """Write the parameters into lists of arrays, in place."""
        self._unpack(W, B, weights, biases)

    def read_gradients(self, weights, biases):
        """Write the stored gradients into lists of arrays, in place."""
        self._unpack(G, GB, weights, biases)

    def _unpack(self, matrix, vector, weights, biases):
        for row, weight, bias in zip(self.layers, weights, biases, strict=True):
            unpack(row[matrix], row[W_PANEL], weight, self.like)
            unpack(row[vector], ROW_BYTES, bias[None, :], self.like)


class _Arena:
    """Hands out addresses twice: while measuring (from 0), then inside one allocation."""

    def __init__(self, fill):
        self._fill, self._memory, self._base, self._used = fill, None, 0, 0

    def begin(self):
        self._used = 0
        return self.take

    def take(self, count):
        address = self._base + self._used
        self._used += -(-count // 64) * 64
        return address

    def allocate(self):
        if self._memory is None:
            self._memory = aligned_bytes(max(64, self._used), self._fill)
            self._base = self._memory.ctypes.data
