"""AMX for Numba: eight tiles of 16 rows x 64 bytes, and sums of products of bytes between them.

A product of two tiles takes 16 cycles for 16 x 16 sums of 64 products each: 32 times what FMAs do. Numbers of
tiles are literals. Who uses tiles sets them up first and releases them at the end, for otherwise the system
saves and restores 8 KB whenever the thread is interrupted.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.jit import inline
from fastnn.kernels.memory import store_scalar
from fastnn.kernels.simd import emit_call, pointer

TILE_ROWS, TILE_ROW, TILE_BYTES = 16, 64, 1024
BYTE = ir.IntType(8)
_FIRST_WIDTH, _FIRST_HEIGHT, TILES = 16, 48, 8  # places in a configuration of 64 bytes


def _emit(builder, name, *values):
    emit_call(builder, f"llvm.x86.{name}", ir.VoidType(), *values)


def _numbers(arguments):
    """The literal tile numbers as constants, or None if one is not a literal."""
    if not all(isinstance(argument, types.IntegerLiteral) for argument in arguments):
        return None
    return [ir.Constant(BYTE, argument.literal_value) for argument in arguments]


@intrinsic
def _configure(typingctx, address):
    def codegen(context, builder, signature, args):
        _emit(builder, "ldtilecfg", pointer(builder, args[0]))
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@inline
def set_up_tiles(address, height):
    """All tiles get 16 rows, but 3 and 7 `height`; `address` is room for 64 bytes."""
    for i in range(0, TILE_ROW, 8):
        store_scalar(address + i, 0)
    store_scalar(address, 1)  # the only palette there is
    for tile in range(TILES):
        rows = height if tile % 4 == 3 else TILE_ROWS
        store_scalar(address + _FIRST_WIDTH + 2 * tile, np.int16(TILE_ROW))
        store_scalar(address + _FIRST_HEIGHT + tile, np.int8(rows))
    _configure(address)


@intrinsic
def release_tiles(typingctx):
    """Done with all tiles."""

    def codegen(context, builder, signature, args):
        _emit(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def zero_tile(typingctx, tile):
    """All zeros."""
    numbers = _numbers([tile])
    if numbers is None:
        return None

    def codegen(context, builder, signature, args):
        _emit(builder, "tilezero", *numbers)
        return context.get_dummy_value()

    return types.void(tile), codegen


def _mover(name, doc):
    def typer(typingctx, tile, address, step):
        numbers = _numbers([tile])
        if numbers is None:
            return None

        def codegen(context, builder, signature, args):
            _, address, step = args
            _emit(builder, name, *numbers, pointer(builder, address), step)
            return context.get_dummy_value()

        return types.void(tile, types.intp, types.intp), codegen

    typer.__doc__ = doc
    return intrinsic(typer)


def _multiplier(name, doc):
    def typer(typingctx, c, a, b):
        numbers = _numbers([c, a, b])
        if numbers is None:
            return None

        def codegen(context, builder, signature, args):
            _emit(builder, name, *numbers)
            return context.get_dummy_value()

        return types.void(c, a, b), codegen

    typer.__doc__ = doc
    return intrinsic(typer)


load_tile = _mover("tileloadd64", "Rows of 64 bytes from `address`, `step` bytes apart.")
store_tile = _mover("tilestored64", "Rows of 64 bytes to `address`, `step` bytes apart.")
# c[i, j] += sum_k a[i, k] b[k / 4, 4 j + k % 4] for int32 c and 64 bytes k
add_unsigned_signed = _multiplier("tdpbusd", "c += a b for uint8 a and int8 b.")
add_signed_unsigned = _multiplier("tdpbsud", "c += a b for int8 a and uint8 b.")
