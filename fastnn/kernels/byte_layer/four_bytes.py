"""AVX-512 VNNI for Numba: sums of products of four bytes, uint8 times int8, added to int32, in 8 lanes.

One instruction of 32 bytes makes 32 products, and two of them start in a cycle: four times what FMAs do. Ones
of 64 bytes start one in a cycle, and skip less, for more lanes have to be zero. Around them are loops whose
sums stay in registers, one loop for each number of sums that can come up.
"""

from itertools import product

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.bits import emit_series
from fastnn.kernels.loops import emit_pairwise_loop
from fastnn.kernels.simd import I32, INT, emit_call, emit_splat, pointer
from fastnn.kernels.target import LINE

LANES, WHOLE_LINE = ir.VectorType(I32, 8), ir.VectorType(I32, LINE // 4)
VECTOR = 32  # bytes
ZEROS = ir.Constant(LANES, None)
MOST_VECTORS = 8  # of sums of a row: 64 digits, of 16 outputs
MOST_COLUMNS = 28  # sums of 8 columns that the registers hold
FOURS = 16  # of rows in a block
IN_FLIGHT = 8  # products, two a cycle, each for four cycles


def _emit_products(builder, sums, unsigned, signed):
    return emit_call(builder, "llvm.x86.avx512.vpdpbusd.256", LANES, sums, unsigned, signed)


def _add(builder, address, offset):
    return builder.add(address, ir.Constant(INT, offset)) if offset else address


def _load(builder, address, offset=0, kind=LANES):
    return builder.load(pointer(builder, _add(builder, address, offset)), typ=kind, align=4)


def _load_splat(builder, address):
    return emit_splat(builder, LANES, builder.load(pointer(builder, address), typ=I32, align=1))


def _number_at(builder, place):
    return builder.zext(builder.load(pointer(builder, place), typ=I32, align=4), INT)


def _store(builder, value, address, offset):
    builder.store(value, pointer(builder, _add(builder, address, offset)), align=4)


def _emit_nonzero(builder, line):
    """i16: which fours of 64 bytes are not zeros."""
    found = builder.icmp_unsigned("!=", line, ir.Constant(WHOLE_LINE, None))
    return builder.bitcast(found, ir.IntType(LINE // 4))


def _emit_for_each(builder, number, choices, emit):
    """emit(choice), by what `number` is at run time: one of these constants."""
    done = builder.append_basic_block("done")
    otherwise = builder.append_basic_block("otherwise")
    switch = builder.switch(number, otherwise)
    for choice in choices:
        block = builder.append_basic_block(f"for_{choice}")
        switch.add_case(ir.Constant(INT, choice), block)
        builder.position_at_end(block)
        emit(choice)
        builder.branch(done)
    builder.position_at_end(otherwise)
    builder.unreachable()
    builder.position_at_end(done)


@intrinsic
def list_fours(typingctx, address, other, base, place):
    """Write base + i as int32 to `place` for every i-th four of 64 bytes that is not zeros here or there.

    address, other   where these are
    Returns how many. Up to 16 entries may be overwritten, whatever their number.
    """

    def codegen(context, builder, signature, args):
        address, other, base, place = args
        lines = (_load(builder, one, kind=WHOLE_LINE) for one in (address, other))
        word = builder.zext(_emit_nonzero(builder, builder.or_(*lines)), INT)
        return emit_series(builder, word, builder.trunc(base, I32), ir.Constant(I32, 1), place, I32, 16)

    return types.intp(*[types.intp] * 4), codegen


@intrinsic
def note_fours(typingctx, X, low, high):
    """A byte for each four rows of a block: 0 where 8 of their columns are all zeros, the first or the last.

    X           for each four LINE bytes, four of each of 16 columns
    low, high   where the 16 bytes for the first 8 columns go, and those for the last
    """

    def codegen(context, builder, signature, args):
        X, *places = args
        octet = ir.IntType(8)
        for four in range(FOURS):
            found = _emit_nonzero(builder, _load(builder, X, four * LINE, WHOLE_LINE))
            for half, place in enumerate(places):
                bits = builder.trunc(builder.lshr(found, ir.Constant(found.type, 8 * half)), octet)
                builder.store(bits, pointer(builder, _add(builder, place, four)), align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), codegen


@intrinsic
def add_listed(typingctx, count, fours, rows, pitch, weights, sums, vectors):
    """sums[lane] += the products of `count` fours of a row of bytes with those that each lane has for them.

    For two rows that read the same weights.

    fours     their numbers, int32
    pitch     bytes from the first row to the second
    weights   for each four of a row `vectors` times 32 bytes
    sums      for each row `vectors` times 8 int32; 1 to MOST_VECTORS
    Notes     where a row has few vectors of sums, every other four goes to others, so that it need not wait
              for the one before
    """

    def codegen(context, builder, signature, args):
        count, fours, rows, pitch, weights, sums, vectors = args
        both = rows, builder.add(rows, pitch)

        def emit(height):
            def add_one(values):
                place, *totals = values
                four = _number_at(builder, place)
                offset = builder.mul(four, ir.Constant(INT, 4))
                W = builder.add(weights, builder.mul(four, ir.Constant(INT, height * VECTOR)))
                W = [_load(builder, W, v * VECTOR) for v in range(height)]
                X = [_load_splat(builder, builder.add(row, offset)) for row in both]
                factors = zip(totals, product(X, W), strict=False)
                added = [_emit_products(builder, total, *factor) for total, factor in factors]
                return [_add(builder, place, 4), *totals[2 * height :], *added]

            before = [_load(builder, sums, v * VECTOR) for v in range(2 * height)]
            more = [ZEROS] * (2 * height if 2 * height < IN_FLIGHT else 0)
            totals = emit_pairwise_loop(builder, count, [fours, *before, *more], add_one)[1:]
            for v in range(2 * height):
                total = builder.add(totals[v], totals[2 * height + v]) if more else totals[v]
                _store(builder, total, sums, v * VECTOR)

        _emit_for_each(builder, vectors, range(1, MOST_VECTORS + 1), emit)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 7), codegen


@intrinsic
def multiply_listed(typingctx, count, fours, X, X_step, deltas, deltas_step, sums, columns):
    """sums[c, lane] = products of lane's column of bytes with column c of int8, over `count` fours of rows.

    fours    their numbers, int32, FOURS a block
    X        for each four LINE bytes, of which 32 are these lanes'; from block to block X_step bytes
    deltas   for each c, LINE bytes apart, a byte for each row of a block; from block to block deltas_step
    sums     `columns` rows of 8 int32, LINE bytes apart; a multiple of 4, at most MOST_COLUMNS
    """

    def codegen(context, builder, signature, args):
        count, fours, X, X_step, deltas, deltas_step, sums, columns = args

        def emit(height):
            def add_one(values):
                place, *totals = values
                four = _number_at(builder, place)
                block = builder.lshr(four, ir.Constant(INT, FOURS.bit_length() - 1))
                inside = builder.and_(four, ir.Constant(INT, FOURS - 1))
                x = builder.add(builder.mul(block, X_step), builder.mul(inside, ir.Constant(INT, LINE)))
                delta = builder.add(builder.mul(block, deltas_step), builder.mul(inside, ir.Constant(INT, 4)))
                found, delta = _load(builder, builder.add(X, x)), builder.add(deltas, delta)
                added = [
                    _emit_products(
                        builder, total, found, _load_splat(builder, _add(builder, delta, c * LINE))
                    )
                    for c, total in enumerate(totals)
                ]
                return [_add(builder, place, 4), *added]

            totals = emit_pairwise_loop(builder, count, [fours, *[ZEROS] * height], add_one)[1:]
            for c, total in enumerate(totals):
                _store(builder, total, sums, c * LINE)

        _emit_for_each(builder, columns, range(4, MOST_COLUMNS + 1, 4), emit)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 8), codegen
