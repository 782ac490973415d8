"""Softmax and cross-entropy, fused straight to dZ, without a one-hot matrix. Lanes are samples."""

from fastnn.kernels.activations import exp, log
from fastnn.kernels.jit import jit
from fastnn.kernels.memory import load, store, transpose_square
from fastnn.kernels.picking import address_in, count_equal, picked, store_products
from fastnn.kernels.samples import block_of, put_back, scale_of
from fastnn.kernels.simd import (
    add,
    below,
    constant,
    div,
    equal,
    fma,
    lanes_of,
    larger,
    mul,
    splat,
    sub,
)
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES


@jit
def softmax_cross_entropy(
    first, last, Z, stride, classes, order, labels, weights, batch_start, scale, option, losses, scratch
):
    """dZ = (softmax(Z) - T) * scale * w in place of Z; returns the number of correct rows.

    Shapes   Z (rows, classes) in panels; row i belongs to sample order[batch_start + i]
    labels   address of int64 class numbers; 0 for none: then Z becomes softmax(Z) * scale
    weights  address of one w a sample, of Z's type; 0: all 1
    option   smoothing e: T is 1 - e + e/classes at the label, e/classes elsewhere
    Writes   Z rows first..last; losses[batch_start + i] = w (log sum exp(z) - sum T z), in float64
    Notes    The maximum is subtracted first, so no finite logits overflow; the first maximum is the answer
    """
    lanes = lanes_of(scale)
    blocks = (classes + lanes - 1) // lanes
    smoothing = option if labels != 0 else type(scale)(0)
    share = smoothing / type(scale)(classes)
    zero, one = constant(0.0, 0.0, scale), constant(1.0, 1.0, scale)
    low, high = splat(share), splat(type(scale)(1) - smoothing + share)
    correct = 0
    for row in range(first, last, lanes):
        rows = min(lanes, last - row)
        for c in range(0, blocks):
            source = block_of(Z, stride, c, row)
            transpose_square(source, ROW_BYTES, scratch + c * lanes * VECTOR_BYTES, VECTOR_BYTES, scale)
        label = constant(-1.0, -1.0, scale)
        if labels != 0:
            label = picked(labels, address_in(order, batch_start + row), rows, row, scale)
        factor, weight = scale_of(weights, order, batch_start + row, rows, scale)

        top = load(scratch, scale)
        answer, index, chosen, spread = zero, zero, zero, zero
        for c in range(classes):
            z = load(scratch + c * VECTOR_BYTES, scale)
            answer = below(top, z, index, answer)
            top = larger(top, z)
            chosen = equal(label, index, z, chosen)
            index = add(index, one)
        if smoothing != 0:
            for c in range(classes):
                spread = add(spread, mul(low, sub(top, load(scratch + c * VECTOR_BYTES, scale))))
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
            store(here, mul(sub(p, equal(label, index, high, low)), factor))
            index = add(index, one)
        for c in range(classes, blocks * lanes):  # pad columns of dZ are zero
            store(scratch + c * VECTOR_BYTES, zero)

        for c in range(blocks):
            put_back(scratch + c * lanes * VECTOR_BYTES, block_of(Z, stride, c, row), rows, scale)
        missed = sub(top, chosen)
        if smoothing != 0:
            missed = fma(splat(type(scale)(1) - smoothing), missed, spread)
        store_products(address_in(losses, batch_start + row), weight, add(log(total), missed), rows)
        correct += count_equal(label, answer, rows)
    return correct
