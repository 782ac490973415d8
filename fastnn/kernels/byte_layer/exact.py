"""The first layer in large batches of bytes, where it has few outputs: as narrow.py, but on exact integers.

A large batch is worked through by each thread on its own (shards.py), chunk by chunk with the same weights.
That leaves time to make integers of them, and of the deltas (integers.py), and integers can be multiplied by
bytes in other ways than floats can, some of them many times as fast:

  tiles_of_bytes.py    AMX tiles, where the CPU has them
  fours_of_bytes.py    AVX-512 VNNI, where it has that
  tiles_of_doubles.py  elsewhere, byte tiles of doubles, which hold 53 bits

  forward  Z = b + c (X W)     c: for each output, what one unit of its integers is, times the scale of X
  update   dW = Σ c (X' dZ)    over the chunks of a shard

The sums in brackets are exact, so that their bits depend neither on what multiplies, nor on its order. What
is rounded, weights and deltas to 2**-30 of the largest of their output, and the sum itself, does not grow
with the number of features, as in a chain of additions.

W is laid out as narrow.py has it: each block of a panel's width transposed, 32 features in a row of each
output.

784-10-10, all 60,000 rows a step, two threads: 4.3 ms an epoch, and 8.4 by the chains of narrow.py; 12.6 in
doubles. Gathering 16, 32 or 64 rows at a time, to go forward with them while they are in L1, made it 6.0,
5.3 and 4.9: a call that sets up AMX tiles takes 0.8 µs. In batches of 64, where the weights become integers
in every step and threads hand on sums, tiles of bytes were no faster (11.7 ms, by narrow.py 10.8): hence for
large batches only.
"""

import numpy as np

from fastnn.kernels.byte_layer.integers import (
    first_lane,
    from_integers,
    larger_magnitude,
    largest_lane,
    to_integers,
)
from fastnn.kernels.byte_layer.layout import (
    DELTA_SCALES,
    DELTA_STEPS,
    ONE,
    OTHER_SUMS,
    OUTPUTS_BYTES,
    SUMS,
    WEIGHT_SCALES,
    WEIGHT_STEPS,
    weights_at,
)
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.matmul import bias_update
from fastnn.kernels.memory import first_lanes, load, load_scalar, store, store_scalar
from fastnn.kernels.samples import block_of
from fastnn.kernels.simd import constant, fma, lanes_of, larger, mul, size_of, splat
from fastnn.kernels.target import HAS_AMX, HAS_VNNI, VECTOR_BYTES
from fastnn.kernels.tile_kinds import CONTINUE, RELU, ROW_BYTES

# Who multiplies, and who lays out what is multiplied and puts together the sums.
if HAS_AMX:
    from fastnn.kernels.byte_layer import operands
    from fastnn.kernels.byte_layer import tiles_of_bytes as products
elif HAS_VNNI:
    from fastnn.kernels.byte_layer import fours_of_bytes as products
    from fastnn.kernels.byte_layer import operands
else:
    from fastnn.kernels.byte_layer import tiles_of_doubles as operands
    from fastnn.kernels.byte_layer import tiles_of_doubles as products


@jit
def gather_exact(data, order, first, last, row, x, x_columns, columns, scale, first_panel, last_panel):
    """Rows X[order[first:last]], all columns, to `x`; arguments as of narrow.gather_bytes."""
    store_scalar(x, scale)
    store_scalar(x + ONE, 1.0)
    operands.gather_rows(data, order, first, last, x, x_columns, columns)


# ---- forward ---------------------------------------------------------------------------------------


@inline
def _scale_weights(W, fan_in, fan_out, steps, scales, data_scale):
    """For each output the step and scale of its weights; those of no output are 0."""
    lanes, item = lanes_of(data_scale), size_of(data_scale)
    for place in range(0, OUTPUTS_BYTES, VECTOR_BYTES):
        store(steps + place, constant(0.0, 0.0, data_scale))
        store(scales + place, constant(0.0, 0.0, data_scale))
    for i in range(fan_out):
        most = constant(0.0, 0.0, data_scale)
        for feature in range(0, fan_in, lanes):
            place = weights_at(W, feature, data_scale) + i * ROW_BYTES
            most = larger_magnitude(most, first_lanes(place, fan_in - feature, data_scale))
        most = splat(largest_lane(most))
        store_scalar(steps + i * item, first_lane(to_integers(most)))
        store_scalar(scales + i * item, first_lane(from_integers(most)) * data_scale)


@jit
def forward_exact(
    bank, first, last, x, W, b, stale, sums, Z, fan_in, fan_out, first_panel, last_panel, mode, like
):
    """Z = X W + b for rows first..last; arguments as of forward_narrow, but for all features at once.

    stale   whether W has changed since the last call, and must be made integers again
    """
    lanes, x, x_columns = lanes_of(like), x.at, x.step
    if stale:
        _scale_weights(W, fan_in, fan_out, x + WEIGHT_STEPS, x + WEIGHT_SCALES, load_scalar(x, like))
        operands.write_weights(x, W, fan_in, fan_out, like)
    vectors, begin = (fan_out + lanes - 1) // lanes, first // lanes * lanes
    least = splat(type(like)(0 if mode == RELU else -np.inf))
    products.set_up_forward(x)
    # Sums of the next rows are begun before those of the last ones are looked at: they take time to come.
    sums, sums_before = x + SUMS, x + OTHER_SUMS
    for start in range(begin, last + lanes, lanes):
        if start < last:
            products.multiply_rows(bank, x, x_columns, start, fan_in, fan_out, sums)
        for row in range(max(first, start - lanes), min(last, start) if start > begin else 0):
            for v in range(vectors):
                offset = v * VECTOR_BYTES
                z = operands.sum_of_row(sums_before, row - start + lanes, v, fan_out, like)
                z = fma(z, load(x + WEIGHT_SCALES + offset, like), load(b + offset, like))
                store(block_of(Z.at, Z.step, v, row), larger(z, least))
        sums, sums_before = sums_before, sums
    products.finish()


# ---- update ----------------------------------------------------------------------------------------


@inline
def _scale_deltas(dZ, rows, fan_out, steps, scales, data_scale):
    """For each output the step and scale of its deltas."""
    for v in range(0, fan_out * size_of(data_scale), VECTOR_BYTES):
        most = constant(0.0, 0.0, data_scale)
        for row in range(rows):
            most = larger_magnitude(most, load(dZ.at + row * dZ.step + v, data_scale))
        store(steps + v, to_integers(most))
        store(scales + v, mul(from_integers(most), splat(data_scale)))


@jit
def weight_update_exact(bank, first, last, rows, x, dZ, weights, gradients, fan_in, fan_out, mode, rate):
    """G (+)= X' dZ over `rows` samples for blocks first..last of W; arguments as of weight_update_narrow.

    mode   CONTINUE or 0: the step is taken elsewhere, when all shards have been added
    """
    lanes, continues, x, x_columns = lanes_of(rate), mode & CONTINUE != 0, x.at, x.step
    _scale_deltas(dZ, rows, fan_out, x + DELTA_STEPS, x + DELTA_SCALES, load_scalar(x, rate))
    operands.write_deltas(x, dZ.at, dZ.step, rows, fan_out, rate)
    products.set_up_update(x, x_columns, rows, fan_out)
    sums, sums_before = x + SUMS, x + OTHER_SUMS
    for half in range(2 * first, 2 * last + 1):
        if half < 2 * last:
            products.multiply_columns(bank, x, x_columns, half, rows, fan_in, fan_out, sums)
        place = gradients.W.at + (half - 1) // 2 * 2 * lanes * ROW_BYTES + (half - 1) % 2 * VECTOR_BYTES
        for i in range(fan_out if half > 2 * first else 0):
            before = load(place, rate) if continues else constant(0.0, 0.0, rate)
            scale = splat(load_scalar(x + DELTA_SCALES + i * size_of(rate), rate))
            store(place, fma(operands.sum_of_column(sums_before, i, rate), scale, before))
            place += ROW_BYTES
        sums, sums_before = sums_before, sums
    products.finish()
    if first == 0:
        bias_update(rows, fan_out, dZ, weights.b, gradients.b, mode, rate)
