"""The input of a chunk of rows, gathered by each thread for itself: no more of it than it will read."""

from fastnn.kernels.entries import DROP, GATHER
from fastnn.kernels.gradients import counted_together
from fastnn.kernels.jit import jit
from fastnn.kernels.link import call
from fastnn.kernels.matmul import block_place
from fastnn.kernels.shares import is_by_columns, narrow_share, own_blocks, panels_of
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.team import share
from fastnn.kernels.workspace import DROP_SHARE, FAN_IN, FAN_OUT, X_PANEL


@jit
def gather_chunk(net, me, samples, plan, chunk, masks):
    """Own rows whole; of the other rows only the panels that this thread will read: all, if by columns."""
    layers, kernels, like = net.layers, net.kernels, net.like
    first, last = share(chunk.rows, me.thread, me.threads)
    fan_in, fan_out = layers[0, FAN_IN], layers[0, FAN_OUT]
    panels = panels_of(fan_in, like)
    together = counted_together(net, 0, plan, me.threads)
    from_block, to_block = own_blocks(net, 0, together, me)
    p_first, q_first = block_place(from_block, fan_in, fan_out, together, like)
    p_last, q_last = block_place(to_block - 1, fan_in, fan_out, together, like)
    low, high = 0, panels
    if p_first // together == p_last // together and not is_by_columns(fan_out, me.threads, like):
        low, high = q_first, q_last + 1
    for begin, end, p, q in ((0, first, low, high), (first, last, 0, panels), (last, chunk.rows, low, high)):
        call(
            kernels[GATHER],
            samples.data,
            samples.order,
            chunk.start + begin,
            chunk.start + end,
            begin,
            chunk.x,
            layers[0, X_PANEL],
            fan_in,
            samples.data_scale,
            p,
            q,
        )
        if layers[0, DROP_SHARE] != 0:
            panel = 2 * lanes_of(like)
            call(
                kernels[DROP],
                begin,
                end,
                chunk.x + p * layers[0, X_PANEL],
                layers[0, X_PANEL],
                p * panel,
                min(fan_in, q * panel) - p * panel,
                layers[0, DROP_SHARE],
                masks.seed,
                masks.counter,
                like,
            )


@jit
def gather_narrow(net, me, samples, chunk):
    """This thread's features of all rows, as forward_narrow_layer and weight_update_narrow read them."""
    fan_in, x_columns = net.layers[0, FAN_IN], net.layers[0, X_PANEL]
    p, q = narrow_share(net.layers, me, net.like)
    call(
        net.kernels[GATHER],
        samples.data,
        samples.order,
        chunk.start,
        chunk.start + chunk.rows,
        0,
        chunk.x,
        x_columns,
        fan_in,
        samples.data_scale,
        p,
        q,
    )
