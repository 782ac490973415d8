"""Vectors of uint8 on the move: copied, interleaved, and transposed with a look at what is not zero."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.memory import L1, emit_prefetch
from fastnn.kernels.simd import I32, INT, pointer, row_at

SQUARE = 16  # rows of bytes that are transposed together


@intrinsic
def transpose_bytes(typingctx, addresses, column, target, target_step, columns, rows, rows_step, squares):
    """target[j][i] = byte column + j of row i, for 16 rows and `squares` (a literal) times 16 columns.

    addresses   address of 32 int64 addresses: of the 16 rows, and of 16 rows of which the same columns are to
                be fetched. They come while bytes are shuffled: that saved 11 of the 98 ns which gathering an
                MNIST row took
    target      is written in rows that are target_step bytes apart

    While the bytes are in registers, it costs little to note where they are not zero:

    columns     address of 2 `squares` bytes, written: bit j, whether any row has column j
    rows        address of 2 bytes, and so on in steps of rows_step, one for each square, written: bit i,
                whether row i has any column of the square
    """
    if not isinstance(squares, types.IntegerLiteral):
        return None
    width = squares.literal_value * SQUARE

    def codegen(context, builder, signature, args):
        addresses, column, *places, _ = args

        def place(i):
            address = builder.load(row_at(builder, addresses, ir.Constant(INT, 8), i), typ=INT)
            return builder.add(address, column)

        for i in range(SQUARE, 2 * SQUARE):
            emit_prefetch(builder, place(i), L1)
        octets = ir.VectorType(ir.IntType(8), width)
        rows = [builder.load(pointer(builder, place(i)), typ=octets, align=1) for i in range(SQUARE)]
        _emit_transposed(builder, rows, *places)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 7, squares), codegen


def _emit_transposed(builder, rows, target, target_step, columns_at, rows_at, rows_step):
    """The shuffles and stores of transpose_bytes, from 16 vectors.

    Four rounds of interleaving rows i and i + 8, in all squares at once: byte shuffles inside 16-byte lanes
    are what every CPU has.
    """
    vector, short = rows[0].type, ir.IntType(SQUARE)
    width = vector.count

    def mask(numbers):
        return ir.Constant(ir.VectorType(I32, len(numbers)), numbers)

    def any_of(vectors):
        while len(vectors) > 1:
            vectors = [builder.or_(a, b) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
        found = builder.icmp_unsigned("!=", vectors[0], ir.Constant(vector, None))
        return builder.bitcast(found, ir.IntType(width))

    half = SQUARE // 2
    masks = [
        mask([j // SQUARE * SQUARE + first + j % SQUARE // 2 + width * (j % 2) for j in range(width)])
        for first in (0, half)
    ]
    builder.store(any_of(rows), pointer(builder, columns_at), align=1)
    for _ in range(4):
        rows = [builder.shuffle_vector(rows[i], rows[i + half], m) for i in range(half) for m in masks]
    found = any_of(rows)
    for square in range(width // SQUARE):
        bits = builder.trunc(builder.lshr(found, ir.Constant(found.type, SQUARE * square)), short)
        builder.store(bits, row_at(builder, rows_at, rows_step, square), align=1)
    for first in range(0, width, SQUARE):
        part = mask(list(range(first, first + SQUARE)))
        for i in range(SQUARE):
            value = builder.shuffle_vector(rows[i], rows[i], part)
            builder.store(value, row_at(builder, target, target_step, first + i), align=1)


def emit_interleaved(builder, a, b, size, half):
    """Elements of `size` bytes of two 64-byte vectors in turn, from one half of each 16 bytes."""
    vector = ir.VectorType(ir.IntType(8 * size), 64 // size)
    inside, count = 16 // size, 64 // size
    first = half * inside // 2
    places = [
        lane + first + i + count * j
        for lane in range(0, count, inside)
        for i in range(inside // 2)
        for j in (0, 1)
    ]
    a, b = builder.bitcast(a, vector), builder.bitcast(b, vector)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, count), places))


@intrinsic
def interleave_four(typingctx, a, b, c, d, tiles, tiles_step):
    """64 uint8 at each of four addresses interleaved to `tiles`; for CPUs with AVX-512.

    tiles[j // 16][4 (j % 16) + i] is byte j of row i. Two rounds of interleaving inside 16-byte lanes, and
    two that bring the lanes into order.
    """

    def codegen(context, builder, signature, args):
        *sources, tiles, tiles_step = args
        octets, lanes = ir.VectorType(ir.IntType(8), 64), ir.VectorType(INT, 8)

        def mix(a, b, places):
            a, b = builder.bitcast(a, lanes), builder.bitcast(b, lanes)
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, 8), places))

        found = [builder.load(pointer(builder, source), typ=octets, align=1) for source in sources]
        pairs = [[emit_interleaved(builder, *found[i : i + 2], 1, half) for i in (0, 2)] for half in range(2)]
        fours = [emit_interleaved(builder, *pair, 2, half) for pair in pairs for half in range(2)]
        even, odd = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
        first, second = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
        ends = [(mix(*fours[:2], places), mix(*fours[2:], places)) for places in (even, odd)]
        ordered = [mix(*end, places) for places in (first, second) for end in ends]
        for i, value in enumerate(ordered):
            builder.store(value, row_at(builder, tiles, tiles_step, i), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), codegen


@intrinsic
def copy_bytes(typingctx, source, target, count):
    """A literal number of bytes from `source` to `target`, of any alignment."""
    if not isinstance(count, types.IntegerLiteral):
        return None

    def codegen(context, builder, signature, args):
        value = builder.load(
            pointer(builder, args[0]), typ=ir.VectorType(ir.IntType(8), count.literal_value), align=1
        )
        builder.store(value, pointer(builder, args[1]), align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, count), codegen
