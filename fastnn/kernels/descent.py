"""What optimizers other than plain gradient descent make of the gradients, at the end of a training step.

They go block by block (descend_layers): the tile leaves its gradient in a room that stays in L1, the
optimizer takes it from there, and the gradient of the whole layer is never written. Only a batch of several
chunks, and clipping by norm, which must know all gradients before the first step, keep it in G.
"""

import math

from fastnn.kernels.entries import (
    LIMIT,
    PENALISE,
    SQUARES,
    STEP,
    TOTAL,
    TRANSPOSE,
)
from fastnn.kernels.gradients import (
    counted_together,
    take_blocks,
    unit_blocks,
    update_layers,
    weight_gradients,
)
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call, call_total
from fastnn.kernels.matmul import block_place
from fastnn.kernels.shares import own_blocks, panels_of
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.strided import Strided
from fastnn.kernels.team import barrier, share
from fastnn.kernels.tile_kinds import ROW_BYTES
from fastnn.kernels.updates import (
    BIAS,
    CLIP_NORM,
    MAX_NORM,
    MEASURES_SQUARES,
    PENALISED,
    WEIGHT,
    WEIGHT_SQUARES,
)
from fastnn.kernels.workspace import (
    FAN_IN,
    FAN_OUT,
    GB,
    MB,
    SB,
    VB,
    W_PANEL,
    W_ROWS,
    WT,
    WT_PANEL,
    B,
    G,
    M,
    S,
    V,
    W,
)

# A mode of descend_layers beside CONTINUE and DESCEND.
SUMMED = 4


@inline
def _clip_factor(net, me, plan, recipe, now):
    """min(1, CLIP_NORM / length of all gradients); they and their penalties must be in G and GB."""
    layers, kernels, like, threads = net.layers, net.kernels, net.like, me.threads
    panel = 2 * lanes_of(like)
    for i in range(layers.shape[0]):
        together = counted_together(net, i, plan, threads)
        first, last = own_blocks(net, i, together, me)
        for block in range(first, last):
            p, q = block_place(block, layers[i, FAN_IN], layers[i, FAN_OUT], together, like)
            inputs = min(panel, layers[i, W_ROWS] - q * panel)
            offset = p * layers[i, W_PANEL] + q * panel * ROW_BYTES
            call(kernels[PENALISE], inputs, layers[i, W] + offset, layers[i, G] + offset, recipe, now, WEIGHT)
            if q == 0:
                offset = p * ROW_BYTES
                call(kernels[PENALISE], 1, layers[i, B] + offset, layers[i, GB] + offset, recipe, now, BIAS)
    barrier(me)
    for i in range(layers.shape[0]):
        p, q = share(panels_of(layers[i, FAN_OUT], like), me.thread, me.threads)
        call(kernels[SQUARES], p, q, layers[i, G], layers[i, W_PANEL], layers[i, FAN_IN], layers[i, S], like)
        call(kernels[SQUARES], p, q, layers[i, GB], ROW_BYTES, 1, layers[i, SB], like)
    barrier(me)
    squares = 0.0  # every thread adds them all, in the same order
    for i in range(layers.shape[0]):
        squares += call_total(kernels[TOTAL], layers[i, S], layers[i, FAN_OUT], like)
        squares += call_total(kernels[TOTAL], layers[i, SB], layers[i, FAN_OUT], like)
    length = math.sqrt(squares)
    return type(like)(recipe[CLIP_NORM] / length) if length > recipe[CLIP_NORM] else type(like)(1)


@inline
def _weight_squares(net, me):
    """ΣW² of all layers, on every thread: by columns first, so that no order depends on the threads."""
    layers, kernels, like = net.layers, net.kernels, net.like
    for i in range(layers.shape[0]):
        p, q = share(panels_of(layers[i, FAN_OUT], like), me.thread, me.threads)
        call(kernels[SQUARES], p, q, layers[i, W], layers[i, W_PANEL], layers[i, FAN_IN], layers[i, S], like)
    barrier(me)
    squares = 0.0
    for i in range(layers.shape[0]):
        squares += call_total(kernels[TOTAL], layers[i, S], layers[i, FAN_OUT], like)
    return squares


@inline
def _limit_norms(net, me, limit):
    """Max-norm on this thread's panels of every layer, and their transposed copies."""
    layers, kernels = net.layers, net.kernels
    panel = 2 * lanes_of(limit)
    for i in range(layers.shape[0]):
        first, last = share(panels_of(layers[i, FAN_OUT], limit), me.thread, me.threads)
        fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
        call(kernels[LIMIT], first, last, layers[i, W], layers[i, W_PANEL], fan_in, limit)
        for p in range(first, last if layers[i, WT] != 0 else first):
            for q in range(panels_of(fan_in, limit)):
                call(
                    kernels[TRANSPOSE],
                    layers[i, W] + p * layers[i, W_PANEL] + q * panel * ROW_BYTES,
                    layers[i, WT] + q * layers[i, WT_PANEL] + p * panel * ROW_BYTES,
                    min(panel, fan_in - q * panel),
                    min(panel, fan_out - p * panel),
                    limit,
                )


@jit
def descend_layers(net, me, own, chunk, mode, recipe, now):
    """One update by kernels[STEP] from the last chunk of a batch; every thread of the team makes this call.

    mode    CONTINUE if G holds the sums of chunks before, SUMMED if those of all, else 0
    recipe, now   numbers of the run and of this update, see updates.py
    """
    layers, kernels, like, plan, room = net.layers, net.kernels, net.like, own.plan, own.room
    panel = 2 * lanes_of(like)
    clips = recipe[CLIP_NORM] < math.inf
    stored = clips or mode == SUMMED
    factor = type(like)(1)
    if recipe[MEASURES_SQUARES] != 0:
        squares = _weight_squares(net, me)
        if me.thread == 0:
            now[WEIGHT_SQUARES] = squares
    if clips:
        if mode != SUMMED:
            update_layers(net, me, plan, chunk, mode, like)
            barrier(me)  # others may have helped with these blocks
        factor = _clip_factor(net, me, plan, recipe, now)
    for i in range(layers.shape[0]):
        together = counted_together(net, i, plan, me.threads)
        size = 0 if stored else unit_blocks(net, i, chunk.rows, together, me.threads)
        helped, taken = 0, 0
        while True:
            first, last, begin, helped, taken = take_blocks(net, i, size, together, me, helped, taken)
            if first == last:
                break
            for block in range(first, last):
                p, q = block_place(block, layers[i, FAN_IN], layers[i, FAN_OUT], together, like)
                inputs = min(panel, layers[i, W_ROWS] - q * panel)
                offset = p * layers[i, W_PANEL] + q * panel * ROW_BYTES
                gradient, g_panel = layers[i, G] + offset, layers[i, W_PANEL]
                if room != 0 and not stored:
                    # Of two blocks that are computed together the second is a block further in the room,
                    # be it of the next panel of outputs or, in a last one without a partner, of inputs.
                    g_panel = panel * ROW_BYTES
                    gradient = room + (block - first) % together * g_panel
                if not stored and (block - first) % together == 0:
                    to = Strided(gradient - p * g_panel - q * panel * ROW_BYTES, g_panel)
                    end = min(last, block + together)
                    weight_gradients(net, i, me, plan, chunk, block, end, together, begin, to, mode, like)
                call(
                    kernels[STEP],
                    inputs,
                    layers[i, W] + offset,
                    gradient,
                    layers[i, M] + offset,
                    layers[i, V] + offset,
                    recipe,
                    now,
                    factor,
                    PENALISED if clips else WEIGHT,
                )
                if q == 0:
                    call(
                        kernels[STEP],
                        1,
                        layers[i, B] + p * ROW_BYTES,
                        layers[i, GB] + p * ROW_BYTES,
                        layers[i, MB] + p * ROW_BYTES,
                        layers[i, VB] + p * ROW_BYTES,
                        recipe,
                        now,
                        factor,
                        BIAS,
                    )
                if layers[i, WT] != 0 and kernels[LIMIT] == 0:
                    call(
                        kernels[TRANSPOSE],
                        layers[i, W] + offset,
                        layers[i, WT] + q * layers[i, WT_PANEL] + p * panel * ROW_BYTES,
                        inputs,
                        min(panel, layers[i, FAN_OUT] - p * panel),
                        like,
                    )
    if kernels[LIMIT] != 0:
        barrier(me)
        _limit_norms(net, me, recipe[MAX_NORM])
