"""Which tiles there are: their families, heights and modes, and each one's place in the bank (tiles.py).

tile_ir.py says what a tile is.
"""

from fastnn.kernels.jit import inline
from fastnn.kernels.target import FMAS_A_CYCLE, VECTOR_BYTES, VECTOR_REGISTERS

ROW_BYTES = 2 * VECTOR_BYTES  # one row of a panel: two vectors

# Tallest tile: MR * NV accumulators, NV vectors of B and at least one broadcast must fit in registers.
# 14 x 2 = 28 + 2 + 2 of 32 runs at peak, 15 x 2 spills; with 16 registers 6 x 2 = 12 + 2 + 2.
TALLEST_WIDE = 14 if VECTOR_REGISTERS == 32 else 6  # NV = 2
TALLEST_NARROW = 16 if VECTOR_REGISTERS == 32 else 12  # NV = 1
TALLEST_LISTED = min(TALLEST_WIDE, 10)
TALLEST_DOUBLE = 6 if VECTOR_REGISTERS == 32 else 2  # NV = 4
TALLEST_BYTES = 12 if VECTOR_REGISTERS == 32 else 5  # NV = 2, and the scale of B in a register

(
    ROWS,
    COLUMNS,
    LISTED_ROWS,
    LISTED_COLUMNS,
    DOUBLE_ROWS,
    DOUBLE_COLUMNS,
    BYTE_ROWS,
    BYTE_COLUMNS,
    ROWS_IN_PLACE,
    ROWS_UNPACKED,
    ROWS_PACKING,
    FAMILIES,
) = range(12)
DOUBLE = (DOUBLE_ROWS, DOUBLE_COLUMNS)
UNPACKED = (ROWS_UNPACKED, ROWS_PACKING)
IN_PLACE = (ROWS_IN_PLACE, *UNPACKED)

# `mode` of the rows family: what happens to an accumulator before it is stored
STORE, RELU = 0, 1
# `mode` of the columns family, bits: start from the tile at `start` instead of zero; take an SGD step in C
CONTINUE, DESCEND = 1, 2

SLOTS = 17  # places in the bank for each family and NV


def heights(family):
    """Every (NV, MR) of a family."""
    if family in (BYTE_ROWS, BYTE_COLUMNS):
        widths = (1, 2) if family == BYTE_COLUMNS and FMAS_A_CYCLE == 1 else (2,)
        return [(v, m) for v in widths for m in range(1, TALLEST_BYTES + 1)]
    if family in UNPACKED:  # to pack pays if other tiles follow, and then the first is half as high at least
        least = TALLEST_WIDE // 2 if family == ROWS_PACKING else 1
        return [(2, m) for m in range(least, TALLEST_WIDE + 1)]
    if family in DOUBLE:
        return [(4, m) for m in range(1, TALLEST_DOUBLE + 1)]
    if family in (LISTED_ROWS, LISTED_COLUMNS):
        return [(v, m) for v in (1, 2) for m in range(1, TALLEST_LISTED + 1)]
    return [(2, m) for m in range(1, TALLEST_WIDE + 1)] + [(1, m) for m in range(1, TALLEST_NARROW + 1)]


def slot(family, NV, MR):
    """Place of a tile in the table; a family has tiles of one and two vectors, or of four."""
    return (family * 2 + (1 if NV == 2 else 0)) * SLOTS + MR


inline_slot = inline(slot)
