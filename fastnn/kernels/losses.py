"""Softmax and cross-entropy, fused straight to dZ, without a one-hot matrix.

Lanes are samples: a block of rows is transposed into a small scratch, so max, sum and argmax over the
classes are plain loops in class order. One sample's bits therefore never depend on the vector width.
"""

import math

import numpy as np

from fastnn.kernels.activations import exp
from fastnn.kernels.jit import jit
from fastnn.kernels.simd import (
    add,
    below,
    constant,
    div,
    equal,
    lanes_of,
    larger,
    load,
    load_scalar,
    mul,
    size_of,
    splat,
    store,
    store_scalar,
    sub,
    transpose_square,
)
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_ir import ROW_BYTES


def scratch_bytes(n_outputs, dtype):
    """Scratch of one thread: the transposed logits in whole blocks, one block more, and four rows."""
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return (-(-n_outputs // lanes) * lanes + lanes + 4) * VECTOR_BYTES


def spare_rows(dtype):
    """Rows to allocate beyond the last one of Z: it is read in whole blocks, from any first row on."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


@jit
def softmax_cross_entropy(
    first, last, Z, stride, classes, order, labels, batch_start, scale, losses, scratch
):
    """dZ = (softmax(Z) - onehot(label)) * scale in place of Z; returns the number of correct rows.

    Shapes   Z (rows, classes) in panels; row i belongs to sample order[batch_start + i]
    Writes   Z rows first..last; losses[batch_start + i] = log sum exp(z) - z[label], in float64
    Notes    labels is the address of int64 class numbers; 0 for none: then dZ is softmax(Z) * scale.
             The maximum is subtracted first, so no finite logits overflow; the first maximum is the answer
    """
    lanes, item = lanes_of(scale), size_of(scale)
    blocks = (classes + lanes - 1) // lanes
    block = scratch + blocks * lanes * VECTOR_BYTES  # one transposed block on its way back
    extra = block + lanes * VECTOR_BYTES  # rows: label, log-sum input, max - z[label], answer
    zero, one, factor = constant(0.0, 0.0, scale), constant(1.0, 1.0, scale), splat(scale)
    correct = 0
    for row in range(first, last, lanes):
        rows = min(lanes, last - row)
        for c in range(0, blocks):
            source = Z + c // 2 * stride + c % 2 * VECTOR_BYTES + row * ROW_BYTES
            transpose_square(source, ROW_BYTES, scratch + c * lanes * VECTOR_BYTES, VECTOR_BYTES, scale)
        store(extra, zero)
        for i in range(rows):
            own = load_scalar(labels + 8 * order[batch_start + row + i], row) if labels != 0 else -1
            store_scalar(extra + i * item, type(scale)(own))
        label = load(extra, scale)

        top = load(scratch, scale)
        answer, index, chosen = zero, zero, zero
        for c in range(classes):
            z = load(scratch + c * VECTOR_BYTES, scale)
            answer = below(top, z, index, answer)
            top = larger(top, z)
            chosen = equal(label, index, z, chosen)
            index = add(index, one)
        total = zero
        for c in range(classes):
            here = scratch + c * VECTOR_BYTES
            e = exp(sub(load(here, scale), top))
            store(here, e)
            total = add(total, e)
        inverse, index = div(one, total), zero
        for c in range(classes):
            here = scratch + c * VECTOR_BYTES
            p = mul(load(here, scale), inverse)
            store(here, mul(sub(p, equal(label, index, one, zero)), factor))
            index = add(index, one)
        for c in range(classes, blocks * lanes):  # pad columns of dZ are zero
            store(scratch + c * VECTOR_BYTES, zero)

        for c in range(blocks):
            transpose_square(scratch + c * lanes * VECTOR_BYTES, VECTOR_BYTES, block, VECTOR_BYTES, scale)
            target = Z + c // 2 * stride + c % 2 * VECTOR_BYTES + row * ROW_BYTES
            for i in range(rows):  # not the rows of another thread
                store(target + i * ROW_BYTES, load(block + i * VECTOR_BYTES, scale))
        store(extra + VECTOR_BYTES, total)
        store(extra + 2 * VECTOR_BYTES, sub(top, chosen))
        store(extra + 3 * VECTOR_BYTES, answer)
        for i in range(rows):
            log_sum = math.log(float(load_scalar(extra + VECTOR_BYTES + i * item, scale)))
            losses[batch_start + row + i] = log_sum + load_scalar(extra + 2 * VECTOR_BYTES + i * item, scale)
            if load_scalar(extra + i * item, scale) == load_scalar(
                extra + 3 * VECTOR_BYTES + i * item, scale
            ):
                correct += 1
    return correct


@jit
def squared_error(first, last, Z, stride, n_outputs, order, targets, batch_start, scale, losses, scratch):
    """dZ = (Z - Y) * scale in place of Z; losses[batch_start + i] = ½ Σ (Z - Y)²; returns 0.

    targets  address of row-major (n, n_outputs) values of Z's type; 0 for none: then Z stays as it is
    Notes    outputs of a regression are few: plain loops, each row summed in the order of its columns
    """
    if targets == 0:
        return 0
    panel, item = 2 * lanes_of(scale), size_of(scale)
    for i in range(first, last):
        own = targets + order[batch_start + i] * n_outputs * item
        total = 0.0
        for c in range(n_outputs):
            place = Z + c // panel * stride + i * ROW_BYTES + c % panel * item
            difference = load_scalar(place, scale) - load_scalar(own + c * item, scale)
            total += 0.5 * difference * difference
            store_scalar(place, difference * scale)
        losses[batch_start + i] = total
    return 0


# One signature for all, so that an epoch can hold the address of any.
KERNELS = {"cross_entropy": softmax_cross_entropy, "squared_error": squared_error}
