"""AMX tiles in plain Numba, for machines without: importing this, first, has exact.py multiply in them.

Slow, and for one thread at a time. It says what tiles_of_bytes.py takes the instructions to do; that they do
is for a CPU with AMX to show.
"""

import numpy as np

from fastnn.kernels import amx_permission, jit

amx_permission.may_use_amx = jit.may_use_amx = lambda features: True

from fastnn.kernels.byte_layer import amx
from fastnn.kernels.memory import load_scalar, store_scalar

TILE, ROW, COUNT = amx.TILE_BYTES, amx.TILE_ROW, amx.TILES
_memory = np.zeros(COUNT * TILE + COUNT, np.uint8)
TILES, HEIGHTS = _memory.ctypes.data, _memory.ctypes.data + COUNT * TILE


@jit.jit
def set_up_tiles(address, height):
    for tile in range(COUNT):
        store_scalar(HEIGHTS + tile, np.uint8(height if tile % 4 == 3 else amx.TILE_ROWS))


@jit.jit
def release_tiles():
    for tile in range(COUNT):
        store_scalar(HEIGHTS + tile, np.uint8(0))


@jit.jit
def zero_tile(tile):
    for place in range(0, TILE, 8):
        store_scalar(TILES + tile * TILE + place, 0)


@jit.jit
def _copy(source, source_step, target, target_step, rows):
    for row in range(rows):
        for place in range(ROW):
            value = load_scalar(source + row * source_step + place, np.uint8(0))
            store_scalar(target + row * target_step + place, value)


@jit.jit
def load_tile(tile, address, step):
    zero_tile(tile)
    _copy(address, step, TILES + tile * TILE, ROW, load_scalar(HEIGHTS + tile, np.uint8(0)))


@jit.jit
def store_tile(tile, address, step):
    _copy(TILES + tile * TILE, ROW, address, step, load_scalar(HEIGHTS + tile, np.uint8(0)))


@jit.jit
def _multiply(c, a, b, kind_a, kind_b):
    for i in range(amx.TILE_ROWS):
        for j in range(ROW // 4):
            place = TILES + c * TILE + i * ROW + 4 * j
            total = load_scalar(place, np.int32(0))
            for k in range(ROW):
                left = load_scalar(TILES + a * TILE + i * ROW + k, kind_a)
                right = load_scalar(TILES + b * TILE + k // 4 * ROW + 4 * j + k % 4, kind_b)
                total += np.int32(left) * np.int32(right)
            store_scalar(place, np.int32(total))


@jit.jit
def add_unsigned_signed(c, a, b):
    _multiply(c, a, b, np.uint8(0), np.int8(0))


@jit.jit
def add_signed_unsigned(c, a, b):
    _multiply(c, a, b, np.int8(0), np.uint8(0))


for function in (
    set_up_tiles, release_tiles, zero_tile, load_tile, store_tile, add_unsigned_signed, add_signed_unsigned
):  # fmt: skip
    setattr(amx, function.__name__, function)
