"""Who computes what: the panels, rows and blocks of each layer that a thread of a team has for its own.

Everything here follows from the layer's sizes and the team's, so threads agree without a word. epoch.py says
what is shared in which way, and why.
"""

from fastnn.kernels.entries import NARROW_UPDATE
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.listed import VECTORS_TOGETHER
from fastnn.kernels.matmul import block_count
from fastnn.kernels.simd import lanes_of, size_of
from fastnn.kernels.strided import Strided
from fastnn.kernels.team import share
from fastnn.kernels.tile_kinds import ROW_BYTES
from fastnn.kernels.workspace import D_COPY, FAN_IN, FAN_OUT, D

SHORT_REST = 256  # multiplications a row: two layers of ten units


@inline
def panels_of(columns, like):
    """Panels of so many columns."""
    panel = 2 * lanes_of(like)
    return (columns + panel - 1) // panel


@inline
def is_by_columns(fan_out, threads, like):
    """Whether threads share a layer by its outputs rather than by rows: where that divides evenly enough."""
    panels = panels_of(fan_out, like)
    return threads > 1 and panels >= threads and _divides(panels, threads)


@inline
def _divides(units, threads):
    return units % threads == 0 or units >= 4 * threads


@jit
def panels_together(fan_out, threads, listed, like):
    """Panels of outputs in a unit of work: two for listed.py, unless columns then divide unevenly."""
    pairs = (panels_of(fan_out, like) + 1) // 2
    fits = fan_out > (VECTORS_TOGETHER - 1) * lanes_of(like) and listed != 0
    return 2 if fits and (not is_by_columns(fan_out, threads, like) or _divides(pairs, threads)) else 1


@inline
def narrow_share(layers, me, like):
    """First and last panel of features for this thread, of a narrow first layer.

    The last thread gets 0.7 of what others get, for it has more to do: it gathers its input while the
    first ones, who need not wait for sums, multiply already, and may have all that follows (has_short_rest).
    """
    panels, parts = panels_of(layers[0, FAN_IN], like), 10 * me.threads - 3
    last = panels if me.thread + 1 == me.threads else panels * 10 * (me.thread + 1) // parts
    return panels * 10 * me.thread // parts, last


@inline
def has_short_rest(layers, threads, like):
    """Whether all that follows a narrow first layer is left to the one of two threads that has its sums.

    Shared by rows it takes either of them as long: lines of Z and of the deltas move between cores, 20 ns
    each. So one computes, a panel of rows while the other works on the next panel's sums; then the other
    gathers the next rows, and after the weight update neither need wait (epoch.py). 784-10-10 in batches of
    64 takes 170 ns a row instead of 250. Layers of one panel of outputs only: none is shared by columns.
    """
    products, panels = 0, 1
    for i in range(1, layers.shape[0]):
        products += layers[i, FAN_IN] * layers[i, FAN_OUT]
        panels = max(panels, panels_of(layers[i, FAN_OUT], like))
    return threads == 2 and products <= SHORT_REST and panels == 1


@inline
def narrow_deltas(layers, me, like):
    """The deltas that this thread makes its part of the first dW from; `step` is from row to row.

    The first of two threads that take turns has a copy (copy_deltas): reading lines while the one who wrote
    them works with them too slows down both, by a quarter of their weight update.
    """
    if me.thread == 0 and has_short_rest(layers, me.threads, like):
        return Strided(layers[0, D_COPY], copied_row_bytes(layers, like))
    return Strided(layers[0, D], ROW_BYTES)


@inline
def copied_row_bytes(layers, like):
    """From one row of D_COPY to the next: no more than its numbers, for they move between cores."""
    return layers[0, FAN_OUT] * size_of(like)


@inline
def row_parts(rows):
    """In how many parts threads take the rows of a layer that they share by columns: units of some 20 µs."""
    return 2 if rows >= 64 else 1


@inline
def own_blocks(net, i, together, me):
    """First and last block of layer i for this thread: by columns as in the forward pass, else an even share.

    Of those, odd layers are shared from the other end, to even out what does not divide. Of blocks that are
    counted by pairs (`together` 2, see block_place) the first is even. With a narrow first
    layer its blocks are those of the forward pass too, and the last thread, which may have all that follows
    (has_short_rest), has what is too little to share.
    """
    layers, kernels, like = net.layers, net.kernels, net.like
    blocks = block_count(layers[i, FAN_IN], layers[i, FAN_OUT], like)
    if kernels[NARROW_UPDATE] != 0 and i == 0:
        return narrow_share(layers, me, like)
    if kernels[NARROW_UPDATE] != 0 and blocks < me.threads:
        return 0, blocks if me.thread + 1 == me.threads else 0
    if is_by_columns(layers[i, FAN_OUT], me.threads, like):
        panels = panels_of(layers[i, FAN_OUT], like)
        first, last = share((panels + together - 1) // together, me.thread, me.threads)
        unit = together * panels_of(layers[i, FAN_IN], like)
    else:
        place = me.thread if i % 2 == 0 else me.threads - 1 - me.thread
        first, last = share((blocks + together - 1) // together, place, me.threads)
        unit = together
    return first * unit, min(blocks, last * unit)
