"""Atomics and the spin-loop hint: what threads inside nogil kernels need to talk to each other.

A plain array read in a loop would be hoisted out of it by LLVM and spin forever.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, INT, emit_call, pointer
from fastnn.kernels.target import IS_X86


@intrinsic
def load_acquire(typingctx, address):
    """int64 at `address`; later reads of this thread cannot move before it."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(pointer(builder, args[0]), "acquire", 8, typ=INT)

    return types.intp(types.intp), codegen


@intrinsic
def store_release(typingctx, address, value):
    """Publish an int64; earlier writes of this thread are visible to whoever reads it by load_acquire."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[1], builder.inttoptr(args[0], INT.as_pointer()), "release", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


def _adder(order):
    def typer(typingctx, address, value):
        def codegen(context, builder, signature, args):
            return builder.atomic_rmw("add", builder.inttoptr(args[0], INT.as_pointer()), args[1], order)

        return types.intp(types.intp, types.intp), codegen

    return intrinsic(typer)


# (address, value): add to an int64 in one step, and return what it was. The one orders nothing else; the
# other's earlier writes are visible to whoever sees the sum by load_acquire.
fetch_add, add_release = _adder("monotonic"), _adder("release")


@intrinsic
def pause(typingctx):
    """Tell the CPU that this is a spin loop (x86 pause, ARM yield; elsewhere nothing)."""

    def codegen(context, builder, signature, args):
        triple = llvm.get_process_triple()
        if IS_X86:
            emit_call(builder, "llvm.x86.sse2.pause", ir.VoidType())
        elif triple.startswith(("aarch64", "arm64")):
            emit_call(builder, "llvm.aarch64.hint", ir.VoidType(), ir.Constant(I32, 1))
        return context.get_dummy_value()

    return types.void(), codegen
