"""Gradients of W and b, and with plain gradient descent the step too.

Each thread owns blocks of every layer's W (own_blocks), over all rows of the chunk. Plain descent has its
update in the store of the tile, so that no gradient is stored; other optimizers take theirs block by block,
see descent.py.
"""

from fastnn.kernels.claims import UPDATE_CLAIMS, area_of, next_unit
from fastnn.kernels.entries import LISTED_UPDATE, NARROW_UPDATE, UPDATE
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call
from fastnn.kernels.matmul import block_count
from fastnn.kernels.shares import is_by_columns, narrow_deltas, own_blocks, panels_of, panels_together
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.sparsity import CHUNK_BITS, CHUNK_STRIDE, SAMPLE_LIST_BYTES, SAMPLE_LISTS, UPDATE_LISTED
from fastnn.kernels.strided import Gradients, Strided, Weights
from fastnn.kernels.team import share
from fastnn.kernels.workspace import (
    CLAIMS,
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
)

# Multiplications in a unit of work of dW: some 10 µs.
UNIT_PRODUCTS = 1 << 20


@inline
def weight_gradients(net, i, me, plan, chunk, first, last, together, begin, to, mode, rate):
    """dW of blocks first..last of layer i: to `to`, a Strided, or with mode DESCEND straight into W.

    together, begin   from counted_together and take_blocks
    """
    layers, kernels, rows = net.layers, net.kernels, chunk.rows
    fan_in, fan_out = layers[i, FAN_IN], layers[i, FAN_OUT]
    inputs = Strided(chunk.x if i == 0 else layers[i, X], layers[i, X_PANEL])
    deltas = Strided(layers[i, D], layers[i, Z_PANEL])
    weights = Weights(
        Strided(layers[i, W], layers[i, W_PANEL]), layers[i, B], Strided(layers[i, WT], layers[i, WT_PANEL])
    )
    gradients = Gradients(to, layers[i, GB])
    if i == 0 and plan[UPDATE_LISTED] != 0:
        call(
            kernels[LISTED_UPDATE],
            net.bank,
            first,
            last,
            rows,
            inputs,
            deltas,
            weights,
            gradients,
            fan_in,
            fan_out,
            together,
            mode,
            Strided(plan[CHUNK_BITS], plan[CHUNK_STRIDE]),
            Strided(plan[SAMPLE_LISTS], plan[SAMPLE_LIST_BYTES]),
            begin + together * panels_of(fan_in, rate),
            rate,
        )
    else:
        kernel = kernels[UPDATE]
        if i == 0 and kernels[NARROW_UPDATE] != 0:
            kernel, deltas = kernels[NARROW_UPDATE], narrow_deltas(layers, me, rate)
        call(
            kernel,
            net.bank,
            first,
            last,
            rows,
            inputs,
            deltas,
            weights,
            gradients,
            fan_in,
            fan_out,
            mode,
            rate,
        )


@inline
def counted_together(net, i, plan, threads):
    """1 or 2: whether blocks of layer i are counted panel by panel or by pairs, see block_place."""
    return panels_together(net.layers[i, FAN_OUT], threads, plan[UPDATE_LISTED] if i == 0 else 0, net.like)


@inline
def unit_blocks(net, i, rows, together, threads):
    """Blocks in a unit of work, if threads help each other with dW of layer i (claims.py); else 0.

    They do where all of them have what any block needs: the whole input, which of X they gather themselves.
    """
    if threads == 1 or not is_by_columns(net.layers[i, FAN_OUT], threads, net.like):
        return 0
    panel = 2 * lanes_of(net.like)
    return together * max(1, UNIT_PRODUCTS // (together * panel * panel * rows))


@inline
def take_blocks(net, i, size, together, me, helped, taken):
    """(first, last, begin, helped, taken): the next blocks of layer i for this thread; none if first is last.

    size    from unit_blocks; 0: all of own_blocks at once
    begin   where the blocks begin that the thread has gone through without a gap: `first` itself, if it helps
    """
    first, last = own_blocks(net, i, together, me)
    begin = first
    if size == 0:
        last = first if taken else last
        taken = 1
    else:
        layers = net.layers
        blocks = block_count(layers[i, FAN_IN], layers[i, FAN_OUT], net.like)
        units = (blocks + size - 1) // size
        area = area_of(layers[i, CLAIMS], UPDATE_CLAIMS, me.threads)
        unit, helped, taken = next_unit(area, units, me, helped, taken)
        first, last = max(0, unit) * size, min(blocks, (unit + 1) * size)
        begin = first if helped else share(units, me.thread, me.threads)[0] * size
    return first, last, begin, helped, taken


@jit
def update_layers(net, me, plan, chunk, mode, rate):
    """This thread's blocks of every layer: plain descent with mode DESCEND, else their gradients in G."""
    for i in range(net.layers.shape[0]):
        together = counted_together(net, i, plan, me.threads)
        size = unit_blocks(net, i, chunk.rows, together, me.threads)
        to = Strided(net.layers[i, G], net.layers[i, W_PANEL])
        helped, taken = 0, 0
        while True:
            first, last, begin, helped, taken = take_blocks(net, i, size, together, me, helped, taken)
            if first == last:
                break
            weight_gradients(net, i, me, plan, chunk, first, last, together, begin, to, mode, rate)
