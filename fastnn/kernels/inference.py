"""The forward pass over rows of X on its own: for predictions, and for the loss of data of any kind.

Weights come row-major, as a network holds them, and are packed in every call, for they may have been changed.
Two ways, to the same bits:

  by rows     each thread takes pieces of rows through all layers, in room and with packed weights of its own:
              reading what another core has just written takes longer than packing it oneself
  by panels   of a few rows through large layers: all threads compute all rows, layer by layer, each some
              panels of outputs, and a panel of W is packed just before it is used, into room in L2: megabytes
              that are packed at once have left it before they are used

Threads come and go (helpers.py): all work is claimed unit by unit, and nobody waits for one who has none.
"""

from typing import Any, NamedTuple

import numpy as np

from fastnn.kernels.activations import RELU as RELU_ACTIVATION
from fastnn.kernels.atomics import fetch_add
from fastnn.kernels.claims import await_all, counted_area, finish, next_unit
from fastnn.kernels.entries import FORWARD, GATHER, LOSS, OUTPUTS, PACK, ROW_BITS
from fastnn.kernels.forward import forward
from fastnn.kernels.helpers import begin, linger
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call, call_count
from fastnn.kernels.shares import panels_of
from fastnn.kernels.simd import lanes_of, size_of
from fastnn.kernels.sparsity import CHUNK_BITS, CHUNK_STRIDE, FORWARD_LISTED
from fastnn.kernels.step import Masks, Net
from fastnn.kernels.target import LINE
from fastnn.kernels.team import alone
from fastnn.kernels.tile_kinds import RELU, ROW_BYTES, STORE
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
LOSS_ROWS = 32  # rows in a unit of work of the loss, by panels


def no_claims(n_layers, threads):
    """The counted areas of one call (claims.py): for each layer and the loss, or for pieces.

    There is room for a cache line more, for they begin with one.
    """
    return np.zeros(((n_layers + 1) * (threads + 1) + 1) * LINE // 8, np.int64)


class Pass(NamedTuple):
    """One call: which rows, by which way, and what comes of it."""

    first: int  # rows first..last of X; the samples' `order` counts all of them
    last: int
    by_panels: int  # 1: by panels of outputs, for at most `room` rows; 0: by pieces of rows
    room: int  # rows of room that each thread has
    outputs: Any  # (n, n_outputs) array to fill, or (0, 0)
    n_correct: Any  # (1,) int64, to which correctly classified rows are added
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
    # Addresses of arrays are unsigned, and the sum of an unsigned number and another one is a float.
    areas = (np.intp(task.claims.ctypes.data) + LINE - 1) // LINE * LINE
    count = np.intp(task.n_correct.ctypes.data)
    outputs = np.intp(task.outputs.ctypes.data) if task.outputs.size else 0
    if task.by_panels:
        _by_panels(net, me, own, samples, task.first, task.last, outputs, count, areas)
    else:
        _by_rows(net, me, own, samples, task.first, task.last, task.room, outputs, count, areas)
    if me.thread > 0:
        linger(me.flags, task.call, me.thread, task.looks)


@inline
def _pack_all(net):
    """W and b of all layers into their panels."""
    layers, pack, like = net.layers, net.kernels[PACK], net.like
    for i in range(layers.shape[0]):
        fan_in, fan_out, step = layers[i, FAN_IN], layers[i, FAN_OUT], layers[i, FAN_OUT] * size_of(like)
        call(pack, layers[i, W_SOURCE], step, fan_in, fan_out, layers[i, W], layers[i, W_PANEL], like)
        call(pack, layers[i, B_SOURCE], 0, 1, fan_out, layers[i, B], ROW_BYTES, like)


@inline
def _lose(net, own, samples, first, last, start, outputs, n_correct):
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
    fetch_add(n_correct, correct)
    if outputs != 0:
        call(net.kernels[OUTPUTS], first, last, z, z_panel, fan_out, outputs, start, net.like)


@jit
def _by_rows(net, me, own, samples, first, last, room, outputs, n_correct, area):
    layers, kernels, like, order = own.layers, net.kernels, net.like, samples.order
    mine = Net(layers, kernels, net.bank, net.zeros, like)
    n_rows, fan_in = last - first, layers[0, FAN_IN]
    # Several pieces a thread, so that none is left with a long one, and equally many for all; but not shorter
    # than a tile or two, and as long as possible where each streams W from beyond L2.
    n_weights = 0
    for i in range(layers.shape[0]):
        n_weights += layers[i, FAN_IN] * layers[i, FAN_OUT]
    least = LEAST_PIECE if n_weights * size_of(like) <= IN_CACHE else room
    rounds = max(1, min(PIECES, n_rows // (least * me.threads)), (n_rows - 1) // (room * me.threads) + 1)
    size = (n_rows - 1) // (rounds * me.threads) + 1
    pieces, packed = (n_rows - 1) // size + 1, False
    helped, taken = 0, 0
    while True:
        piece, helped, taken = next_unit(area, pieces, me, helped, taken)
        if piece < 0:
            break
        if not packed:
            packed = True
            _pack_all(mine)
        start = first + piece * size
        rows = min(size, last - start)
        _gather(mine, own, samples, start, rows)
        if own.plan[FORWARD_LISTED] != 0:
            row, bits, stride = order[start], own.plan[CHUNK_BITS], own.plan[CHUNK_STRIDE]
            call(kernels[ROW_BITS], samples.data, fan_in, row, row + rows, bits, 8, stride)
        forward(mine, alone(me), own.plan, own.x, rows, 0, rows, Masks(0, 0))
        _lose(mine, own, samples, 0, rows, start, outputs, n_correct)
        finish(area, me)
    await_all(area, pieces, me)


@inline
def _gather(net, own, samples, start, rows):
    """Rows order[start:start + rows] to the thread's own input."""
    fan_in, x_panel = net.layers[0, FAN_IN], net.layers[0, X_PANEL]
    data, scale, panels = samples.data, samples.data_scale, panels_of(fan_in, net.like)
    end = start + rows
    call(net.kernels[GATHER], data, samples.order, start, end, 0, own.x, x_panel, fan_in, scale, 0, panels)


@jit
def _by_panels(net, me, own, samples, first, last, outputs, n_correct, areas):
    layers, kernels, like = net.layers, net.kernels, net.like
    rows, panel, item, last_layer = (
        samples.order.shape[0],
        2 * lanes_of(like),
        size_of(like),
        layers.shape[0] - 1,
    )
    fan_in = layers[0, FAN_IN]
    gathered = False  # each thread gathers all rows for itself, if it finds work
    for i in range(last_layer + 1):
        fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
        units, area = panels_of(fan_out, like), counted_area(areas, i, me.threads)
        helped, taken = 0, 0
        while True:
            p, helped, taken = next_unit(area, units, me, helped, taken)
            if p < 0:
                break
            if i == 0 and not gathered:
                gathered = True
                _gather(net, own, samples, first, rows)
            columns, z, z_panel = min(panel, fan_out - p * panel), layers[i, Z], layers[i, Z_PANEL]
            z += p * z_panel
            w, b, offset = own.room, own.room + fan_in * ROW_BYTES, p * panel * item
            call(kernels[PACK], layers[i, W_SOURCE] + offset, fan_out * item, fan_in, columns, w, 0, like)
            call(kernels[PACK], layers[i, B_SOURCE] + offset, 0, 1, columns, b, 0, like)
            x = own.x if i == 0 else layers[i, X]
            mode = RELU if layers[i, ACTIVATION] == RELU_ACTIVATION else STORE
            call(
                kernels[FORWARD],
                net.bank,
                0,
                rows,
                x,
                layers[i, X_PANEL],
                w,
                0,
                b,
                z,
                z_panel,
                fan_in,
                columns,
                mode,
                like,
            )
            if layers[i, ACTIVATE] != 0:
                call(layers[i, ACTIVATE], 0, rows, z, z_panel, columns, 0, like)
            finish(area, me)
        await_all(area, units, me)
    units, area = (rows + LOSS_ROWS - 1) // LOSS_ROWS, counted_area(areas, last_layer + 1, me.threads)
    helped, taken = 0, 0
    while True:
        unit, helped, taken = next_unit(area, units, me, helped, taken)
        if unit < 0:
            break
        row = unit * LOSS_ROWS
        _lose(net, own, samples, row, min(rows, row + LOSS_ROWS), first, outputs, n_correct)
        finish(area, me)
    await_all(area, units, me)
