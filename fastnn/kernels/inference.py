"""The forward pass over rows of X on its own: for predictions, and for the loss of data of any kind.

Weights come row-major, as a network holds them, and are read or packed anew in every call, for they may have
been changed.
Two ways, to the same bits:

  by rows     each thread takes pieces of rows through all layers, in room and with packed weights of its own:
              reading what another core has just written takes as long as packing it oneself. Only large ones,
              which leave L2 again, are packed together, and shared
  by panels   of a few rows through large layers: all threads compute all rows, layer by layer, each some
              panels of outputs. The first layer reads rows as they lie, and W if that stays in L2; else, of
              more rows than a tile has, the first tile packs a panel of W while it multiplies: 32 rows of
              784-512-512-10 take 240 to 270 µs so on two threads of a Zen 4, and took 280 to 300. Otherwise
              a panel is packed just before it is used, into room in L2: megabytes that are packed at once
              have left it before they are used

Threads come and go (helpers.py): all work is claimed unit by unit, and nobody waits for one who has none.
"""

from typing import Any, NamedTuple

import numpy as np

from fastnn.kernels.activations import RELU as RELU_ACTIVATION
from fastnn.kernels.atomics import fetch_add
from fastnn.kernels.claims import areas_in, await_all, counted_area, finish, next_unit
from fastnn.kernels.entries import (
    FORWARD,
    FORWARD_FIRST,
    FORWARD_PACKING,
    FORWARD_UNPACKED,
    GATHER,
    LOSS,
    ODD,
    OUTPUTS,
    PACK,
    ROW_BITS,
)
from fastnn.kernels.forward import forward
from fastnn.kernels.helpers import begin, linger
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call, call_count
from fastnn.kernels.shares import panels_of, row_parts
from fastnn.kernels.simd import lanes_of, size_of
from fastnn.kernels.sparsity import CHUNK_BITS, CHUNK_STRIDE, FORWARD_LISTED
from fastnn.kernels.step import Masks, Net
from fastnn.kernels.strided import Strided
from fastnn.kernels.team import alone, share
from fastnn.kernels.tile_kinds import RELU, ROW_BYTES, STORE, TALLEST_WIDE
from fastnn.kernels.workspace import (
    ACTIVATE,
    ACTIVATION,
    B_SOURCE,
    FAN_IN,
    FAN_OUT,
    IN_CACHE,
    W_PANEL,
    W_SOURCE,
    X_PANEL,
    Z_PANEL,
    B,
    W,
    X,
    Z,
)

PIECES, LEAST_PIECE = 16, 26
PARTS = 8  # of a layer's weights, units of packing
LOSS_ROWS = 32  # rows in a unit of work of the loss, by panels


class Pass(NamedTuple):
    """One call: which rows, by which way, and what comes of it."""

    first: int  # rows first..last of X; the samples' `order` counts all of them
    last: int
    outputs: Any  # (n, n_outputs) array to fill, or (0, 0)
    counts: Any  # (2,) int64, added to: correctly classified rows, and signs of a NaN or an infinity in X
    scans: int  # whether to look for those: bytes hold none
    by_panels: int  # 1: by panels of outputs, for rows that fit into the workspace; 0: by pieces of rows
    room: int  # rows in such a piece, at most
    shares_weights: int  # whether there is one room for packed weights, or one for each thread
    claims: Any  # from no_claims, new for each call: who comes late must find its own call's
    call: int  # number of the call, and how long helpers linger after it, see helpers.py
    looks: int


@jit
def forward_rows(net, me, own, samples, task):
    """The forward pass of `task`, a Pass, by all threads that come; returns when all is done.

    me   a member that meets nobody: its flags are the helpers' bells

    Without targets the outputs are what the loss makes of the last layer, probabilities or the outputs
    themselves, and the losses mean nothing.
    """
    if me.thread == 0:
        begin(me.flags, task.call)
    areas = areas_in(task.claims)
    # Addresses of arrays are unsigned, and the sum of an unsigned number and another one is a float.
    counts = np.intp(task.counts.ctypes.data)
    outputs = np.intp(task.outputs.ctypes.data) if task.outputs.size else 0
    if task.by_panels:
        _by_panels(net, me, own, samples, task, outputs, counts, areas)
    else:
        _by_rows(net, me, own, samples, task, outputs, counts, areas)
    if me.thread > 0:
        linger(me.flags, task.call, me.thread, task.looks)


@jit
def _pack_part(net, i, part):
    """A part of W of layer i into its panels, and with the first one b."""
    layers, pack, like = net.layers, net.kernels[PACK], net.like
    fan_out, step = layers[i, FAN_OUT], layers[i, FAN_OUT] * size_of(like)
    first, last = share(layers[i, FAN_IN], part, PARTS)
    source, target = layers[i, W_SOURCE] + first * step, layers[i, W] + first * ROW_BYTES
    call(pack, source, step, last - first, fan_out, target, layers[i, W_PANEL], like)
    if part == 0:
        call(pack, layers[i, B_SOURCE], 0, 1, fan_out, layers[i, B], ROW_BYTES, like)


@inline
def _pack_together(net, me, area):
    """All layers, by all threads that come."""
    units = net.layers.shape[0] * PARTS
    helped, taken = 0, 0
    while True:
        unit, helped, taken = next_unit(area, units, me, helped, taken)
        if unit < 0:
            break
        _pack_part(net, unit // PARTS, unit % PARTS)
        finish(area, me)
    await_all(area, units, me)


@jit
def _lose(net, own, samples, first, last, start, outputs, counts):
    """The loss, and what a user sees, of rows first..last of Z of the last layer; row 0 is order[start]."""
    i = net.layers.shape[0] - 1
    z, z_panel, fan_out = net.layers[i, Z], net.layers[i, Z_PANEL], net.layers[i, FAN_OUT]
    correct = call_count(
        net.kernels[LOSS],
        first,
        last,
        z,
        z_panel,
        fan_out,
        samples.order,
        samples.targets,
        samples.weights,
        start,
        type(net.like)(1),
        samples.option,
        samples.losses,
        own.scratch,
    )
    fetch_add(counts, correct)
    if outputs != 0:
        call(net.kernels[OUTPUTS], first, last, z, z_panel, fan_out, outputs, start, net.like)


@inline
def _by_rows(net, me, own, samples, task, outputs, counts, areas):
    """See above; `outputs` and `counts` are addresses, `areas` that of the counted areas."""
    layers, kernels, like, order = own.layers, net.kernels, net.like, samples.order
    mine = Net(layers, kernels, net.bank, net.zeros, like)
    first, last, room = task.first, task.last, task.room
    n_rows, fan_in = last - first, layers[0, FAN_IN]
    # Several pieces a thread, so that none is left with a long one, and equally many for all; but not shorter
    # than two tiles, and as long as possible where each streams W from beyond L2.
    least = room if task.shares_weights else LEAST_PIECE
    rounds = max(1, min(PIECES, n_rows // (least * me.threads)), (n_rows - 1) // (room * me.threads) + 1)
    size = (n_rows - 1) // (rounds * me.threads) + 1
    pieces, packed = (n_rows - 1) // size + 1, task.shares_weights != 0
    if packed:
        _pack_together(mine, me, counted_area(areas, 0, me.threads))
    area = counted_area(areas, 1, me.threads)
    helped, taken = 0, 0
    while True:
        piece, helped, taken = next_unit(area, pieces, me, helped, taken)
        if piece < 0:
            break
        if not packed:
            packed = True
            for unit in range(layers.shape[0] * PARTS):
                _pack_part(mine, unit // PARTS, unit % PARTS)
        start = first + piece * size
        rows = min(size, last - start)
        x = _rows_at(mine, own, samples, start, rows)
        if own.plan[FORWARD_LISTED] != 0:
            row, bits, stride = order[start], own.plan[CHUNK_BITS], own.plan[CHUNK_STRIDE]
            call(kernels[ROW_BITS], samples.data, fan_in, row, row + rows, bits, 8, stride)
        forward(mine, alone(me), own.plan, x, rows, 0, rows, Masks(0, 0))
        if task.scans:
            _look_through(mine, own, x, rows, counts)
        _lose(mine, own, samples, 0, rows, start, outputs, counts)
        finish(area, me)
    await_all(area, pieces, me)


@jit
def _rows_at(net, own, samples, start, rows):
    """Address of rows order[start:start + rows]: where they lie in X, or in the thread's own input."""
    fan_in, gather, order = net.layers[0, FAN_IN], net.kernels[GATHER], samples.order
    if gather == 0:
        return samples.data + order[start] * fan_in * size_of(net.like)
    x_panel, panels, end = net.layers[0, X_PANEL], panels_of(fan_in, net.like), start + rows
    call(gather, samples.data, order, start, end, 0, own.x, x_panel, fan_in, samples.data_scale, 0, panels)
    return own.x


@inline
def _are_row_major(kernels):
    """Whether the rows that the first layer reads are."""
    return kernels[FORWARD_UNPACKED] != 0


@jit
def _look_through(net, own, x, rows, counts):
    """Count signs of a NaN or an infinity in the rows at `x`."""
    fan_in, like = net.layers[0, FAN_IN], net.like
    step, blocks, elements = 0, 1, rows * fan_in
    if not _are_row_major(net.kernels):
        step, blocks = net.layers[0, X_PANEL], panels_of(fan_in, like)
        elements = rows * 2 * lanes_of(like)
    odd = call_count(net.kernels[ODD], x, step, blocks, elements, own.scratch, like)
    if odd != 0:
        fetch_add(counts + 8, odd)


@inline
def _stays_in_cache(layers, i, like):
    """Whether W of layer i does."""
    return layers[i, FAN_IN] * layers[i, FAN_OUT] * size_of(like) <= IN_CACHE


@jit
def _forward_panel(net, own, i, p, x, first, last):
    """Panel p of Z of layer i for rows first..last of those at `x`."""
    layers, kernels, bank, like = net.layers, net.kernels, net.bank, net.like
    fan_in, fan_out, inputs = layers[i, FAN_IN], layers[i, FAN_OUT], Strided(x, layers[i, X_PANEL])
    panel, item = 2 * lanes_of(like), size_of(like)
    columns, offset, w_row = min(panel, fan_out - p * panel), p * panel * item, fan_out * item
    w, b = layers[i, W_SOURCE] + offset, layers[i, B_SOURCE] + offset
    z, z_panel = layers[i, Z] + p * layers[i, Z_PANEL], layers[i, Z_PANEL]
    mode = RELU if layers[i, ACTIVATION] == RELU_ACTIVATION else STORE
    if i == 0 and columns == panel and _stays_in_cache(layers, i, like):
        weights = Strided(w, w_row)
        call(kernels[FORWARD_UNPACKED], bank, first, last, inputs, weights, b, z, fan_in, mode, like)
    else:
        room, outputs = own.room, Strided(z, z_panel)
        weights, b_room = Strided(room, 0), room + fan_in * ROW_BYTES
        call(kernels[PACK], b, 0, 1, columns, b_room, 0, like)
        if i == 0 and columns == panel and last - first > TALLEST_WIDE:
            source = Strided(w, w_row)
            call(
                kernels[FORWARD_PACKING],
                bank,
                first,
                last,
                inputs,
                source,
                b_room,
                z,
                room,
                fan_in,
                mode,
                like,
            )
        else:
            call(kernels[PACK], w, w_row, fan_in, columns, room, 0, like)
            kernel = kernels[FORWARD_FIRST if i == 0 else FORWARD]
            call(kernel, bank, first, last, inputs, weights, b_room, outputs, fan_in, columns, mode, like)
    if layers[i, ACTIVATE] != 0:
        call(layers[i, ACTIVATE], first, last, z, z_panel, columns, 0, like)


@inline
def _by_panels(net, me, own, samples, task, outputs, counts, areas):
    """See above; arguments as for _by_rows."""
    layers, first, rows = net.layers, task.first, task.last - task.first
    last_layer = layers.shape[0] - 1
    rows_at = 0  # each thread converts all rows for itself, if it must, and finds work
    for i in range(last_layer + 1):
        panels, area = panels_of(layers[i, FAN_OUT], net.like), counted_area(areas, i, me.threads)
        # Halves of the rows too, where nothing is packed twice for it, or a thread would have nothing to do.
        halves = me.threads > 1 and (panels < me.threads or (i == 0 and _stays_in_cache(layers, i, net.like)))
        parts = row_parts(rows) if halves else 1
        units = parts * panels
        helped, taken = 0, 0
        while True:
            unit, helped, taken = next_unit(area, units, me, helped, taken)
            if unit < 0:
                break
            if i == 0 and rows_at == 0:
                rows_at = _rows_at(net, own, samples, first, rows)
            from_row, to_row = share(rows, unit % parts, parts)
            _forward_panel(net, own, i, unit // parts, rows_at if i == 0 else layers[i, X], from_row, to_row)
            if i == 0 and unit == 0 and task.scans:
                _look_through(net, own, rows_at, rows, counts)
            finish(area, me)
        await_all(area, units, me)
    units, area = (rows + LOSS_ROWS - 1) // LOSS_ROWS, counted_area(areas, last_layer + 1, me.threads)
    helped, taken = 0, 0
    while True:
        unit, helped, taken = next_unit(area, units, me, helped, taken)
        if unit < 0:
            break
        row = unit * LOSS_ROWS
        _lose(net, own, samples, row, min(rows, row + LOSS_ROWS), first, outputs, counts)
        finish(area, me)
    await_all(area, units, me)
