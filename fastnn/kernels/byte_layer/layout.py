"""Where exact.py's things lie, in a thread's input: a header, and X as those read it who multiply."""

from fastnn.kernels.byte_layer import byte_input
from fastnn.kernels.byte_layer.narrow import MOST_OUTPUTS, SUMS_BYTES
from fastnn.kernels.jit import inline
from fastnn.kernels.simd import size_of
from fastnn.kernels.target import LINE, MULTIPLIES_BYTES, VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES

MOST_ROWS = 256  # of a chunk: sums of digits stay below 2**23
MOST_FEATURES = 1 << 15  # sums of doubles stay below 2**53
OUTPUTS_BYTES = MOST_OUTPUTS * 4  # a float32 for each output
BLOCK = 64  # bytes of a row of digits: features forward, rows in the update
DIGITS = 4
LIST_BYTES = 1024  # and a byte for each feature: room for the lists of fours_of_bytes.py
LANES = VECTOR_BYTES // 4
COPIED_TILE = 1024 + LINE  # bytes from one tile of the copy to the next: not to the same sets of L1

# The header: the scale of X as float32, and 8 bytes further what byte tiles scale by, 1.0 as a double; with
# digits, how many rows are read where X has them, and the address of the first; with doubles, of which square
# there is a list, and how long it is; a configuration of tiles; by output what one unit of the integers is
# (SCALES), and what floats are multiplied by to become integers (STEPS), of weights and deltas; exact sums,
# twice, each SUMS_BYTES as doubles, and as much turned back; zeros for sums to start from; a square of
# integers on its way to be transposed; the deltas as integers, and after them the weights; and with digits,
# lists of what is not zero.
ONE, ROWS_IN_PLACE, PLACE_OF_ROWS = 8, 16, 24
LISTED_SQUARE, LISTED_COUNT = 16, 24
CONFIGURATION = LINE
WEIGHT_SCALES, WEIGHT_STEPS, DELTA_SCALES, DELTA_STEPS = (
    CONFIGURATION + LINE + i * OUTPUTS_BYTES for i in range(4)
)
SUMS = DELTA_STEPS + OUTPUTS_BYTES
OTHER_SUMS = SUMS + max(2 * SUMS_BYTES, DIGITS * MOST_OUTPUTS * BLOCK)
ZEROS = OTHER_SUMS + OTHER_SUMS - SUMS
SQUARE_OF_INTEGERS = ZEROS + SUMS_BYTES
DELTAS = SQUARE_OF_INTEGERS + 16 * BLOCK
DELTA_BYTES = MOST_OUTPUTS * (DIGITS if MULTIPLIES_BYTES else 8)  # of one row
WEIGHTS = DELTAS + MOST_ROWS * DELTA_BYTES


def row_bytes(columns):
    """With digits: from one row to the next, whole lines, an odd number of them, for the sets of L1."""
    return ((columns + LINE - 1) // LINE | 1) * LINE


def list_offset(columns):
    """With digits: from a thread's input to lists of fours, which follow the weights."""
    return WEIGHTS + (columns + BLOCK - 1) // BLOCK * BLOCK * MOST_OUTPUTS * DIGITS


def rows_offset(columns):
    """From a thread's input to what follows the weights, which are digits, or doubles in panels."""
    if MULTIPLIES_BYTES:
        return WEIGHTS + (columns + BLOCK - 1) // BLOCK * BLOCK * (MOST_OUTPUTS * DIGITS + 1) + LIST_BYTES
    return WEIGHTS + (columns + LANES - 1) // LANES * LANES * MOST_OUTPUTS * 8


def copied_rows_bytes(columns):
    """With digits: 64 rows, as a tile for each 16 features, up to whole lines of a row."""
    return (columns + LINE - 1) // LINE * (LINE // 16) * COPIED_TILE


def columns_offset(rows, columns):
    """From a thread's input to its other copy of the rows, for chunks of at most `rows` rows."""
    if MULTIPLIES_BYTES:
        return rows_offset(columns) + -(-rows // BLOCK) * BLOCK * row_bytes(columns)
    return byte_input.copy_offset(rows_offset(columns), columns)


def input_bytes(rows, columns):
    """Room for a thread's input."""
    if MULTIPLIES_BYTES:
        return columns_offset(rows, columns) + -(-rows // BLOCK) * copied_rows_bytes(columns)
    return byte_input.input_bytes(rows_offset(columns), rows, columns)


inline_rows_offset, inline_row_bytes = inline(rows_offset), inline(row_bytes)
inline_list_offset, inline_copied_rows_bytes = inline(list_offset), inline(copied_rows_bytes)


@inline
def weights_at(W, feature, like):
    """Address of the first output's weights from `feature` on; a row further are the next output's."""
    panel = 2 * LANES
    return W + feature // panel * panel * ROW_BYTES + feature % panel * size_of(like)
