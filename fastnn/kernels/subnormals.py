"""Numbers too small to be normal (below 1e-38 in float32) as zeros, while an epoch runs.

A momentum that nothing feeds any more, say that of a dead relu unit, decays into subnormal numbers after some
800 steps and stays there, and x86 CPUs take over 100 cycles for an operation on them: an epoch of 20-64-64-2
with Adam took twice as long. Their being zero changes no result by more than 1e-38. The mode belongs to the
thread, so what was set before is put back.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, INT, emit_call
from fastnn.kernels.target import IS_X86

FLUSH_RESULTS, TAKE_AS_ZERO = 1 << 15, 1 << 6  # bits of MXCSR (Intel's manual, volume 1, section 10.2.3)


def _register(builder, operation, place):
    emit_call(builder, f"llvm.x86.sse.{operation}mxcsr", ir.VoidType(), place)


@intrinsic
def subnormals_to_zero(typingctx):
    """Take subnormal numbers as zeros from now on; returns what `restore` needs. Not on x86: nothing."""

    def codegen(context, builder, signature, args):
        if not IS_X86:
            return ir.Constant(INT, 0)
        place = cgutils.alloca_once(builder, I32)
        _register(builder, "st", place)
        before = builder.load(place, typ=I32)
        builder.store(builder.or_(before, ir.Constant(I32, FLUSH_RESULTS | TAKE_AS_ZERO)), place)
        _register(builder, "ld", place)
        return builder.zext(before, INT)

    return types.int64(), codegen


@intrinsic
def restore(typingctx, before):
    """Put back the mode that `subnormals_to_zero` found."""

    def codegen(context, builder, signature, args):
        if IS_X86:
            place = cgutils.alloca_once(builder, I32)
            builder.store(builder.trunc(args[0], I32), place)
            _register(builder, "ld", place)
        return context.get_dummy_value()

    return types.void(types.int64), codegen
