"""The losses: softmax's, and those in which every output stands for itself. Lanes are samples (samples.py).

All have one signature, so that an epoch can hold the address of any, and one meaning of its arguments:

  first, last   rows of Z to work on; row i belongs to sample order[batch_start + i]
  Z, stride     (rows, outputs) in panels, replaced by dZ = gradient * scale * w
  targets       address of the targets of all samples: int64 class numbers for softmax, else row-major
                (n, outputs) of Z's type; 0 for none: then Z becomes what a user sees, such as probabilities
  weights       address of one w a sample, of Z's type; 0: all 1
  option        label smoothing, or the Huber loss's delta
  losses        float64, written: losses[batch_start + i] = w * loss of the row
  scratch       address of scratch_bytes(outputs) of the thread's own

Each returns the number of correctly classified rows, 0 for a regression. Pad columns of dZ become zeros.
"""

import math

from fastnn.kernels.activations import exp, logistic
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load, load_as, load_scalar, store, transpose_square
from fastnn.kernels.samples import block_of, put_back, scale_of, scratch_bytes, spare_rows
from fastnn.kernels.simd import (
    add,
    below,
    constant,
    fma,
    lanes_of,
    larger,
    magnitude,
    mul,
    size_of,
    smaller,
    splat,
    sub,
)
from fastnn.kernels.softmax import softmax_cross_entropy
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES

__all__ = ["KERNELS", "scratch_bytes", "spare_rows"]

BINARY, SQUARED, ABSOLUTE, HUBER, POISSON = range(5)

# Outputs whose factors 1 + e <= 2 are multiplied before a logarithm is taken: 2^64 overflows no float.
FACTORS = 64


@inline
def _gradient_and_loss(kind, z, y, delta):
    """∂loss/∂z and the loss of one output of each sample; BINARY's logarithm comes in _elementwise."""
    zero, one, half = constant(0.0, 0.0, z), constant(1.0, 1.0, z), constant(0.5, 0.5, z)
    d = sub(z, y)
    if kind == BINARY:
        gradient, loss = sub(logistic(z), y), sub(larger(z, zero), mul(y, z))
    elif kind == SQUARED:
        gradient, loss = d, mul(mul(half, d), d)
    elif kind == ABSOLUTE:
        gradient, loss = below(d, zero, sub(zero, one), below(zero, d, one, d)), magnitude(d)
    elif kind == HUBER:
        gradient = smaller(larger(d, sub(zero, delta)), delta)
        loss = mul(gradient, sub(d, mul(half, gradient)))
    else:
        mean = exp(z)
        gradient, loss = sub(mean, y), sub(mean, mul(y, z))
    return gradient, loss


@inline
def _show(kind, first, last, Z, stride, outputs, like):
    """What a user sees, in place of Z: probabilities, or the means of counts; other regressions stay."""
    if kind in (BINARY, POISSON):
        for block in range((outputs + lanes_of(like) - 1) // lanes_of(like)):
            for row in range(first, last):
                here = block_of(Z, stride, block, row)
                z = load(here, like)
                store(here, logistic(z) if kind == BINARY else exp(z))


def _elementwise(kind):
    """The kernel of one loss; `kind` is a constant in it, so that only its own branches are compiled.

    Σ log(1 + e) of BINARY takes one logarithm for many outputs, log(1 + q) with q = Π(1 + e) - 1 carried as
    it is, so that small e are not lost beside the 1.
    """

    @jit
    def kernel(
        first, last, Z, stride, outputs, order, targets, weights, batch_start, scale, option, losses, scratch
    ):
        if targets == 0:
            _show(kind, first, last, Z, stride, outputs, scale)
            return 0
        lanes, item = lanes_of(scale), size_of(scale)
        y_at = scratch + lanes * VECTOR_BYTES
        notes = y_at + lanes * VECTOR_BYTES
        loss_note, product_note = notes, notes + VECTOR_BYTES
        wrong_note, weight_note = notes + 2 * VECTOR_BYTES, notes + 3 * VECTOR_BYTES
        zero, one, half = constant(0.0, 0.0, scale), constant(1.0, 1.0, scale), constant(0.5, 0.5, scale)
        delta = splat(option)
        certainty, doubt = splat(type(scale)(1) - option), splat(type(scale)(0.5) * option)  # smoothed labels
        correct = 0
        for row in range(first, last, lanes):
            rows, start = min(lanes, last - row), batch_start + row
            factor, weight = scale_of(weights, order, start, rows, scale)
            store(weight_note, weight)
            total, product, wrong = zero, zero, zero
            for i in range(rows):
                losses[start + i] = 0.0
            for column in range(0, outputs, lanes):
                columns = min(lanes, outputs - column)
                z_at = block_of(Z, stride, column // lanes, row)
                transpose_square(z_at, ROW_BYTES, scratch, VECTOR_BYTES, scale)
                for i in range(rows):
                    own = targets + (order[start + i] * outputs + column) * item
                    store(y_at + i * VECTOR_BYTES, load_as(own, scale, columns, scale))
                transpose_square(y_at, VECTOR_BYTES, y_at, VECTOR_BYTES, scale)
                for c in range(columns):
                    z = load(scratch + c * VECTOR_BYTES, scale)
                    y = load(y_at + c * VECTOR_BYTES, scale)
                    if kind == BINARY:
                        said, true = below(zero, z, one, zero), below(half, y, one, zero)
                        wrong = larger(wrong, magnitude(sub(said, true)))
                        y = fma(certainty, y, doubt)
                        e = exp(sub(zero, magnitude(z)))
                        product = add(product, fma(product, e, e))
                    gradient, loss = _gradient_and_loss(kind, z, y, delta)
                    total = add(total, loss)
                    store(scratch + c * VECTOR_BYTES, mul(gradient, factor))
                for c in range(columns, lanes):
                    store(scratch + c * VECTOR_BYTES, zero)
                put_back(scratch, z_at, rows, scale)
                done = column + columns
                if kind == BINARY and (done % FACTORS == 0 or done == outputs):
                    store(product_note, product)
                    product = zero
                    for i in range(rows):
                        losses[start + i] += math.log1p(load_scalar(product_note + i * item, scale))
            store(loss_note, total)
            store(wrong_note, wrong)
            for i in range(rows):
                at = i * item
                whole = losses[start + i] + load_scalar(loss_note + at, scale)
                losses[start + i] = load_scalar(weight_note + at, scale) * whole
                if kind == BINARY and load_scalar(wrong_note + at, scale) == 0:
                    correct += 1
        return correct

    return kernel


# By the name a network has for its loss.
KERNELS = {
    "cross_entropy": softmax_cross_entropy,
    "binary_cross_entropy": _elementwise(BINARY),
    "squared_error": _elementwise(SQUARED),
    "absolute_error": _elementwise(ABSOLUTE),
    "huber": _elementwise(HUBER),
    "poisson": _elementwise(POISSON),
}
