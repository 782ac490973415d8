"""The way of one chunk of rows through the network and back, as far as deltas: all of a step but the weights.

epoch.py says how threads share it.
"""

from fastnn.kernels.backward import backward, copy_deltas
from fastnn.kernels.chunks import gather_chunk, gather_narrow
from fastnn.kernels.claims import UPDATE_CLAIMS, give_back
from fastnn.kernels.entries import GATHER_BITS, LOSS, NARROW_UPDATE
from fastnn.kernels.forward import forward, forward_narrow_layer
from fastnn.kernels.jit import jit
from fastnn.kernels.link import call, call_count
from fastnn.kernels.shares import has_short_rest
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.sparsity import BITS, CHUNK_BITS, CHUNK_STRIDE, WORDS
from fastnn.kernels.team import alone, barrier, share
from fastnn.kernels.workspace import CLAIMS, FAN_OUT, Z_PANEL, Z


@jit
def deltas(net, me, own, samples, chunk, after, gathered, stale, scale, masks):
    """Gather the chunk's rows, and leave D of every layer; returns own correct rows.

    after      the chunk whose rows of a narrow layer a thread gathers into its other input, to fill the time
               until the threads after it have come to the end of the layer, or of all that one of them does
               alone. The last thread need not wait, and gets one of no rows
    gathered   whether this chunk's have been filled already, when it was the one after
    stale      1 if a narrow layer's W has changed since its last forward pass, else 0
    scale      of the gradients
    """
    layers, kernels, like, plan = net.layers, net.kernels, net.like, own.plan
    rows, last_layer = chunk.rows, layers.shape[0] - 1
    narrow = kernels[NARROW_UPDATE] != 0
    in_turns = narrow and has_short_rest(layers, me.threads, like)
    has_the_rest = in_turns and me.thread + 1 == me.threads
    us = alone(me) if has_the_rest else me  # who shares all that follows a narrow layer
    # Alone, a thread goes on with a panel of rows while the one before it works on the next panel.
    n_correct, step = 0, 2 * lanes_of(like) if has_the_rest else rows
    give_back(layers[:, CLAIMS], UPDATE_CLAIMS, me)
    if not narrow:
        gather_chunk(net, me, samples, plan, chunk, masks)
    elif not gathered:
        gather_narrow(net, me, samples, chunk)
    if plan[BITS] != 0:
        call(
            kernels[GATHER_BITS],
            plan[BITS],
            plan[WORDS],
            samples.order,
            chunk.start,
            rows,
            plan[CHUNK_BITS],
            plan[CHUNK_STRIDE],
        )
    for begin in range(0, rows, step):
        end = min(rows, begin + step)
        first, last = share(rows, me.thread, me.threads)
        if narrow:
            forward_narrow_layer(net, me, chunk.x, begin, end, stale)
            if after.rows > 0:
                gather_narrow(net, me, samples, after)
            if has_the_rest:
                first, last = begin, end
            elif in_turns:
                return 0
            barrier(us)
        forward(net, us, plan, chunk.x, rows, first, last, masks)
        n_correct += call_count(
            kernels[LOSS],
            first,
            last,
            layers[last_layer, Z],
            layers[last_layer, Z_PANEL],
            layers[last_layer, FAN_OUT],
            samples.order,
            samples.targets,
            samples.weights,
            chunk.start,
            scale,
            samples.option,
            samples.losses,
            own.scratch,
        )
        backward(net, us, rows, first, last, masks)
        if has_the_rest:
            copy_deltas(layers, first, last, like)
    return n_correct
