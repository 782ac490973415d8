"""Blocks of rows turned so that lanes are samples: what the losses have in common.

A block is as many rows as a vector has lanes. Transposed, a column of it is one vector, and what goes over
the outputs of a row (sum, maximum) is a plain loop in ascending order, whatever the vector width.
"""

import numpy as np

from fastnn.kernels.jit import inline
from fastnn.kernels.memory import load, store, transpose_square
from fastnn.kernels.picking import address_in, picked
from fastnn.kernels.simd import constant, mul, splat
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES

# Vectors of scratch beside the blocks: one number for each sample of the block.
NOTES = 4


def scratch_bytes(n_outputs, dtype):
    """Scratch of one thread: the transposed outputs in whole blocks, one block more, and the notes."""
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return (-(-n_outputs // lanes) * lanes + lanes + NOTES) * VECTOR_BYTES


def spare_rows(dtype):
    """Rows to allocate beyond the last one of Z: it is read in whole blocks, from any first row on."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


@inline
def block_of(Z, stride, block, row):
    """Address of a block of a panel-major Z: its first row, and `lanes` columns for each `block`."""
    return Z + block // 2 * stride + block % 2 * VECTOR_BYTES + row * ROW_BYTES


@inline
def scale_of(weights, order, start, rows, scale):
    """(scale * w, w) of the samples order[start : start + rows], one a lane; weights 0: all w are 1."""
    if weights == 0:
        return splat(scale), constant(1.0, 1.0, scale)
    w = picked(weights, address_in(order, start), rows, scale, scale)
    return mul(w, splat(scale)), w


@inline
def put_back(block, target, rows, like):
    """Transpose a block back, in place, and write its first `rows` rows: not those of another thread."""
    transpose_square(block, VECTOR_BYTES, block, VECTOR_BYTES, like)
    for i in range(rows):
        store(target + i * ROW_BYTES, load(block + i * VECTOR_BYTES, like))
