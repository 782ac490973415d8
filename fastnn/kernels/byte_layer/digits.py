"""Integers as four signed digits of a byte each, q = d0 + 2**8 d1 + 2**16 d2 + 2**24 d3.

The products of each digit with bytes of X are summed; sum_of_digits puts the four sums together again. All
this is for vectors of 64 bytes: CPUs that multiply bytes so have AVX-512.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.byte_layer.byte_vectors import emit_interleaved
from fastnn.kernels.byte_layer.integers import OF_ROWS
from fastnn.kernels.simd import I32, INT, Vector, emit_call, emit_constant, emit_fma, row_at


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
            builder.load(row_at(builder, args[0], args[1], i), typ=integers, align=4) for i in range(4)
        )
        eight, sixteen = emit_constant(integers, 8), emit_constant(integers, 16)
        if bits == OF_ROWS:  # of 256 rows at most: a + 2**8 b is at most 255 * 128 * 256 * 257 < 2**31
            low = builder.add(a, builder.shl(b, eight))
            high = builder.add(builder.add(c, builder.shl(d, eight)), builder.ashr(low, sixteen))
        else:
            high = builder.add(b, builder.ashr(a, eight))
            high = builder.add(c, builder.ashr(high, eight))
            high = builder.add(d, builder.ashr(high, eight))
            low = builder.add(builder.add(a, builder.shl(b, eight)), builder.shl(c, sixteen))
        low = builder.and_(low, emit_constant(integers, (1 << bits) - 1))
        base = emit_constant(floats, float(1 << bits))
        return emit_fma(builder, builder.sitofp(high, floats), base, builder.sitofp(low, floats))

    return result(types.intp, types.intp, low_bits, like), codegen


@intrinsic
def digits_of(typingctx, a):
    """Four signed bytes of each integer that a lane of `a` is: q = d0 + 2**8 d1 + 2**16 d2 + 2**24 d3."""
    result = Vector(types.int32)

    def codegen(context, builder, signature, args):
        integers = context.get_value_type(result)
        # Of a NaN it makes 0; the scale is a NaN then.
        whole = emit_call(builder, f"llvm.fptosi.sat.v{a.lanes}i32.v{a.lanes}f32", integers, args[0])
        middle = emit_constant(integers, 0x00808080)  # makes the lower digits 128 more, so that none borrows
        return builder.xor(builder.add(whole, middle), middle)

    return result(a), codegen


# Orders of the digits of 16 numbers: of each four numbers the first digits, the second ones and so on; or the
# first digits of all 16, the second ones of all, and so on.
BY_FOURS, BY_DIGITS = 0, 1


@intrinsic
def reorder_digits(typingctx, a, order):
    """The digits of 16 numbers, which lie number by number, in another order."""
    if not isinstance(order, types.IntegerLiteral) or a.lanes != 16:
        return None
    size = 4 if order.literal_value == BY_FOURS else 16
    places = [
        4 * (first + i) + digit for first in range(0, 16, size) for digit in range(4) for i in range(size)
    ]

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
            builder.store(value, row_at(builder, args[0], args[1], i), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, a), codegen


@intrinsic
def store_fours(typingctx, address, four_step, step, a, b, c, d):
    """Numbers j of four vectors of 16 int32 side by side, at `address` + j // 4 four_step + j % 4 step.

    In ascending order of j: each may overwrite the beginning of what follows it.
    """

    def codegen(context, builder, signature, args):
        address, four_step, step, *vectors = args
        fours = []
        for number in range(4):
            p, q = (emit_interleaved(builder, *vectors[i : i + 2], 4, number // 2) for i in (0, 2))
            fours.append(emit_interleaved(builder, p, q, 8, number % 2))
        for lane in range(4):
            part = ir.Constant(ir.VectorType(I32, 2), [2 * lane, 2 * lane + 1])
            four = builder.add(address, builder.mul(four_step, ir.Constant(INT, lane)))
            for number in range(4):
                value = builder.shuffle_vector(fours[number], fours[number], part)
                builder.store(value, row_at(builder, four, step, number), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3, a, b, c, d), codegen
