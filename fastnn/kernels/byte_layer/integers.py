"""float32 as integers of 31 bits, all on one scale, so that sums of their products with bytes are exact.

Sums of integers come out the same in any order, on any kind of hardware. Floats become multiples of about the
2**-30th part of their largest; those that are at least a 64th of it are not changed at all.

A sum S, of up to 53 bits, becomes a float as fma(floor(S / 2**n), 2**n, S mod 2**n), with both parts made
floats first. This depends on S alone, whether S comes as a double or as sums of digits (digits.py).
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, Vector, emit_call, emit_constant, emit_fma, lanewise, layout_of, pointer

BITS = 29  # the largest lies between 2**29 and 2**30 - 1
# As it is stored, biased by 127: for a largest number below 2**-87 the scale stays as it is, so that it is no
# subnormal number even times 1/255. Numbers below 2**-117 are then zeros.
LEAST_EXPONENT = 40
NOT_FINITE = 255


def _larger_magnitude(builder, a, b):
    integers, _, _ = layout_of(a.type)
    mask = emit_constant(integers, 0x7FFFFFFF)
    x, y = (builder.and_(builder.bitcast(v, integers), mask) for v in (a, b))
    return builder.bitcast(builder.select(builder.icmp_unsigned("<", x, y), y, x), a.type)


def _stored_exponent(builder, a):
    integers, mantissa, _ = layout_of(a.type)
    found = builder.lshr(builder.bitcast(a, integers), emit_constant(integers, mantissa))
    least = emit_constant(integers, LEAST_EXPONENT)
    return builder.select(builder.icmp_unsigned("<", found, least), least, found), integers


def _to_integers(builder, a):
    found, integers = _stored_exponent(builder, a)
    exponent = builder.sub(emit_constant(integers, 2 * 127 + BITS), found)
    return builder.bitcast(builder.shl(exponent, emit_constant(integers, 23)), a.type)


def _from_integers(builder, a):
    found, integers = _stored_exponent(builder, a)
    finite = builder.icmp_unsigned("<", found, emit_constant(integers, NOT_FINITE))
    exponent = builder.sub(found, emit_constant(integers, BITS))
    scale = builder.bitcast(builder.shl(exponent, emit_constant(integers, 23)), a.type)
    return builder.select(finite, scale, emit_constant(a.type, float("nan")))


def _whole(builder, a):
    return emit_call(builder, f"llvm.rint.v{a.type.count}f32", a.type, a)


larger_magnitude = lanewise(_larger_magnitude, 2, "the larger of |a| and |b| by its bits: a NaN wins")
to_integers = lanewise(_to_integers, 1, "what floats whose largest is a > 0 are multiplied by")
from_integers = lanewise(_from_integers, 1, "the inverse of to_integers(a); NaN if a is not finite")
whole = lanewise(_whole, 1, "the nearest integer, as a float; ties to even")


@intrinsic
def largest_lane(typingctx, a):
    """The largest of all lanes by their bits, as a scalar."""

    def codegen(context, builder, signature, args):
        integers, _, _ = layout_of(args[0].type)
        bits = builder.bitcast(args[0], integers)
        found = emit_call(builder, f"llvm.vector.reduce.umax.v{integers.count}i32", I32, bits)
        return builder.bitcast(found, ir.FloatType())

    return a.element(a), codegen


@intrinsic
def first_lane(typingctx, a):
    """The first lane, as a scalar."""

    def codegen(context, builder, signature, args):
        return builder.extract_element(args[0], ir.Constant(I32, 0))

    return a.element(a), codegen


# How many bits of S the second part has: over all features, and over the rows of a chunk, whose sums of
# digits are small enough for two of them to be joined in an int32.
OF_FEATURES, OF_ROWS = 24, 16


@intrinsic
def sum_of_doubles(typingctx, address, low_bits, like):
    """S as floats, for two vectors of doubles at `address`."""
    if not isinstance(low_bits, types.IntegerLiteral):
        return None
    result, bits = Vector(like), low_bits.literal_value

    def codegen(context, builder, signature, args):
        floats = context.get_value_type(result)
        doubles = ir.VectorType(ir.DoubleType(), result.lanes)
        S = builder.load(pointer(builder, args[0]), typ=doubles, align=8)
        quotient = builder.fmul(S, emit_constant(doubles, 2.0**-bits))
        high = emit_call(builder, f"llvm.floor.v{result.lanes}f64", doubles, quotient)
        low = builder.fsub(S, builder.fmul(high, emit_constant(doubles, 2.0**bits)))  # both exact
        base = emit_constant(floats, float(1 << bits))
        return emit_fma(builder, builder.fptrunc(high, floats), base, builder.fptrunc(low, floats))

    return result(types.intp, low_bits, like), codegen


@intrinsic
def store_doubles(typingctx, address, a):
    """A vector of floats as two vectors of doubles."""

    def codegen(context, builder, signature, args):
        doubles = ir.VectorType(ir.DoubleType(), a.lanes)
        builder.store(builder.fpext(args[1], doubles), pointer(builder, args[0]), align=8)
        return context.get_dummy_value()

    return types.void(types.intp, a), codegen
