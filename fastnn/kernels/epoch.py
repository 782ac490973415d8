"""Training of a whole network, a run of steps in one nogil call, shared by a team of threads.

A network is a table of integers (workspace.py), and the large kernels are reached through a table of
addresses (link.py), so only the element type is compiled for. A training step on a chunk of rows:

  forward   wide layers are shared by columns: each thread computes its own panels of outputs for all rows, so
            its part of W stays in its core's cache from update to update; a barrier after each
  rows      narrow layers, the loss and all deltas are shared by rows; a barrier
  weights   each thread computes its own blocks of dW over all rows, with the SGD step, bias and transposed
            copy; a barrier

Each thread gathers the input it reads for itself: reading a line that another core has just written costs
more (about 9 ns) than gathering it again from the data. For the same reason W should not move: shared by
rows, 784-128-10 in batches of 32 moved half of W in every step, and two threads were no faster than one.

Plain SGD stores no gradient, and nothing is summed across threads, so the bits do not depend on the team. A
batch larger than a chunk is worked through chunk by chunk: the sums are then carried in G, and the step is
taken at the last chunk. A full batch of 60,000 rows is the same code.
"""

from fastnn.kernels.forward import forward, is_by_columns, panels_of
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call, call_count
from fastnn.kernels.matmul import block_count
from fastnn.kernels.sparsity import (
    BITS,
    CHUNK_BITS,
    CHUNK_STRIDE,
    SAMPLE_LIST_BYTES,
    SAMPLE_LISTS,
    UPDATE_LISTED,
    WORDS,
)
from fastnn.kernels.table import (
    BACKWARD,
    GATHER,
    GATHER_BITS,
    LISTED_UPDATE,
    LOSS,
    UPDATE,
)
from fastnn.kernels.team import barrier, share
from fastnn.kernels.tile_ir import CONTINUE, DESCEND
from fastnn.kernels.workspace import (
    FAN_IN,
    FAN_OUT,
    GB,
    W_PANEL,
    WT,
    WT_PANEL,
    X_PANEL,
    Z_PANEL,
    B,
    D,
    G,
    W,
    X,
    Z,
)


@inline
def _backward(layers, kernels, bank, first, last, activation, zeros, like):
    """D of every hidden layer for rows first..last of the chunk, from dZ of the last."""
    for i in range(layers.shape[0] - 1, 0, -1):
        call(
            kernels[BACKWARD],
            bank,
            first,
            last,
            layers[i, D],
            layers[i, Z_PANEL],
            layers[i, WT],
            layers[i, WT_PANEL],
            zeros,
            layers[i, X],
            layers[i, X_PANEL],
            layers[i - 1, D],
            layers[i - 1, Z_PANEL],
            layers[i, FAN_IN],
            layers[i, FAN_OUT],
            activation,
            like,
        )


@inline
def _gather_chunk(layers, x, kernels, data, order, start, rows, thread, threads, data_scale):
    """Own rows whole; of the other rows only the panels that this thread will read: all, if by columns."""
    first, last = share(rows, thread, threads)
    fan_in, fan_out = layers[0, FAN_IN], layers[0, FAN_OUT]
    panels = panels_of(fan_in, data_scale)
    from_block, to_block = share(block_count(fan_in, fan_out, data_scale), thread, threads)
    low, high = 0, panels
    one_panel_of_outputs = from_block // panels == (to_block - 1) // panels
    if one_panel_of_outputs and not is_by_columns(fan_out, threads, data_scale):
        low, high = from_block % panels, (to_block - 1) % panels + 1
    for begin, end, p, q in ((0, first, low, high), (first, last, 0, panels), (last, rows, low, high)):
        call(
            kernels[GATHER],
            data,
            order,
            start + begin,
            start + end,
            begin,
            x,
            layers[0, X_PANEL],
            fan_in,
            data_scale,
            p,
            q,
        )


@inline
def _update(layers, x, plan, kernels, bank, rows, thread, threads, mode, rate):
    """This thread's blocks of every layer: by columns as in the forward pass, else an even share.

    Of those, odd layers are shared from the other end, to even out what does not divide.
    """
    for i in range(layers.shape[0]):
        if is_by_columns(layers[i, FAN_OUT], threads, rate):
            p, q = share(panels_of(layers[i, FAN_OUT], rate), thread, threads)
            blocks = panels_of(layers[i, FAN_IN], rate)
            first, last = p * blocks, q * blocks
        else:
            blocks = block_count(layers[i, FAN_IN], layers[i, FAN_OUT], rate)
            first, last = share(blocks, thread if i % 2 == 0 else threads - 1 - thread, threads)
        if i == 0 and plan[UPDATE_LISTED] != 0:
            call(
                kernels[LISTED_UPDATE],
                bank,
                first,
                last,
                rows,
                x,
                layers[i, X_PANEL],
                layers[i, D],
                layers[i, Z_PANEL],
                layers[i, W],
                layers[i, W_PANEL],
                layers[i, G],
                layers[i, W_PANEL],
                layers[i, B],
                layers[i, GB],
                layers[i, FAN_IN],
                layers[i, FAN_OUT],
                mode,
                plan[CHUNK_BITS],
                plan[CHUNK_STRIDE],
                plan[SAMPLE_LISTS],
                plan[SAMPLE_LIST_BYTES],
                rate,
            )
        else:
            call(
                kernels[UPDATE],
                bank,
                first,
                last,
                rows,
                x if i == 0 else layers[i, X],
                layers[i, X_PANEL],
                layers[i, D],
                layers[i, Z_PANEL],
                layers[i, W],
                layers[i, W_PANEL],
                layers[i, G],
                layers[i, W_PANEL],
                layers[i, B],
                layers[i, GB],
                layers[i, WT],
                layers[i, WT_PANEL],
                layers[i, FAN_IN],
                layers[i, FAN_OUT],
                mode,
                rate,
            )


@jit
def train_rows(
    thread,
    threads,
    layers,
    kernels,
    bank,
    x,
    plan,
    scratch,
    zeros,
    data,
    targets,
    order,
    losses,
    batch,
    chunk,
    activation,
    data_scale,
    rate,
    descend,
    flags,
    spins,
):
    """One update for every `batch` rows of `order`; every thread of the team makes this call.

    x, scratch     addresses of this thread's own input and scratch
    plan           how this thread skips zeros of X, see sparsity.py; all zeros: not at all
    data, targets  addresses of X, and of the labels (int64) or the regression targets (row-major)
    losses         (order.size,) float64, written: the loss of each row
    descend        1 takes the steps; 0 leaves the gradients of the batch in G (see workspace.py)

    Returns this thread's correctly classified rows.
    """
    n_correct, n_rows = 0, order.shape[0]
    last_layer = layers.shape[0] - 1
    for begin in range(0, n_rows, batch):
        size = min(batch, n_rows - begin)
        scale = type(rate)(1.0 / size)  # the gradient is a mean over the batch, ragged or not
        for start in range(0, size, chunk):
            rows = min(chunk, size - start)
            first, last = share(rows, thread, threads)
            _gather_chunk(layers, x, kernels, data, order, begin + start, rows, thread, threads, data_scale)
            if plan[BITS] != 0:
                call(
                    kernels[GATHER_BITS],
                    plan[BITS],
                    plan[WORDS],
                    order,
                    begin + start,
                    rows,
                    plan[CHUNK_BITS],
                    plan[CHUNK_STRIDE],
                )
            forward(
                layers,
                x,
                plan,
                kernels,
                bank,
                rows,
                first,
                last,
                activation,
                rate,
                thread,
                threads,
                flags,
                spins,
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
                begin + start,
                scale,
                losses,
                scratch,
            )
            _backward(layers, kernels, bank, first, last, activation, zeros, rate)
            barrier(flags, thread, threads, spins)
            mode = CONTINUE if start > 0 else 0
            if descend != 0 and start + rows == size:
                mode |= DESCEND
            _update(layers, x, plan, kernels, bank, rows, thread, threads, mode, rate)
            barrier(flags, thread, threads, spins)
    return n_correct
