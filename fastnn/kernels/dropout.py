"""Dropout on panels: masks that are computed where they are needed, never stored.

The numbers are those of backends/numpy_dropout.py: a 64-bit hash of (seed, update, layer, row) once a row,
and a 32-bit hash of it with the unit's number in every lane, about eight integer instructions a vector: no
mask is written or read, and the backward pass computes the same one again.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.jit import jit
from fastnn.kernels.memory import load, store
from fastnn.kernels.simd import I32, INT, Vector, emit_splat, lanes_of, mul, splat
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES

# As in backends/numpy_dropout.py, which kernels must not import: their cache would not notice a change.
GOLDEN_64, GOLDEN_32 = 0x9E3779B97F4A7C15, 0x9E3779B1


@intrinsic
def row_key(typingctx, seed, counter):
    """32 bits for a row: SplitMix64's output number `counter`, its upper half."""

    def codegen(context, builder, signature, args):
        def constant(value):
            return ir.Constant(INT, value)

        position = builder.add(args[1], constant(1))
        x = builder.add(args[0], builder.mul(position, constant(GOLDEN_64)))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = builder.mul(builder.xor(x, builder.lshr(x, constant(shift))), constant(factor))
        x = builder.xor(x, builder.lshr(x, constant(31)))
        return builder.lshr(x, constant(32))

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def kept(typingctx, vector, unit, key, threshold):
    """`vector` with 0 in the lanes whose hash of `key` and unit, unit + 1, … is below `threshold`."""
    if not isinstance(vector, Vector):
        return None

    def codegen(context, builder, signature, args):
        value, unit, key, threshold = args
        words = ir.VectorType(I32, value.type.count)

        def everywhere(scalar):
            return emit_splat(builder, words, builder.trunc(scalar, I32))

        def constant(number):
            return ir.Constant(words, [number] * words.count)

        units = builder.add(everywhere(unit), ir.Constant(words, list(range(words.count))))
        x = builder.xor(everywhere(key), builder.mul(units, constant(GOLDEN_32)))
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            x = builder.mul(builder.xor(x, builder.lshr(x, constant(shift))), constant(factor))
        x = builder.xor(x, builder.lshr(x, constant(16)))
        dropped = builder.icmp_unsigned("<", x, everywhere(threshold))
        return builder.select(dropped, ir.Constant(value.type, [0.0] * words.count), value)

    return vector(vector, types.int64, types.int64, types.int64), codegen


@jit
def drop(first, last, A, stride, first_unit, units, threshold, seed, counter, like):
    """A *= mask for rows first..last of a panel-major matrix.

    A           address of the panel of unit `first_unit`, of which `units` follow
    threshold   share of units to drop, times 2³²
    counter     which mask: (update << 34) + (layer << 24) + number of row 0 in its batch
    """
    lanes = lanes_of(like)
    scale = splat(type(like)(4294967296.0 / (4294967296.0 - threshold)))
    for i in range(first, last):
        key = row_key(seed, counter + i)
        for vector in range((units + lanes - 1) // lanes):
            place = A + vector // 2 * stride + vector % 2 * VECTOR_BYTES + i * ROW_BYTES
            store(place, kept(mul(load(place, like), scale), first_unit + vector * lanes, key, threshold))
