"""Vectors of uint8, as narrow.py moves them: copied, transposed, looked at for zeros."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.simd import I32, INT, pointer, vector_of

SQUARE = 16  # rows of bytes that are transposed together


@intrinsic
def transpose_bytes(typingctx, source, source_step, target, target_step, squares):
    """target[j][i] = source[i][j] for 16 rows of `squares` (a literal) times 16 uint8.

    Steps are bytes between rows. Four rounds of interleaving rows i and i + 8, in all squares at once: byte
    shuffles inside 16-byte lanes are what every CPU has.
    """
    if not isinstance(squares, types.IntegerLiteral):
        return None
    width = squares.literal_value * SQUARE

    def codegen(context, builder, signature, args):
        source, source_step, target, target_step, _ = args
        vector = ir.VectorType(ir.IntType(8), width)

        def row(base, step, i):
            return pointer(builder, builder.add(base, builder.mul(step, ir.Constant(INT, i))))

        def mask(numbers):
            return ir.Constant(ir.VectorType(I32, len(numbers)), numbers)

        half = SQUARE // 2
        masks = [
            mask([j // SQUARE * SQUARE + first + j % SQUARE // 2 + width * (j % 2) for j in range(width)])
            for first in (0, half)
        ]
        rows = [builder.load(row(source, source_step, i), typ=vector, align=1) for i in range(SQUARE)]
        for _ in range(4):
            rows = [builder.shuffle_vector(rows[i], rows[i + half], m) for i in range(half) for m in masks]
        for first in range(0, width, SQUARE):
            part = mask(list(range(first, first + SQUARE)))
            for i in range(SQUARE):
                value = builder.shuffle_vector(rows[i], rows[i], part)
                builder.store(value, row(target, target_step, first + i), align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, squares), codegen


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


@intrinsic
def any_byte(typingctx, address, like):
    """1 if any of the bytes that fill two vectors once converted is not zero, else 0."""
    bits = 16 * vector_of(like).lanes

    def codegen(context, builder, signature, args):
        whole = ir.IntType(bits)
        found = builder.load(pointer(builder, args[0]), typ=whole, align=1)
        return builder.zext(builder.icmp_unsigned("!=", found, ir.Constant(whole, 0)), INT)

    return types.intp(types.intp, like), codegen
