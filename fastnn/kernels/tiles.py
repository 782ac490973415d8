"""Micro-kernels: LLVM IR for one register tile of C, generated for every tile height.

A tile is MR rows x NV vectors of C, held in MR * NV registers over the whole reduction. Two families:

  rows      C[i, lanes] = start[lanes]    + sum_k A[i, k] * B[k, lanes]     Z = XW + b,  dX = dZ W'
  columns   C[k, lanes] = start[k, lanes] + sum_s A[s, k] * B[s, lanes]     dW = X' dZ

All operands are panel-major (panels.py), so the distance between tile rows is the constant ROW_BYTES
whatever the layer size: one compiled tile serves every shape. Each output element is ONE chain of fused
multiply-adds in ascending order of the reduction index; its bits depend neither on MR, NV, the vector
width nor on who computes it.

`listed` tiles run the same chain over a list of active reduction indices (the others must contribute
exact zeros), to skip the zeros of sparse inputs.

The tiles of one element type form a *bank*: one jitted function whose intrinsic puts every tile into
its module and writes the addresses into a table. Callers jump through the table (`call_tile`), because
Numba links a callee's code into every caller and would compile all tiles again and again.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.jit import jit
from fastnn.kernels.simd import (
    I1,
    I32,
    INT,
    VECTOR_BYTES,
    VECTOR_REGISTERS,
    emit_below,
    emit_fma,
    emit_splat,
    pointer,
)

ROW_BYTES = 2 * VECTOR_BYTES  # one row of a panel: two vectors

# Tallest tile: MR * NV accumulators, NV vectors of B and at least one broadcast must fit in registers.
# 14 x 2 = 28 + 2 + 2 of 32 runs at peak, 15 x 2 spills; with 16 registers 6 x 2 = 12 + 2 + 2.
TALLEST_WIDE = 14 if VECTOR_REGISTERS == 32 else 6  # NV = 2
TALLEST_NARROW = 16 if VECTOR_REGISTERS == 32 else 12  # NV = 1
SLOTS = 17  # table entries per (family, NV)

ROWS, COLUMNS, LISTED_ROWS, LISTED_COLUMNS = 0, 1, 2, 3

# `mode` of the rows family: what happens to an accumulator before it is stored
STORE, RELU = 0, 1
# `mode` of the columns family: bit 0 = start from the tile at `start` instead of zero, bit 1 = SGD step into C
CONTINUE, DESCEND = 1, 2


def emit_tile(context, module, element, family, MR, NV):
    """One tile function in `module`; returns it.

    void tile(count, a, a_panel, b, c, start, list, mode, rate): addresses and byte strides are
    int64, a_panel the distance between A's panels (rows family only), rate the learning rate.
    """
    scalar = context.get_value_type(element)
    size = element.bitwidth // 8
    vector = ir.VectorType(scalar, VECTOR_BYTES // size)
    rows_family, listed = family in (ROWS, LISTED_ROWS), family in (LISTED_ROWS, LISTED_COLUMNS)
    function = ir.Function(module, tile_type(scalar), f"tile_{element}_{family}_{MR}x{NV}")
    function.linkage = "internal"
    function.attributes.add("nounwind")
    count, a, a_panel, b, c, start, indices, mode, rate = function.args
    entry = function.append_basic_block("entry")
    bd = ir.IRBuilder(entry)
    number = lambda n: ir.Constant(INT, n)
    at = lambda base, offset: pointer(bd, bd.add(base, number(offset)) if offset else base)
    get = lambda base, offset: bd.load(at(base, offset), typ=vector, align=VECTOR_BYTES)
    put = lambda value, base, offset: bd.store(value, at(base, offset), align=VECTOR_BYTES)
    cells = [(i, v, i * ROW_BYTES + v * VECTOR_BYTES) for i in range(MR) for v in range(NV)]
    a_step = ROW_BYTES if rows_family else size  # from tile row i to i + 1 inside A

    def multiply(accumulators, a_now, b_now):
        """One rank-1 update: MR broadcasts against NV vectors."""
        lanes = [get(b_now, v * VECTOR_BYTES) for v in range(NV)]
        result = []
        for i in range(MR):
            value = emit_splat(bd, vector, bd.load(at(a_now, i * a_step), typ=scalar, align=size))
            result += [emit_fma(bd, value, lanes[v], accumulators[i * NV + v]) for v in range(NV)]
        return result

    def loop(times, values, body):
        """do-while with SSA values: body(values) -> values, `times` >= 1 times; returns the last ones."""
        before, block = bd.block, bd.append_basic_block("loop")
        bd.branch(block)
        bd.position_at_end(block)
        phis = [bd.phi(value.type) for value in [times] + values]
        for phi, value in zip(phis, [times] + values):
            phi.add_incoming(value, before)
        new = [bd.sub(phis[0], number(1))] + body(phis[1:])
        for phi, value in zip(phis, new):
            phi.add_incoming(value, bd.block)
        done = bd.append_basic_block("done")
        bd.cbranch(bd.icmp_signed(">", new[0], number(0)), block, done)
        bd.position_at_end(done)
        return new[1:]

    # ---- start values ----
    if rows_family:  # one row (a bias, or zeros), the same for every i
        first = [get(start, v * VECTOR_BYTES) for v in range(NV)]
        accumulators = [first[v] for i, v, _ in cells]
    else:  # zero, or the tile at `start`
        zero = ir.Constant(vector, None)
        resume, begin = bd.append_basic_block("resume"), bd.append_basic_block("begin")
        bd.cbranch(bd.trunc(mode, I1), resume, begin)
        bd.position_at_end(resume)
        old = [get(start, offset) for _, _, offset in cells]
        bd.branch(begin)
        bd.position_at_end(begin)
        accumulators = []
        for value in old:
            phi = bd.phi(vector)
            phi.add_incoming(zero, entry)
            phi.add_incoming(value, resume)
            accumulators.append(phi)

    # ---- the reduction ----
    panel = ROW_BYTES // size
    if listed:
        work, finish = bd.append_basic_block("work"), bd.append_basic_block("finish")
        ahead = bd.block
        bd.cbranch(bd.icmp_signed(">", count, number(0)), work, finish)  # a list may be empty
        bd.position_at_end(work)

        def body(values):
            k = bd.zext(bd.load(pointer(bd, values[0]), typ=I32, align=4), INT)
            row = bd.mul(k, number(ROW_BYTES))
            if rows_family:
                inside = bd.mul(bd.and_(k, number(panel - 1)), number(size))
                offset = bd.add(bd.mul(bd.lshr(k, number(panel.bit_length() - 1)), a_panel), inside)
            else:
                offset = row
            return [bd.add(values[0], number(4))] + multiply(values[1:], bd.add(a, offset), bd.add(b, row))

        reduced = loop(count, [indices] + accumulators, body)[1:]
        end = bd.block
        bd.branch(finish)
        bd.position_at_end(finish)
        merged = []
        for old, new in zip(accumulators, reduced):
            phi = bd.phi(vector)
            phi.add_incoming(old, ahead)
            phi.add_incoming(new, end)
            merged.append(phi)
        accumulators = merged
    else:

        def step(values):
            a_now, b_now = values[:2]
            return [
                bd.add(a_now, number(size if rows_family else ROW_BYTES)),
                bd.add(b_now, number(ROW_BYTES)),
            ] + multiply(values[2:], a_now, b_now)

        if rows_family:  # k runs along a panel row, then jumps to the next panel

            def one_panel(values):
                left, a_now, b_now = values[:3]
                width = bd.select(bd.icmp_signed("<", left, number(panel)), left, number(panel))
                moved = loop(width, [a_now, b_now] + values[3:], step)
                return [bd.sub(left, number(panel)), bd.add(a_now, a_panel)] + moved[1:]

            panels = bd.lshr(bd.add(count, number(panel - 1)), number(panel.bit_length() - 1))
            accumulators = loop(panels, [count, a, b] + accumulators, one_panel)[3:]
        else:
            accumulators = loop(count, [a, b] + accumulators, step)[2:]

    # ---- the epilogue, chosen at run time; the loop above stays untouched ----
    if rows_family:  # max with 0 or with minus infinity: one path, and NaN stays NaN
        relu = bd.icmp_signed("==", mode, number(RELU))
        floor = bd.select(relu, ir.Constant(scalar, 0.0), ir.Constant(scalar, float("-inf")))
        floor = emit_splat(bd, vector, floor)
        for (_, _, offset), value in zip(cells, accumulators):
            put(emit_below(bd, value, floor, floor, value), c, offset)
    else:
        descend, plain = bd.append_basic_block("descend"), bd.append_basic_block("plain")
        bd.cbranch(bd.trunc(bd.lshr(mode, number(1)), I1), descend, plain)
        bd.position_at_end(plain)
        for (_, _, offset), value in zip(cells, accumulators):
            put(value, c, offset)
        bd.ret_void()
        bd.position_at_end(descend)
        minus_rate = emit_splat(bd, vector, bd.fneg(rate))
        for (_, _, offset), value in zip(cells, accumulators):
            put(emit_fma(bd, minus_rate, value, get(c, offset)), c, offset)
    bd.ret_void()
    return function


def tile_type(scalar):
    return ir.FunctionType(ir.VoidType(), [INT] * 8 + [scalar])


def heights():
    """Every (NV, MR) of a family."""
    return [(2, m) for m in range(1, TALLEST_WIDE + 1)] + [(1, m) for m in range(1, TALLEST_NARROW + 1)]


def slot(family, NV, MR):
    return (family * 2 + NV - 1) * SLOTS + MR


@intrinsic
def _write_table(typingctx, table, family, like):
    """Generate all tiles of a (literal) family and store their addresses."""
    if not isinstance(family, types.IntegerLiteral):
        return None
    kind = family.literal_value

    def codegen(context, builder, signature, args):
        for NV, MR in heights():
            tile = emit_tile(context, builder.module, like, kind, MR, NV)
            place = builder.add(args[0], ir.Constant(INT, 8 * slot(kind, NV, MR)))
            builder.store(builder.ptrtoint(tile, INT), pointer(builder, place))
        return context.get_dummy_value()

    return types.void(types.intp, family, like), codegen


@jit
def _fill_rows(table, like):
    _write_table(table, ROWS, like)


@jit
def _fill_columns(table, like):
    _write_table(table, COLUMNS, like)


@jit
def _fill_listed_rows(table, like):
    _write_table(table, LISTED_ROWS, like)


@jit
def _fill_listed_columns(table, like):
    _write_table(table, LISTED_COLUMNS, like)


_banks = {}


def tile_bank(dtype, listed=False):
    """int64 table of tile addresses for one element type; compiled (or loaded) at first use."""
    key = np.dtype(dtype), listed
    if key not in _banks:
        table = np.zeros(4 * 2 * SLOTS, np.int64)
        fills = [_fill_rows, _fill_columns] + [_fill_listed_rows, _fill_listed_columns] * listed
        for fill in fills:
            fill(table.ctypes.data, key[0].type(0))
        _banks[key] = table
    return _banks[key]


@intrinsic
def call_tile(typingctx, tile, count, a, a_panel, b, c, start, indices, mode, rate):
    """Jump to a tile's address; arguments as in emit_tile."""

    def codegen(context, builder, signature, args):
        address, *rest = args
        function = builder.inttoptr(address, tile_type(rest[-1].type).as_pointer())
        builder.call(function, rest)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 9, rate), codegen
