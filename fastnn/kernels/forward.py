"""The forward pass of a whole network: inside a training step, and on its own.

Wide layers of a training step are shared by columns; narrow ones, and all layers of a forward pass on its
own, by rows; epoch.py says why. Who computes an element changes nothing in its bits.
"""

from fastnn.kernels.activations import RELU as RELU_ACTIVATION
from fastnn.kernels.byte_layer.narrow import SUMS_BYTES
from fastnn.kernels.claims import FORWARD_CLAIMS, area_of, next_unit
from fastnn.kernels.entries import (
    DROP,
    FORWARD,
    FORWARD_FIRST,
    LISTED_FORWARD,
    NARROW_FORWARD,
)
from fastnn.kernels.jit import jit
from fastnn.kernels.link import call
from fastnn.kernels.listed import lists_of
from fastnn.kernels.shares import is_by_columns, narrow_share, panels_of, panels_together, row_parts
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.sparsity import (
    CHUNK_BITS,
    CHUNK_STRIDE,
    FORWARD_LISTED,
    ROW_LIST_BYTES,
    ROW_LISTS,
)
from fastnn.kernels.strided import Strided
from fastnn.kernels.team import await_piece, barrier, hand_on, share
from fastnn.kernels.tile_kinds import RELU, ROW_BYTES, STORE
from fastnn.kernels.workspace import (
    ACTIVATE,
    ACTIVATION,
    CLAIMS,
    DROP_SHARE,
    FAN_IN,
    FAN_OUT,
    SLOPES,
    W_PANEL,
    X_PANEL,
    Z_PANEL,
    B,
    W,
    X,
    Z,
)


@jit
def forward_narrow_layer(net, me, x, first, last, stale):
    """Rows first..last of a layer 0 of narrow.py: threads share it by features, adding sum to sum.

    W then never leaves a core's cache, each thread gathers no more than it needs, and the chain of additions
    is the one of a single thread. While a thread works on one panel of rows, the next one works on the panel
    before; when all have come to a barrier, Z is whole.

    stale   whether this is the first call after a change of W, for exact.py, which threads never share
    """
    layers, like = net.layers, net.like
    mode = RELU if layers[0, ACTIVATION] == RELU_ACTIVATION else STORE
    panel = 2 * lanes_of(like)
    p, q = narrow_share(layers, me, like)
    step = last - first if me.threads == 1 else panel
    for start in range(first, last, step):
        await_piece(me)
        sums = layers[0, X] + (start // panel * SUMS_BYTES if me.threads > 1 else 0)
        call(
            net.kernels[NARROW_FORWARD],
            net.bank,
            start,
            min(last, start + step),
            Strided(x, layers[0, X_PANEL]),
            layers[0, W],
            layers[0, B],
            stale,
            sums,
            Strided(layers[0, Z], layers[0, Z_PANEL]),
            layers[0, FAN_IN],
            layers[0, FAN_OUT],
            p,
            q,
            mode,
            like,
        )
        if me.threads > 1:
            hand_on(me)


@jit
def forward(net, me, plan, x, rows, first, last, masks):
    """Z of every layer, from the input at `x`; first..last are the thread's own of the `rows` rows.

    A first layer that is narrow.py's has Z already.

    A layer that is shared by columns is computed for all rows. Panels of outputs are the thread's own, unless
    others are slower (claims.py): its W then never leaves this core's cache. It needs the whole input, and
    the next layer all of its outputs: a barrier on either side where the neighbour is shared by rows.
    """
    layers, kernels, like, threads = net.layers, net.kernels, net.like, me.threads
    last_layer = layers.shape[0] - 1
    panel = 2 * lanes_of(like)
    shared_by_rows = False  # the layer before; the first layer's input is gathered as it needs it
    for i in range(last_layer + 1):
        mode = RELU if layers[i, ACTIVATION] == RELU_ACTIVATION else STORE
        by_columns = is_by_columns(layers[i, FAN_OUT], threads, like)
        if by_columns and shared_by_rows:
            barrier(me)
        parts = row_parts(rows) if by_columns else 1
        together = panels_together(layers[i, FAN_OUT], threads, plan[FORWARD_LISTED] if i == 0 else 0, like)
        units = parts * ((panels_of(layers[i, FAN_OUT], like) + together - 1) // together)
        area = area_of(layers[i, CLAIMS], FORWARD_CLAIMS, threads)
        helped, taken, listed = 0, 0, 0  # listed: bit h, whether the lists of part h have been made
        while True:
            begin, end, p, part, columns = first, last, 0, 0, layers[i, FAN_OUT]
            if by_columns:
                unit, helped, taken = next_unit(area, units, me, helped, taken)
                if unit < 0:
                    break
                p, part = unit // parts * together, unit % parts
                begin, end = share(rows, part, parts)
                columns = min(together * panel, columns - p * panel)
            inputs = Strided(x if i == 0 else layers[i, X], layers[i, X_PANEL])
            weights = Strided(layers[i, W] + p * layers[i, W_PANEL], layers[i, W_PANEL])
            z, b = layers[i, Z] + p * layers[i, Z_PANEL], layers[i, B] + p * ROW_BYTES
            outputs = Strided(z, layers[i, Z_PANEL])
            if i == 0 and kernels[NARROW_FORWARD] != 0:
                pass  # has been done, by forward_narrow_layer
            elif i == 0 and plan[FORWARD_LISTED] != 0:
                lists = plan[ROW_LISTS] + part * lists_of(rows - rows // 2, together) * plan[ROW_LIST_BYTES]
                call(
                    kernels[LISTED_FORWARD],
                    net.bank,
                    begin,
                    end,
                    inputs,
                    weights,
                    b,
                    outputs,
                    layers[i, FAN_IN],
                    columns,
                    together,
                    mode,
                    Strided(plan[CHUNK_BITS], plan[CHUNK_STRIDE]),
                    Strided(lists, plan[ROW_LIST_BYTES]),
                    1 - (listed >> part & 1),
                    like,
                )
                listed |= 1 << part
            else:
                call(
                    kernels[FORWARD_FIRST if i == 0 else FORWARD],
                    net.bank,
                    begin,
                    end,
                    inputs,
                    weights,
                    b,
                    outputs,
                    layers[i, FAN_IN],
                    columns,
                    mode,
                    like,
                )
            if layers[i, ACTIVATE] != 0:
                s = layers[i, SLOPES]
                if s != 0:
                    s += p * layers[i, Z_PANEL]
                call(layers[i, ACTIVATE], begin, end, z, layers[i, Z_PANEL], columns, s, like)
            if i < last_layer and layers[i + 1, DROP_SHARE] != 0:
                call(
                    kernels[DROP],
                    begin,
                    end,
                    z,
                    layers[i, Z_PANEL],
                    p * panel,
                    columns,
                    layers[i + 1, DROP_SHARE],
                    masks.seed,
                    masks.counter + ((i + 1) << 24),
                    like,
                )
            if not by_columns:
                break
        if by_columns:
            barrier(me)
        shared_by_rows = not by_columns
