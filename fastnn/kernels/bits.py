"""Bitmaps of where rows are not zero, and lists of the set bits: what skipping zeros is steered by.

A bitmap is int64 words, bit c % 64 of word c // 64 for column c. In a chunk they lie word-major, word w of
row i at w * stride + 8 i, so that one word of many rows can be read as vectors. Training makes those
of all rows once, row by row, and gathers them; a forward pass makes those of a chunk where it needs them.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load_scalar, prefetch, store_scalar
from fastnn.kernels.simd import I1, I32, INT, Vector, emit_call, emit_splat, pointer, size_of
from fastnn.kernels.target import VECTOR_BYTES

WORD = 64  # bits
LIST_OVERRUN = 16  # entries that writing a list may overwrite beyond its last
PLACES = ir.ArrayType(ir.VectorType(ir.IntType(8), 8), 256)


@intrinsic
def nonzero_bits(typingctx, address, source):
    """int64 mask: which of 64 elements of `source`'s type at `address` are not zero (a NaN is not)."""

    def codegen(context, builder, signature, args):
        element = context.get_value_type(source)
        value = builder.load(pointer(builder, args[0]), typ=ir.VectorType(element, 64), align=1)
        zero = ir.Constant(value.type, None)
        compare = builder.icmp_unsigned if isinstance(source, types.Integer) else builder.fcmp_unordered
        return builder.bitcast(compare("!=", value, zero), INT)

    return types.intp(types.intp, source), codegen


@intrinsic
def any_bits(typingctx, address, mask):
    """int64 mask of which of the 64 words at `address` share a bit with `mask`."""

    def codegen(context, builder, signature, args):
        words = builder.load(pointer(builder, args[0]), typ=ir.VectorType(INT, 64), align=8)
        seed = builder.insert_element(ir.Constant(words.type, ir.Undefined), args[1], ir.Constant(I32, 0))
        spread = builder.shuffle_vector(seed, seed, ir.Constant(ir.VectorType(I32, 64), None))
        hit = builder.icmp_unsigned("!=", builder.and_(words, spread), ir.Constant(words.type, None))
        return builder.bitcast(hit, INT)

    return types.intp(types.intp, types.intp), codegen


def _compress(builder, word, place, integer, most, vectors):
    """Store the `integer` of every set bit i < most at `place`; returns how many there are.

    AVX-512 compresses registers: 12 cycles for 64 bits and int32, and no branch to mispredict.

    vectors   type of a vector -> generator of the numbers of bit 0 and on, as many as there are lanes
    """
    size = integer.width // 8
    lanes = VECTOR_BYTES // size
    vector = ir.VectorType(integer, lanes)
    squeeze = f"llvm.experimental.vector.compress.v{lanes}i{integer.width}"
    total = ir.Constant(INT, 0)
    for part, numbers in zip(range(0, most, lanes), vectors(vector), strict=False):
        bits = builder.trunc(builder.lshr(word, ir.Constant(INT, part)), ir.IntType(lanes))
        active = builder.bitcast(bits, ir.VectorType(I1, lanes))
        packed = emit_call(builder, squeeze, vector, numbers, active, ir.Constant(vector, None))
        here = builder.add(place, builder.mul(total, ir.Constant(INT, size)))
        builder.store(packed, pointer(builder, here), align=size)
        total = builder.add(total, builder.zext(builder.ctpop(bits), INT))
    return total


def _places(module):
    """A table in the module: which bits of a byte are set, in ascending order, for each of the 256 bytes."""
    name = "fastnn_places_of_bits"
    if name not in module.globals:
        rows = ([i for i in range(8) if byte >> i & 1] for byte in range(256))
        table = ir.GlobalVariable(module, PLACES, name)
        table.linkage, table.global_constant = "internal", True
        filled = [ir.Constant(PLACES.element, (row + 8 * [0])[:8]) for row in rows]
        table.initializer = ir.Constant(PLACES, filled)
    return module.globals[name]


def _look_up(builder, word, place, integer, most, base, step):
    """As _compress, for the numbers base + step * i, where there is no such instruction: byte by byte."""
    size, vector, zero = integer.width // 8, ir.VectorType(integer, 8), ir.Constant(INT, 0)
    table, total = _places(builder.module), zero
    numbers, steps = emit_splat(builder, vector, base), emit_splat(builder, vector, step)
    further = builder.mul(steps, ir.Constant(vector, 8))
    for part in range(0, most, 8):
        bits = builder.and_(builder.lshr(word, ir.Constant(INT, part)), ir.Constant(INT, 255))
        places = builder.zext(builder.load(builder.gep(table, [zero, bits]), align=8), vector)
        here = builder.add(place, builder.mul(total, ir.Constant(INT, size)))
        value = builder.add(numbers, builder.mul(places, steps))
        builder.store(value, pointer(builder, here), align=size)
        numbers = builder.add(numbers, further)
        total = builder.add(total, builder.ctpop(bits))
    return total


def _write_one_by_one(builder, word, place, number_at):
    """Store number_at(i), an int64, of every set bit i at `place`; returns how many there are."""
    before = builder.block
    test, body, done = (builder.append_basic_block(name) for name in ("test", "body", "done"))
    builder.branch(test)
    builder.position_at_end(test)
    left, at = builder.phi(INT), builder.phi(INT)
    left.add_incoming(word, before)
    at.add_incoming(place, before)
    builder.cbranch(builder.icmp_unsigned("==", left, ir.Constant(INT, 0)), done, body)
    builder.position_at_end(body)
    number = number_at(builder.cttz(left, ir.Constant(I1, 1)))
    builder.store(number, pointer(builder, at), align=8)
    left.add_incoming(builder.and_(left, builder.sub(left, ir.Constant(INT, 1))), body)
    at.add_incoming(builder.add(at, ir.Constant(INT, 8)), body)
    builder.branch(test)
    builder.position_at_end(done)
    return builder.lshr(builder.sub(at, place), ir.Constant(INT, 3))


def emit_series(builder, word, base, step, place, integer, most):
    """Store base + step * i as `integer`s at `place` for every set bit i < most; returns how many."""

    def vectors(vector):
        steps = builder.mul(emit_splat(builder, vector, step), ir.Constant(vector, list(range(vector.count))))
        numbers = builder.add(emit_splat(builder, vector, base), steps)
        further = emit_splat(builder, vector, builder.mul(step, ir.Constant(integer, vector.count)))
        while True:
            yield numbers
            numbers = builder.add(numbers, further)

    if VECTOR_BYTES == 64:
        return _compress(builder, word, place, integer, most, vectors)
    return _look_up(builder, word, place, integer, most, base, step)


@intrinsic
def write_list(typingctx, word, base, place):
    """Write base + i as int32 at `place` for every set bit i, ascending; returns their number.

    Up to LIST_OVERRUN entries beyond the last may be overwritten.
    """

    def codegen(context, builder, signature, args):
        word, base, place = args
        return emit_series(builder, word, builder.trunc(base, I32), ir.Constant(I32, 1), place, I32, WORD)

    return types.intp(types.intp, types.intp, types.intp), codegen


@intrinsic
def write_steps(typingctx, word, base, step, place, like):
    """Write base + step * i as int64 at `place` for every set bit i, ascending; returns their number.

    like    of what type a panel is: bits beyond its columns are not set
    Notes   up to LIST_OVERRUN entries beyond the last may be overwritten
    """
    columns = 2 * Vector(like).lanes

    def codegen(context, builder, signature, args):
        return emit_series(builder, *args[:4], INT, columns)

    return types.intp(*[types.intp] * 4, like), codegen


@intrinsic
def write_chosen(typingctx, word, source, place):
    """Write number i of the 64 int64 at `source` to `place` for every set bit i, ascending; returns how many.

    Up to LIST_OVERRUN entries beyond the last may be overwritten.
    """

    def codegen(context, builder, signature, args):
        word, source, place = args

        def number_at(bit, kind=INT):
            offset = builder.mul(bit, ir.Constant(INT, 8))
            return builder.load(pointer(builder, builder.add(source, offset)), typ=kind, align=8)

        def vectors(vector):
            return (number_at(ir.Constant(INT, bit), vector) for bit in range(0, WORD, vector.count))

        if VECTOR_BYTES == 64:
            return _compress(builder, word, place, INT, WORD, vectors)
        return _write_one_by_one(builder, word, place, number_at)

    return types.intp(types.intp, types.intp, types.intp), codegen


@inline
def _row_bits(kind, data, columns, first, last, bits, row_step, word_step):
    """Bitmaps of rows first..last of X; `kind` has X's type, `data` is its address.

    row_step, word_step   bytes from a row's words to the next row's, and from word to word
    """
    item, whole = size_of(kind), columns // WORD
    for i in range(first, last):
        source, target = data + i * columns * item, bits + (i - first) * row_step
        for w in range(whole):
            store_scalar(target + w * word_step, nonzero_bits(source + w * WORD * item, kind))
        if whole * WORD < columns:
            word = 0
            for c in range(whole * WORD, columns):
                value = load_scalar(source + c * item, kind)
                word |= (1 if value != 0 else 0) << (c - whole * WORD)
            store_scalar(target + whole * word_step, word)


@jit
def _row_bits_uint8(data, columns, first, last, bits, row_step, word_step):
    _row_bits(np.uint8(0), data, columns, first, last, bits, row_step, word_step)


@jit
def _row_bits_float32(data, columns, first, last, bits, row_step, word_step):
    _row_bits(np.float32(0), data, columns, first, last, bits, row_step, word_step)


@jit
def _row_bits_float64(data, columns, first, last, bits, row_step, word_step):
    _row_bits(np.float64(0), data, columns, first, last, bits, row_step, word_step)


# By the type of X.
ROW_BITS = {
    np.dtype(np.uint8): _row_bits_uint8,
    np.dtype(np.float32): _row_bits_float32,
    np.dtype(np.float64): _row_bits_float64,
}


@jit
def gather_bits(bits, words, order, start, rows, target, stride):
    """Bitmaps of samples order[start:start + rows], word-major: word w of row i at target + w * stride + 8 i.

    Rows up to the next multiple of WORD are cleared.
    """
    for i in range(rows):
        source = bits + order[start + i] * words * 8
        if i + 8 < rows:
            ahead = bits + order[start + i + 8] * words * 8
            prefetch(ahead)
            prefetch(ahead + 8 * words - 8)
        for w in range(words):
            store_scalar(target + w * stride + 8 * i, load_scalar(source + 8 * w, 0))
    for w in range(words):
        for i in range(rows, (rows + WORD - 1) // WORD * WORD):
            store_scalar(target + w * stride + 8 * i, 0)


@jit
def list_features(bits, stride, words, row, height, place):
    """Features that any of the rows row..row + height has, as int32 at `place`; returns their number."""
    count = 0
    for w in range(words):
        union = 0
        for i in range(row, row + height):
            union |= load_scalar(bits + w * stride + 8 * i, 0)
        count += write_list(union, WORD * w, place + 4 * count)
    return count


@jit
def list_samples(bits, stride, rows, k, height, place):
    """Rows that have any of the features k..k + height (inside one word), as int32; returns their number."""
    mask = ((1 << height) - 1) << (k % WORD)
    count, column = 0, bits + k // WORD * stride
    for i in range(0, rows, WORD):
        count += write_list(any_bits(column + 8 * i, mask), i, place + 4 * count)
    return count
