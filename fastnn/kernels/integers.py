"""Floats as integers of 31 bits, all on one scale, so that sums of their products with bytes are exact.

Sums of integers come out the same in any order, on any kind of hardware. A vector of floats on the scale of
their largest is rounded to multiples of its 2**-30th part: what is at least a 64th of the largest is exact.

A sum S, of up to 49 bits, becomes a float as fma(floor(S / 2**n), 2**n, S mod 2**n), with both parts made floats
first; this depends on S alone, whether S comes as a double or as sums of digits.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, INT, Vector, emit_fma, lanewise, layout_of, pointer

BITS = 29  # the largest lies between 2**29 and 2**30 - 1
# As it is stored, biased by 127: for a largest number below 2**-87 the scale stays as it is, so that it is no
# subnormal number even times 1/255. Numbers below 2**-117 are then zeros.
LEAST_EXPONENT = 40
NOT_FINITE = 255


def _larger_magnitude(builder, a, b):
    integers, _, _ = layout_of(a.type)
    mask = ir.Constant(integers, [0x7FFFFFFF] * integers.count)
    x, y = (builder.and_(builder.bitcast(v, integers), mask) for v in (a, b))
    return builder.bitcast(builder.select(builder.icmp_unsigned("<", x, y), y, x), a.type)


def _stored_exponent(builder, a):
    integers, mantissa, _ = layout_of(a.type)
    found = builder.lshr(builder.bitcast(a, integers), ir.Constant(integers, [mantissa] * integers.count))
    least = ir.Constant(integers, [LEAST_EXPONENT] * integers.count)
    return builder.select(builder.icmp_unsigned("<", found, least), least, found), integers


def _to_integers(builder, a):
    found, integers = _stored_exponent(builder, a)
    exponent = builder.sub(ir.Constant(integers, [2 * 127 + BITS] * integers.count), found)
    return builder.bitcast(builder.shl(exponent, ir.Constant(integers, [23] * integers.count)), a.type)


def _from_integers(builder, a):
    found, integers = _stored_exponent(builder, a)
    finite = builder.icmp_unsigned("<", found, ir.Constant(integers, [NOT_FINITE] * integers.count))
    exponent = builder.sub(found, ir.Constant(integers, [BITS] * integers.count))
    scale = builder.bitcast(builder.shl(exponent, ir.Constant(integers, [23] * integers.count)), a.type)
    return builder.select(finite, scale, ir.Constant(a.type, [float("nan")] * a.type.count))


def emit_whole(builder, a):
    """The nearest integer of each lane, as a float; ties to even."""
    suffix = f"v{a.type.count}" + ("f32" if a.type.element == ir.FloatType() else "f64")
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(a.type, [a.type]), f"llvm.rint.{suffix}"
    )
    return builder.call(function, [a])


larger_magnitude = lanewise(_larger_magnitude, 2, "the larger of |a| and |b| by its bits: a NaN wins")
to_integers = lanewise(_to_integers, 1, "what floats whose largest is a > 0 are multiplied by")
from_integers = lanewise(_from_integers, 1, "the inverse of to_integers(a); NaN if a is not finite")
whole = lanewise(emit_whole, 1, "the nearest integer, as a float")


@intrinsic
def largest_lane(typingctx, a):
    """The largest of all lanes by their bits, as a scalar."""

    def codegen(context, builder, signature, args):
        integers, _, _ = layout_of(args[0].type)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(I32, [integers]), f"llvm.vector.reduce.umax.v{integers.count}i32"
        )
        found = builder.call(function, [builder.bitcast(args[0], integers)])
        return builder.bitcast(found, ir.FloatType())

    return a.element(a), codegen


@intrinsic
def first_lane(typingctx, a):
    """The first lane, as a scalar."""

    def codegen(context, builder, signature, args):
        return builder.extract_element(args[0], ir.Constant(I32, 0))

    return a.element(a), codegen


def _constant(vector, number):
    return ir.Constant(vector, [number] * vector.count)


# How many bits of S the second part has: over the features of a group, and over the rows of a chunk, whose sums
# of digits are small enough for two of them to be joined in an int32.
OF_FEATURES, OF_ROWS = 24, 16


@intrinsic
def sum_of_digits(typingctx, address, step, low_bits, like):
    """S = a + 2**8 b + 2**16 c + 2**24 d as floats, for vectors of int32 at `address`, `step` bytes apart."""
    if not isinstance(low_bits, types.IntegerLiteral):
        return None
    result, bits = Vector(like), low_bits.literal_value

    def codegen(context, builder, signature, args):
        integers = ir.VectorType(I32, result.lanes)
        floats = context.get_value_type(result)
        a, b, c, d = (
            builder.load(
                pointer(builder, builder.add(args[0], builder.mul(args[1], ir.Constant(INT, i)))),
                typ=integers,
                align=4,
            )
            for i in range(4)
        )
        eight, sixteen = _constant(integers, 8), _constant(integers, 16)
        if bits == OF_ROWS:
            low = builder.add(a, builder.shl(b, eight))
            high = builder.add(builder.add(c, builder.shl(d, eight)), builder.ashr(low, sixteen))
        else:
            high = builder.add(b, builder.ashr(a, eight))
            high = builder.add(c, builder.ashr(high, eight))
            high = builder.add(d, builder.ashr(high, eight))
            low = builder.add(builder.add(a, builder.shl(b, eight)), builder.shl(c, sixteen))
        low = builder.and_(low, _constant(integers, (1 << bits) - 1))
        base = _constant(floats, float(1 << bits))
        return emit_fma(builder, builder.sitofp(high, floats), base, builder.sitofp(low, floats))

    return result(types.intp, types.intp, low_bits, like), codegen


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
        floor = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(doubles, [doubles]), f"llvm.floor.v{result.lanes}f64"
        )
        high = builder.call(floor, [builder.fmul(S, _constant(doubles, 2.0**-bits))])
        low = builder.fsub(S, builder.fmul(high, _constant(doubles, 2.0**bits)))  # both exact
        base = _constant(floats, float(1 << bits))
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


@intrinsic
def digits_of(typingctx, a):
    """Four signed bytes of each integer that a lane of `a` is: q = d0 + 2**8 d1 + 2**16 d2 + 2**24 d3."""
    result = Vector(types.int32)

    def codegen(context, builder, signature, args):
        integers = context.get_value_type(result)
        middle = _constant(integers, 0x00808080)  # makes the lower bytes 128 more, and takes it back
        return builder.xor(builder.add(builder.fptosi(args[0], integers), middle), middle)

    return result(a), codegen


# Orders of the digits of 16 numbers: of each four numbers the first digits, the second ones, ...; or the first
# digits of all 16, the second ones of all, ...
BY_FOURS, BY_DIGITS = 0, 1


@intrinsic
def reorder_digits(typingctx, a, order):
    """The digits of 16 numbers, which lie number by number, in another order."""
    if not isinstance(order, types.IntegerLiteral) or a.lanes != 16:
        return None
    size = 4 if order.literal_value == BY_FOURS else 16
    places = [4 * (first + i) + digit for first in range(0, 16, size) for digit in range(4) for i in range(size)]

    def codegen(context, builder, signature, args):
        octets = builder.bitcast(args[0], ir.VectorType(ir.IntType(8), 64))
        mask = ir.Constant(ir.VectorType(I32, 64), places)
        return builder.bitcast(builder.shuffle_vector(octets, octets, mask), args[0].type)

    return a(a, order), codegen


@intrinsic
def store_quarters(typingctx, address, step, a):
    """The four 16-byte parts of a vector of 64 bytes, `step` bytes apart."""

    def codegen(context, builder, signature, args):
        part = ir.VectorType(I32, 4)
        for i in range(4):
            mask = ir.Constant(part, list(range(4 * i, 4 * i + 4)))
            value = builder.shuffle_vector(args[2], args[2], mask)
            place = builder.add(args[0], builder.mul(args[1], ir.Constant(INT, i)))
            builder.store(value, pointer(builder, place), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, a), codegen


@intrinsic
def store_fours(typingctx, address, four_step, step, a, b, c, d):
    """Numbers j of four vectors of 16 int32 side by side, at `address` + j // 4 four_step + j % 4 step."""

    def codegen(context, builder, signature, args):
        address, four_step, step, *vectors = args

        def interleave(p, q, size, high):  # inside 16-byte lanes
            vector = ir.VectorType(ir.IntType(8 * size), 64 // size)
            inside, count = 16 // size, 64 // size
            first = high * inside // 2
            places = [
                lane + first + i + count * j for lane in range(0, count, inside) for i in range(inside // 2) for j in (0, 1)
            ]
            p, q = builder.bitcast(p, vector), builder.bitcast(q, vector)
            return builder.shuffle_vector(p, q, ir.Constant(ir.VectorType(I32, count), places))

        part = ir.VectorType(INT, 2)
        for number in range(4):
            p, q = (interleave(*vectors[i : i + 2], 4, number // 2) for i in (0, 2))
            fours = interleave(p, q, 8, number % 2)
            for lane in range(4):
                value = builder.shuffle_vector(fours, fours, ir.Constant(ir.VectorType(I32, 2), [2 * lane, 2 * lane + 1]))
                place = builder.add(address, builder.mul(four_step, ir.Constant(INT, lane)))
                place = builder.add(place, builder.mul(step, ir.Constant(INT, number)))
                builder.store(value, pointer(builder, place), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3, a, b, c, d), codegen
