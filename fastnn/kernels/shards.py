"""Gradients of a large batch in fixed shards of its rows: each thread works on its own, then they are added.

In a batch of thousands of rows the weights stand still, so threads need not meet after every chunk, nor
gather rows that others read. The number of shards follows from the batch and the network alone, never from
the threads, and their sums are added in order: the bits do not depend on who computed what.
"""

from fastnn.kernels.entries import ADD_SHARDS
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.link import call
from fastnn.kernels.memory import load, store
from fastnn.kernels.shares import panels_of
from fastnn.kernels.simd import add
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.team import share
from fastnn.kernels.tile_kinds import ROW_BYTES
from fastnn.kernels.workspace import FAN_OUT, GB, W_PANEL, W_ROWS, G

SHARD_ROWS = 1024  # at least; with fewer rows, adding up costs as much as it saves
MOST_SHARDS = 16
MOST_BYTES = 32 << 20  # of all shards' gradients together


def shard_count(batch, parameter_bytes):
    """Shards of a batch of so many rows; 0 where threads had better share each chunk."""
    count = min(MOST_SHARDS, batch // SHARD_ROWS, MOST_BYTES // max(1, parameter_bytes))
    return count if count > 1 else 0


@inline
def gradient_bytes(layers, i, like):
    """From one shard's gradient of W to the next, in layer i; that of b takes a row a panel."""
    return panels_of(layers[i, FAN_OUT], like) * layers[i, W_PANEL]


@inline
def take_shard(mine, layers, shard, like):
    """Point a thread's own table at the gradients of one shard."""
    for i in range(layers.shape[0]):
        mine[i, G] = layers[i, G] + shard * gradient_bytes(layers, i, like)
        mine[i, GB] = layers[i, GB] + shard * panels_of(layers[i, FAN_OUT], like) * ROW_BYTES


@jit
def add_shards(count, rows, G, stride, like):
    """G[0] += G[1] + … + G[count - 1], in this order, over `rows` panel rows, `stride` bytes apart."""
    for offset in range(0, rows * ROW_BYTES, VECTOR_BYTES):
        total = load(G + offset, like)
        for shard in range(1, count):
            total = add(total, load(G + shard * stride + offset, like))
        store(G + offset, total)


@inline
def add_all(net, count, me):
    """This thread's panels of every layer's gradients, summed over `count` shards."""
    layers, kernel, like = net.layers, net.kernels[ADD_SHARDS], net.like
    for i in range(layers.shape[0]):
        panels, stride = panels_of(layers[i, FAN_OUT], like), gradient_bytes(layers, i, like)
        first, last = share(panels, me.thread, me.threads)
        for p in range(first, last):
            call(kernel, count, layers[i, W_ROWS], layers[i, G] + p * layers[i, W_PANEL], stride, like)
            call(kernel, count, 1, layers[i, GB] + p * ROW_BYTES, panels * ROW_BYTES, like)
