"""The backward pass of a training step: the deltas of every hidden layer, from those of the last."""

from fastnn.kernels.claims import BACKWARD_CLAIMS, area_of, next_unit
from fastnn.kernels.entries import BACKWARD, DROP
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call
from fastnn.kernels.memory import load, store
from fastnn.kernels.shares import copied_row_bytes, is_by_columns, panels_of, row_parts
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.strided import Strided
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.team import barrier, share
from fastnn.kernels.tile_kinds import ROW_BYTES
from fastnn.kernels.workspace import (
    ACTIVATION,
    CLAIMS,
    D_COPY,
    DROP_SHARE,
    FAN_IN,
    FAN_OUT,
    SLOPES,
    WT,
    WT_PANEL,
    X_PANEL,
    Z_PANEL,
    D,
    X,
)


@jit
def backward(net, me, rows, first, last, masks):
    """D of every hidden layer from dZ of the last; first..last are the thread's own of the `rows` rows.

    Between layers that the forward pass shares by columns, dX is shared so too: a thread then reads but a
    part of WT, which all have written, and writes those columns of D that its own dW needs.
    """
    layers, kernels, like, threads = net.layers, net.kernels, net.like, me.threads
    panel = 2 * lanes_of(like)
    whole = False  # whether D of layer i is there for all rows: the loss is computed by rows
    for i in range(layers.shape[0] - 1, 0, -1):
        fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
        by_columns = is_by_columns(fan_in, threads, like) and is_by_columns(fan_out, threads, like)
        if by_columns and not whole:
            barrier(me)
        parts = row_parts(rows) if by_columns else 1
        units = parts * panels_of(fan_in, like)
        area = area_of(layers[i, CLAIMS], BACKWARD_CLAIMS, threads)
        helped, taken = 0, 0
        slopes = layers[i, X] if layers[i - 1, SLOPES] == 0 else layers[i - 1, SLOPES]
        while True:
            begin, end, p, columns = first, last, 0, fan_in
            if by_columns:
                unit, helped, taken = next_unit(area, units, me, helped, taken)
                if unit < 0:
                    break
                p = unit // parts
                begin, end = share(rows, unit % parts, parts)
                columns = min(panel, fan_in - p * panel)
            target = layers[i - 1, D] + p * layers[i - 1, Z_PANEL]
            call(
                kernels[BACKWARD],
                net.bank,
                begin,
                end,
                Strided(layers[i, D], layers[i, Z_PANEL]),
                Strided(layers[i, WT] + p * layers[i, WT_PANEL], layers[i, WT_PANEL]),
                net.zeros,
                Strided(slopes + p * layers[i, X_PANEL], layers[i, X_PANEL]),
                Strided(target, layers[i - 1, Z_PANEL]),
                columns,
                fan_out,
                layers[i - 1, ACTIVATION],
                like,
            )
            if layers[i, DROP_SHARE] != 0:
                call(
                    kernels[DROP],
                    begin,
                    end,
                    target,
                    layers[i - 1, Z_PANEL],
                    p * panel,
                    columns,
                    layers[i, DROP_SHARE],
                    masks.seed,
                    masks.counter + (i << 24),
                    like,
                )
            if not by_columns:
                break
        if by_columns and i > 1:
            barrier(me)
        whole = by_columns


@inline
def copy_deltas(layers, first, last, like):
    """Rows of the first layer's D to D_COPY, one after the other, each over what the last had too much."""
    row_bytes = copied_row_bytes(layers, like)
    for row in range(first, last):
        for v in range(0, row_bytes, VECTOR_BYTES):
            store(layers[0, D_COPY] + row * row_bytes + v, load(layers[0, D] + row * ROW_BYTES + v, like))
