"""Numbers of samples, picked from where an order says into the lanes of a vector, and back.

In registers all the way: a vector loaded from where its lanes have just been stored one by one waits until
every store before it has come to the cache, and what the CPU could do meanwhile, the next block of rows,
waits too. Softmax and cross-entropy of 10 classes take 8 ns a row so, and through memory 10.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, INT, Vector, emit_call, emit_first_lanes, pointer


@intrinsic
def address_in(typingctx, array, index):
    """Address of an element of a contiguous array of one dimension."""

    def codegen(context, builder, signature, args):
        data = cgutils.create_struct_proxy(array)(context, builder, args[0]).data
        size = ir.Constant(INT, array.dtype.bitwidth // 8)
        return builder.add(builder.ptrtoint(data, INT), builder.mul(args[1], size))

    return types.intp(array, types.intp), codegen


@intrinsic
def picked(typingctx, base, order, count, kind, like):
    """Element order[i] of an array of `kind`, converted, in each lane i < count; others repeat the last.

    base, order   addresses; of the order, from its first element that counts. `count` is at least 1
    Notes         integers are below 2^31
    """
    result = Vector(like)

    def codegen(context, builder, signature, args):
        base, order, count, _, _ = args
        number = I32 if isinstance(kind, types.Integer) else context.get_value_type(kind)
        last = builder.sub(count, ir.Constant(INT, 1))
        found = ir.Constant(ir.VectorType(number, result.lanes), ir.Undefined)
        for i in range(result.lanes):
            lane = ir.Constant(INT, i)
            lane = builder.select(builder.icmp_signed("<", lane, last), lane, last)
            place = builder.add(order, builder.mul(lane, ir.Constant(INT, 8)))
            row = builder.load(pointer(builder, place), typ=INT)
            place = builder.add(base, builder.mul(row, ir.Constant(INT, kind.bitwidth // 8)))
            element = builder.load(pointer(builder, place), typ=context.get_value_type(kind))
            if isinstance(kind, types.Integer):
                element = builder.trunc(element, number)
            found = builder.insert_element(found, element, ir.Constant(I32, i))
        wanted = context.get_value_type(result)
        return builder.sitofp(found, wanted) if isinstance(kind, types.Integer) else found

    return result(types.intp, types.intp, types.intp, kind, like), codegen


@intrinsic
def store_products(typingctx, address, a, b, count):
    """a * b of the first `count` lanes, in float64, to `address`."""

    def codegen(context, builder, signature, args):
        address, a, b, count = args
        doubles = ir.VectorType(ir.DoubleType(), a.type.count)
        if a.type != doubles:
            a, b = builder.fpext(a, doubles), builder.fpext(b, doubles)
        name = f"llvm.masked.store.v{doubles.count}f64.p0"
        active = emit_first_lanes(builder, doubles.count, count)
        place, align = pointer(builder, address), ir.Constant(I32, 8)
        emit_call(builder, name, ir.VoidType(), builder.fmul(a, b), place, align, active)
        return context.get_dummy_value()

    return types.void(types.intp, a, b, types.intp), codegen


@intrinsic
def count_equal(typingctx, a, b, count):
    """In how many of the first `count` lanes a == b."""

    def codegen(context, builder, signature, args):
        a, b, count = args
        found = builder.and_(builder.fcmp_ordered("==", a, b), emit_first_lanes(builder, a.type.count, count))
        bits = builder.bitcast(found, ir.IntType(a.type.count))
        return emit_call(builder, "llvm.ctpop.i64", INT, builder.zext(bits, INT))

    return types.intp(a, b, types.intp), codegen
