"""Vectors, and scalars, from memory and back; blocks of them transposed; lines fetched ahead.

Addresses are plain int64, and nothing checks them. As in simd.py `like` says what element type is meant.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.jit import inline
from fastnn.kernels.simd import (
    I32,
    Vector,
    emit_call,
    emit_first_lanes,
    lanes_of,
    pointer,
    row_at,
    vector_of,
)

# ---- vectors --------------------------------------------------------------------------------------


@intrinsic
def load(typingctx, address, like):
    """Vector at `address` (any alignment; aligned costs nothing extra)."""
    result = vector_of(like)

    def codegen(context, builder, signature, args):
        return builder.load(
            pointer(builder, args[0]), typ=context.get_value_type(result), align=result.element.bitwidth // 8
        )

    return result(types.intp, like), codegen


@intrinsic
def store(typingctx, address, vector):
    """Write a vector to `address` (any alignment)."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], pointer(builder, args[0]), align=vector.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(types.intp, vector), codegen


@intrinsic
def load_as(typingctx, address, source, count, like):
    """First `count` elements of array `source`'s type at `address`, converted; other lanes are zero.

    Memory beyond `count` elements is not touched, so the last row of an array is safe.
    """
    result = vector_of(like)

    def codegen(context, builder, signature, args):
        wanted = context.get_value_type(result)
        found = ir.VectorType(context.get_value_type(source), result.lanes)
        active = emit_first_lanes(builder, result.lanes, args[2])
        kind = "i" if isinstance(source, types.Integer) else "f"
        name = f"llvm.masked.load.v{result.lanes}{kind}{source.bitwidth}.p0"
        place, align = pointer(builder, args[0]), ir.Constant(I32, 1)
        value = emit_call(builder, name, found, place, align, active, ir.Constant(found, None))
        return _convert(builder, value, source, result.element, wanted)

    return result(types.intp, source, types.intp, like), codegen


@inline
def first_lanes(address, count, like):
    """The first `count` elements at `address`; other lanes are zero, and not touched."""
    if count >= lanes_of(like):
        return load(address, like)
    return load_as(address, like, count, like)


@intrinsic
def load_full_as(typingctx, address, source, like):
    """One vector's worth of elements of array `source`'s type at `address`, converted."""
    result = vector_of(like)

    def codegen(context, builder, signature, args):
        found = ir.VectorType(context.get_value_type(source), result.lanes)
        value = builder.load(pointer(builder, args[0]), typ=found, align=1)
        return _convert(builder, value, source, result.element, context.get_value_type(result))

    return result(types.intp, source, like), codegen


def _convert(builder, value, source, target, wanted):
    if isinstance(source, types.Integer):
        return builder.sitofp(builder.zext(value, ir.VectorType(I32, wanted.count)), wanted)
    if source.bitwidth < target.bitwidth:
        return builder.fpext(value, wanted)
    return builder.fptrunc(value, wanted) if source.bitwidth > target.bitwidth else value


@intrinsic
def transpose_square(typingctx, source, source_step, target, target_step, like):
    """target[j][i] = source[i][j] for one lanes x lanes block; steps are bytes between rows.

    log2(lanes) rounds of two-register shuffles, no memory in between: 64 shuffles for 16 x 16.
    """
    result = vector_of(like)

    def codegen(context, builder, signature, args):
        source, source_step, target, target_step, _ = args
        lanes, vector = result.lanes, context.get_value_type(result)
        align = result.element.bitwidth // 8

        rows = [
            builder.load(row_at(builder, source, source_step, i), typ=vector, align=align)
            for i in range(lanes)
        ]
        half = lanes // 2
        while half:  # swap the off-diagonal half x half blocks of every 2half x 2half block
            low = [(j & ~half) + (lanes if j & half else 0) for j in range(lanes)]
            low_mask = ir.Constant(ir.VectorType(I32, lanes), low)
            high_mask = ir.Constant(ir.VectorType(I32, lanes), [j + half for j in low])
            swapped = list(rows)
            for i in range(lanes):
                if not i & half:
                    swapped[i] = builder.shuffle_vector(rows[i], rows[i + half], low_mask)
                    swapped[i + half] = builder.shuffle_vector(rows[i], rows[i + half], high_mask)
            rows, half = swapped, half // 2
        for i in range(lanes):
            builder.store(rows[i], row_at(builder, target, target_step, i), align=align)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, like), codegen


# ---- scalars, hints -------------------------------------------------------------------------------


# Where a fetched line is to come: as LLVM counts, the nearer the higher.
L2, L1 = 2, 3


def emit_prefetch(builder, address, nearness):
    """Start bringing the cache line of `address`; never faults."""
    how = (ir.Constant(I32, n) for n in (0, nearness, 1))
    emit_call(builder, "llvm.prefetch.p0", ir.VoidType(), pointer(builder, address), *how)


@intrinsic
def load_scalar(typingctx, address, like):
    """One element of like's type (a float or an integer scalar type) at `address`."""
    element = like.element if isinstance(like, Vector) else like

    def codegen(context, builder, signature, args):
        return builder.load(pointer(builder, args[0]), typ=context.get_value_type(element))

    return element(types.intp, like), codegen


@intrinsic
def store_scalar(typingctx, address, value):
    """Write one scalar to `address`."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], pointer(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.intp, value), codegen


def _fetcher(nearness, doc):
    def typer(typingctx, address):
        def codegen(context, builder, signature, args):
            emit_prefetch(builder, args[0], nearness)
            return context.get_dummy_value()

        return types.void(types.intp), codegen

    typer.__doc__ = doc
    return intrinsic(typer)


prefetch = _fetcher(L1, "Start bringing the cache line of `address` to L1; never faults.")
prefetch_l2 = _fetcher(L2, "The same to L2.")
