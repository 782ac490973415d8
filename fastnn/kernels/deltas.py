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
from fastnn.kernels.team import barrier, share
from fastnn.kernels.workspace import CLAIMS, FAN_OUT, Z_PANEL, Z


@jit
def deltas(
    layers,
    x,
    gathered,
    stale,
    x_next,
    next_start,
    next_rows,
    plan,
    scratch,
    zeros,
    kernels,
    bank,
    data,
    targets,
    weights,
    option,
    order,
    losses,
    start,
    rows,
    thread,
    threads,
    data_scale,
    scale,
    like,
    dropout_seed,
    counter,
    flags,
    spins,
):
    """Gather rows order[start:start + rows], and leave D of every layer; returns own correct rows.

    gathered     whether a narrow layer's x has been filled already, when these rows were the next ones
    stale        1 if its W has changed since its last forward pass, else 0
    x_next ...   its other input: with next_rows from next_start on a thread fills the time until the threads
                 after it have come to the end of the layer, or of all that one of them does alone. The last
                 thread need not wait, and gets none
    """
    narrow, last_layer = kernels[NARROW_UPDATE] != 0, layers.shape[0] - 1
    in_turns = narrow and has_short_rest(layers, threads, like)
    alone = in_turns and thread + 1 == threads
    member, members = (0, 1) if alone else (thread, threads)
    # Alone, a thread goes on with a panel of rows while the one before it works on the next panel.
    n_correct, step = 0, 2 * lanes_of(like) if alone else rows
    give_back(layers[:, CLAIMS], UPDATE_CLAIMS, thread, threads)
    if not narrow:
        gather_chunk(
            layers,
            x,
            kernels,
            plan,
            data,
            order,
            start,
            rows,
            thread,
            threads,
            data_scale,
            dropout_seed,
            counter,
        )
    elif not gathered:
        gather_narrow(layers, x, kernels, data, order, start, rows, thread, threads, data_scale)
    if plan[BITS] != 0:
        call(
            kernels[GATHER_BITS],
            plan[BITS],
            plan[WORDS],
            order,
            start,
            rows,
            plan[CHUNK_BITS],
            plan[CHUNK_STRIDE],
        )
    for begin in range(0, rows, step):
        end = min(rows, begin + step)
        first, last = share(rows, thread, threads)
        if narrow:
            forward_narrow_layer(
                layers,
                x,
                kernels,
                bank,
                begin,
                end,
                stale,
                like,
                thread,
                threads,
                flags,
                spins,
            )
            if next_rows > 0:
                gather_narrow(
                    layers, x_next, kernels, data, order, next_start, next_rows, thread, threads, data_scale
                )
            if alone:
                first, last = begin, end
            elif in_turns:
                return 0
            barrier(flags, member, members, spins)
        forward(
            layers,
            x,
            plan,
            kernels,
            bank,
            rows,
            first,
            last,
            like,
            member,
            members,
            flags,
            spins,
            dropout_seed,
            counter,
        )
        n_correct += call_count(
            kernels[LOSS],
            first,
            last,
            layers[last_layer, Z],
            layers[last_layer, Z_PANEL],
            layers[last_layer, FAN_OUT],
            order,
            targets,
            weights,
            start,
            scale,
            option,
            losses,
            scratch,
        )
        backward(
            layers,
            kernels,
            bank,
            rows,
            first,
            last,
            zeros,
            member,
            members,
            flags,
            spins,
            dropout_seed,
            counter,
            like,
        )
        if alone:
            copy_deltas(layers, first, last, like)
    return n_correct
