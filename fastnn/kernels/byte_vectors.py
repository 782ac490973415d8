"""Vectors of uint8, as narrow.py moves them: copied, and transposed with a look at what is not zero."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, INT, pointer

SQUARE = 16  # rows of bytes that are transposed together


@intrinsic
def transpose_bytes(typingctx, source, source_step, target, target_step, columns, rows, rows_step, squares):
    """target[j][i] = source[i][j] for 16 rows of `squares` (a literal) times 16 uint8.

    Steps are bytes between rows. Four rounds of interleaving rows i and i + 8, in all squares at once: byte
    shuffles inside 16-byte lanes are what every CPU has. While the bytes are in registers, it costs little to
    note where they are not zero:

    columns   address of 2 `squares` bytes, written: bit j, whether any row has column j
    rows      address of 2 bytes, and so on in steps of rows_step, one for each square, written: bit i,
              whether row i has any column of the square
    """
    if not isinstance(squares, types.IntegerLiteral):
        return None
    width = squares.literal_value * SQUARE

    def codegen(context, builder, signature, args):
        source, source_step, target, target_step, columns_at, rows_at, rows_step, _ = args
        vector, short = ir.VectorType(ir.IntType(8), width), ir.IntType(SQUARE)

        def row(base, step, i):
            return pointer(builder, builder.add(base, builder.mul(step, ir.Constant(INT, i))))

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
        rows = [builder.load(row(source, source_step, i), typ=vector, align=1) for i in range(SQUARE)]
        builder.store(any_of(rows), pointer(builder, columns_at), align=1)
        for _ in range(4):
            rows = [builder.shuffle_vector(rows[i], rows[i + half], m) for i in range(half) for m in masks]
        found = any_of(rows)
        for square in range(squares.literal_value):
            bits = builder.trunc(builder.lshr(found, ir.Constant(found.type, SQUARE * square)), short)
            builder.store(bits, row(rows_at, rows_step, square), align=1)
        for first in range(0, width, SQUARE):
            part = mask(list(range(first, first + SQUARE)))
            for i in range(SQUARE):
                value = builder.shuffle_vector(rows[i], rows[i], part)
                builder.store(value, row(target, target_step, first + i), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 7, squares), codegen


@intrinsic
def copy_four(typingctx, a, b, c, d, rows, rows_step, tiles, tiles_step):
    """64 uint8 at each of four addresses to `rows`, and interleaved to `tiles`; for CPUs with AVX-512.

    tiles[j // 16][4 (j % 16) + i] is byte j of row i. Two rounds of interleaving inside 16-byte lanes, and one
    that brings the lanes into order.
    """
    width, lane = 64, 16

    def codegen(context, builder, signature, args):
        *sources, rows, rows_step, tiles, tiles_step = args

        def row(base, step, i):
            return pointer(builder, builder.add(base, builder.mul(step, ir.Constant(INT, i))))

        def interleave(a, b, size, high):
            vector = ir.VectorType(ir.IntType(8 * size), width // size)
            a, b = builder.bitcast(a, vector), builder.bitcast(b, vector)
            inside, count = lane // size, width // size
            places = [
                j // inside * inside + high * inside // 2 + j % inside // 2 + count * (j % 2) for j in range(count)
            ]
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, count), places))

        octets = ir.VectorType(ir.IntType(8), width)
        found = [builder.load(pointer(builder, source), typ=octets, align=1) for source in sources]
        for i, value in enumerate(found):
            builder.store(value, row(rows, rows_step, i), align=1)
        a, b, c, d = found
        pairs = [(interleave(a, b, 1, high), interleave(c, d, 1, high)) for high in range(2)]
        fours = [interleave(p, q, 2, high) for p, q in pairs for high in range(2)]
        lanes = ir.VectorType(INT, 8)
        fours = [builder.bitcast(v, lanes) for v in fours]

        def mix(a, b, places):
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, 8), places))

        low, high = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
        first, second = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
        ends = {}
        for name, places in (("low", low), ("high", high)):
            p, q = mix(fours[0], fours[1], places), mix(fours[2], fours[3], places)
            ends[name] = mix(p, q, first), mix(p, q, second)
        ordered = ends["low"][0], ends["high"][0], ends["low"][1], ends["high"][1]
        for i, value in enumerate(ordered):
            builder.store(value, row(tiles, tiles_step, i), align=1)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 8), codegen


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
