"""The private memory of a run: a table of addresses and sizes, one row a layer, over two arenas.

Weights, activations and deltas are panel-major (panels.py) and never leave this layout: only `write`, `read`
and `read_gradients` convert. The table is all that compiled code needs to know about a network, so depth,
widths and batch size never cause a compilation.
"""

import math
from functools import partial
from itertools import pairwise

import numpy as np

from fastnn.kernels.byte_layer import layout, narrow
from fastnn.kernels.claims import AREAS
from fastnn.kernels.losses import scratch_bytes, spare_rows
from fastnn.kernels.panels import (
    aligned_bytes,
    matrix_bytes,
    pack,
    pack_transposed,
    panel_columns,
    panel_count,
    panel_stride,
    panel_view,
    unpack_transposed,
    unpack_view,
)
from fastnn.kernels.step import Own
from fastnn.kernels.target import LINE
from fastnn.kernels.tile_kinds import ROW_BYTES

FIRST_LAYOUTS = {"narrow": narrow, "exact": layout}  # of a thread's input
FEW_NUMBERS = 1 << 13  # are looked at one by one in less time than a sum of squares needs to be set up
IN_CACHE = 1 << 20  # bytes of weights that stay in a core's L2 beside the rows
CHUNK = 256  # rows worked on at a time; X of 784 float32 features is then 0.8 MB and leaves L2 room for W

# Columns of the layer table: widths, addresses, bytes from one panel to the next (`*_PANEL`; but X_PANEL of a
# layer 0 whose rows are row-major is the address of row_offsets, see rows.py).
#   X  the layer's input A of the layer before; in layer 0, whose input each thread gathers for itself, room
#      for sums that narrow.py's threads hand on
#   Z  becomes A of the next layer; in the last layer, dZ
#   D  dZ of a hidden layer, in Z's shape and stride; in the last layer Z itself
#   G, GB  gradients of W and b, where they are stored (0: plain SGD does without)
#   WT a transposed copy of W for dX = dZ Wᵀ, kept up to date with W (0 in layer 0, which needs no dX)
#   ACTIVATION its code; ACTIVATE the address of the kernel that makes A of Z (0: none is needed)
#   SLOPES g'(Z) of this layer, where the backward pass cannot tell it from A (else 0)
#   DROP_SHARE of the layer's input that is dropped, times 2³²
#   M, MB, V, VB the optimizer's arrays for W and b, in their shapes
#   S, SB sums of squares of G and GB, by column
#   W_ROWS rows of W as it is stored: fan_in, or where blocks are stored transposed (narrow.py) whole blocks
#   CLAIMS areas in which threads claim units of work (claims.py)
#   X_NEXT of narrow.py: from a thread's input to its other one, for the chunk after
#   W_SOURCE, B_SOURCE where W and b come from, row-major (inference.py)
#   D_COPY of narrow.py: D, number after number, for another thread to read
(
    FAN_IN,
    FAN_OUT,
    W,
    W_PANEL,
    B,
    G,
    GB,
    WT,
    WT_PANEL,
    X,
    X_PANEL,
    Z,
    Z_PANEL,
    D,
    ACTIVATION,
    ACTIVATE,
    SLOPES,
    DROP_SHARE,
    M,
    MB,
    V,
    VB,
    S,
    SB,
    W_ROWS,
    X_NEXT,
    D_COPY,
    CLAIMS,
    W_SOURCE,
    B_SOURCE,
    FIELDS,
) = range(31)


class Workspace:
    """Parameters and room for one chunk of rows, for a network of layer `sizes`.

    rows       most rows in a chunk
    threads    threads that will share the work: each has its own gathered input and scratch
    training   whether there is room for deltas, and for transposed weights
    gradients  how often dW and db are stored: 0, 1, or once for each shard of a batch (shards.py)
    slots      arrays that the optimizer keeps for each parameter: at most two
    slopes     for each hidden layer whether there is room for g'(Z)
    extras     whether there is room for what other updates than plain descent need
    first      "narrow" or "exact" if the first layer is narrow.py's or exact.py's: other inputs, and blocks
               of W stored transposed
    poison     byte that fills what is not a parameter: 0xff makes every float a NaN (tests)
    """

    def __init__(
        self,
        sizes,
        dtype,
        *,
        rows,
        threads=1,
        training=True,
        gradients=0,
        slots=0,
        slopes=(),
        extras=False,
        first=None,
        poison=0,
    ):
        self.sizes, self.dtype = tuple(sizes), np.dtype(dtype)
        self.like = self.dtype.type(0)
        self.rows, self.first = rows, first
        # In inference, small weights are packed by each thread for itself.
        n_weights = sum(a * b for a, b in pairwise(self.sizes))
        self.shares_weights = training or n_weights * self.dtype.itemsize > IN_CACHE
        self._views = {}  # of parameters, by field
        self._kept = None
        self._own_weights = np.zeros(
            (len(sizes) - 1, 2), np.int64
        )  # bytes from one thread's W, b to the next's
        self.layers = np.zeros((len(sizes) - 1, FIELDS), np.int64)
        self._parameters, self._room = _Arena(0), _Arena(poison)
        for _ in range(2):  # once to measure the arenas, then with their addresses
            self._place(threads, training, gradients, slots, slopes, extras)
            self._parameters.allocate()
            self._room.allocate()

    def _place(self, threads, training, gradients, slots, slopes, extras):
        keep, work = self._parameters.begin(), self._room.begin()
        dtype, n_layers = self.dtype, len(self.layers)
        rows = self.rows + spare_rows(dtype)
        stride = panel_stride(rows)
        self.zeros = keep(ROW_BYTES)
        first_layout, alternates = FIRST_LAYOUTS.get(self.first), self.first == "narrow" and threads > 1
        # In shards a thread never holds more than a chunk; Z and the like have room for those of all threads.
        own_rows = min(rows, CHUNK + spare_rows(dtype)) if self.first == "exact" else rows
        x_bytes = (first_layout.input_bytes if first_layout else partial(matrix_bytes, dtype=dtype))(
            own_rows, self.sizes[0]
        )
        # one address a thread
        self.inputs = [work(x_bytes * (2 if alternates else 1)) for _ in range(threads)]
        self.scratch = [work(scratch_bytes(self.sizes[-1], dtype)) for _ in range(threads)]
        blocks = 2 * panel_columns(dtype) * ROW_BYTES  # two that listed.py computes together
        one_panel = (max(self.sizes[:-1]) + 1) * ROW_BYTES  # of weights, and the bias, see inference.py
        room = one_panel if not training else blocks if extras and not gradients else 0
        self.rooms = [work(room) if room else 0 for _ in range(threads)]
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.sizes)):
            row = self.layers[layer]
            z_bytes = matrix_bytes(rows, fan_out, dtype)
            w_bytes = matrix_bytes(self._padded(fan_in), fan_out, dtype)
            b_bytes = panel_count(fan_out, dtype) * ROW_BYTES
            row[[FAN_IN, FAN_OUT]] = fan_in, fan_out
            copies = 1 if self.shares_weights else threads
            row[[W, W_PANEL]] = keep(w_bytes * copies), panel_stride(self._padded(fan_in))
            row[B] = keep(b_bytes * copies)
            self._own_weights[layer] = (0, 0) if copies == 1 else (w_bytes, b_bytes)
            row[[X, X_PANEL]] = (self.layers[layer - 1, Z] if layer else 0), stride
            row[W_ROWS] = fan_in
            if first_layout and layer == 0:
                row[[X_PANEL, W_ROWS]] = first_layout.columns_offset(own_rows, fan_in), self._padded(fan_in)
            if self.first == "narrow" and layer == 0:
                row[X_NEXT] = x_bytes if alternates else 0
                row[X] = work(narrow.SUMS_BYTES * (panel_count(rows, dtype) + threads))
                row[D_COPY] = work(rows * ROW_BYTES)
            row[[Z, Z_PANEL]] = work(z_bytes), stride
            if training:
                row[CLAIMS] = work(AREAS * threads * LINE)
                row[D] = row[Z] if layer == n_layers - 1 else work(z_bytes)
                row[WT_PANEL] = panel_stride(self._padded(fan_out))
                row[WT] = keep(matrix_bytes(self._padded(fan_out), fan_in, dtype)) if layer else 0
            if gradients:
                row[G] = work(w_bytes * gradients)
            if gradients or extras:
                row[[GB, S, SB]] = work(b_bytes * max(1, gradients)), work(b_bytes), work(b_bytes)
            if layer < len(slopes) and slopes[layer]:
                row[SLOPES] = work(z_bytes)
            for matrix, vector in ((M, MB), (V, VB))[:slots]:
                row[[matrix, vector]] = keep(w_bytes), keep(b_bytes)

    def _padded(self, n):
        # W and its transposed copy are converted in whole blocks of a panel's width
        width = panel_columns(self.dtype)
        return -(-n // width) * width

    def read_from(self, weights, biases):
        """Where inference.py reads the parameters from: C-contiguous arrays of this type, which must live."""
        for row, weight, bias in zip(self.layers, weights, biases, strict=True):
            row[[W_SOURCE, B_SOURCE]] = weight.ctypes.data, bias.ctypes.data

    def own(self, plans, layers=None):
        """What each thread has for itself, in the order of the plans, one a thread.

        layers   None: self.layers; or what `row_major` made of them
        """
        layers = self.layers if layers is None else layers
        tables = [self._own_layers(layers, thread, len(plans)) for thread in range(len(plans))]
        return list(map(Own, self.inputs, tables, plans, self.scratch, self.rooms))

    def row_major(self, row_offsets):
        """The table of layers for rows that are row-major; the array `row_offsets` must live."""
        table = self.layers.copy()
        table[0, X_PANEL] = row_offsets.ctypes.data
        return table

    def _own_layers(self, layers, thread, threads):
        """A layer table of the thread's own, with its share of the room for a chunk's rows."""
        table, first = layers.copy(), self.rows * thread // threads
        table[:, [W, B]] += thread * self._own_weights
        for field in (X, Z, D, SLOPES):
            table[:, field] += np.where(table[:, field] != 0, first * ROW_BYTES, 0)
        if self.first == "narrow":
            table[0, X] = self.layers[0, X] + thread * narrow.SUMS_BYTES
        return table

    def set_activations(self, codes, addresses, drop_shares=()):
        """Take over what follows each hidden layer (the last is linear), and shares dropped of each input."""
        self.layers[:-1, ACTIVATION], self.layers[:-1, ACTIVATE] = codes, addresses
        self.layers[: len(drop_shares), DROP_SHARE] = drop_shares

    def write(self, weights, biases):
        """Take over the parameters from lists of (fan_in, fan_out) and (fan_out,) arrays."""
        self._pack(W, B, weights, biases)
        for row, weight in zip(self.layers, weights, strict=True):
            if row[WT]:
                pack(weight.T, row[WT], row[WT_PANEL], self.like)

    def read(self, weights, biases):
        """Write the parameters into lists of arrays, in place."""
        self._unpack(W, B, weights, biases)

    def all_finite(self):
        """Whether all parameters, and the optimizer's arrays, are finite numbers, and not huge."""
        values = self._parameters.memory.view(self.dtype)
        if values.size <= FEW_NUMBERS:
            return bool(np.isfinite(values).all())
        with np.errstate(all="ignore"):
            # Not a dot product: BLAS would wake threads of its own, and wait for them on a busy machine.
            return math.isfinite(np.einsum("i,i->", values, values))

    def keep(self):
        """Remember parameters and the optimizer's arrays as they lie here."""
        if self._kept is None:
            self._kept = np.empty_like(self._parameters.memory)
        np.copyto(self._kept, self._parameters.memory)

    def restore(self):
        """Go back to what was remembered last, if anything was."""
        if self._kept is not None:
            np.copyto(self._parameters.memory, self._kept)

    def read_gradients(self, weights, biases):
        """Write the stored gradients into lists of arrays, in place."""
        self._unpack(G, GB, weights, biases)

    def write_slot(self, slot, weights, biases):
        """Take over one of the optimizer's arrays, 0 or 1, for all parameters."""
        self._pack(*((M, MB), (V, VB))[slot], weights, biases)

    def read_slot(self, slot, weights, biases):
        """Write one of the optimizer's arrays into lists of arrays, in place."""
        self._unpack(*((M, MB), (V, VB))[slot], weights, biases)

    def _pack(self, matrix, vector, weights, biases):
        for layer, (row, weight, bias) in enumerate(zip(self.layers, weights, biases, strict=True)):
            if self.first and layer == 0:
                pack_transposed(weight, row[matrix], self.like)
            else:
                pack(weight, row[matrix], row[W_PANEL], self.like)
            pack(bias[None, :], row[vector], ROW_BYTES, self.like)

    def _unpack(self, matrix, vector, weights, biases):
        # Parameters are read after every epoch, which for small networks lasts less than making these views.
        if matrix not in self._views:
            self._views[matrix] = [
                (
                    panel_view(row[matrix], row[W_ROWS], fan_out, row[W_PANEL], self.dtype),
                    panel_view(row[vector], 1, fan_out, ROW_BYTES, self.dtype),
                )
                for row, fan_out in zip(self.layers, self.sizes[1:], strict=True)
            ]
        for layer, ((W_view, b_view), weight, bias) in enumerate(
            zip(self._views[matrix], weights, biases, strict=True)
        ):
            if self.first and layer == 0:
                unpack_transposed(W_view, weight)
            else:
                unpack_view(W_view, weight)
            unpack_view(b_view, bias[None, :])


class _Arena:
    """Hands out addresses twice: while measuring (from 0), then inside one allocation."""

    def __init__(self, fill):
        self._fill, self.memory, self._base, self._used = fill, None, 0, 0

    def begin(self):
        self._used = 0
        return self.take

    def take(self, count):
        address = self._base + self._used
        self._used += -(-count // 64) * 64
        return address

    def allocate(self):
        if self.memory is None:
            self.memory = aligned_bytes(max(64, self._used), self._fill)
            self._base = self.memory.ctypes.data
