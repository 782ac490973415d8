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
def gather_chunk(
    layers, x, kernels, plan, data, order, start, rows, thread, threads, data_scale, dropout_seed, counter
):
    """Own rows whole; of the other rows only the panels that this thread will read: all, if by columns."""
    first, last = share(rows, thread, threads)
    fan_in, fan_out = layers[0, FAN_IN], layers[0, FAN_OUT]
    panels = panels_of(fan_in, data_scale)
    together = counted_together(layers, 0, plan, threads, data_scale)
    from_block, to_block = own_blocks(layers, 0, kernels, together, thread, threads, data_scale)
    p_first, q_first = block_place(from_block, fan_in, fan_out, together, data_scale)
    p_last, q_last = block_place(to_block - 1, fan_in, fan_out, together, data_scale)
    low, high = 0, panels
    if p_first // together == p_last // together and not is_by_columns(fan_out, threads, data_scale):
        low, high = q_first, q_last + 1
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
        if layers[0, DROP_SHARE] != 0:
            panel = 2 * lanes_of(data_scale)
            call(
                kernels[DROP],
                begin,
                end,
                x + p * layers[0, X_PANEL],
                layers[0, X_PANEL],
                p * panel,
                min(fan_in, q * panel) - p * panel,
                layers[0, DROP_SHARE],
                dropout_seed,
                counter,
                data_scale,
            )


@jit
def gather_narrow(layers, x, kernels, data, order, start, rows, thread, threads, data_scale):
    """This thread's features of all rows, as forward_narrow_layer and weight_update_narrow read them."""
    fan_in, x_columns = layers[0, FAN_IN], layers[0, X_PANEL]
    p, q = narrow_share(layers, thread, threads, data_scale)
    end = start + rows
    call(kernels[GATHER], data, order, start, end, 0, x, x_columns, fan_in, data_scale, p, q)
