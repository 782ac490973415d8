"""Loops and branches in LLVM IR whose values stay in registers: what micro-kernels are built from.

Values that change are SSA values: a body gets them and returns the new ones.
"""

from llvmlite import ir

from fastnn.kernels.simd import I1, INT


def emit_loop(builder, times, values, body):
    """do-while: body(values) -> values, `times` >= 1 times; returns the last ones."""
    before, block = builder.block, builder.append_basic_block("loop")
    builder.branch(block)
    builder.position_at_end(block)
    phis = [builder.phi(value.type) for value in [times, *values]]
    for phi, value in zip(phis, [times, *values], strict=True):
        phi.add_incoming(value, before)
    new = [builder.sub(phis[0], ir.Constant(INT, 1)), *body(phis[1:])]
    for phi, value in zip(phis, new, strict=True):
        phi.add_incoming(value, builder.block)
    done = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", new[0], ir.Constant(INT, 0)), block, done)
    builder.position_at_end(done)
    return new[1:]


def emit_when(builder, condition, values, then):
    """then() -> values if `condition`, else `values`."""
    before = builder.block
    block, done = builder.append_basic_block("then"), builder.append_basic_block("either")
    builder.cbranch(condition, block, done)
    builder.position_at_end(block)
    new = then()
    end = builder.block
    builder.branch(done)
    builder.position_at_end(done)
    merged = []
    for value, changed in zip(values, new, strict=True):
        phi = builder.phi(value.type)
        phi.add_incoming(value, before)
        phi.add_incoming(changed, end)
        merged.append(phi)
    return merged


def emit_pairwise_loop(builder, times, values, body):
    """As emit_loop, but two bodies in a turn, and `times` may be 0.

    Counting and moving on take the ports that multiply; half as much of it made tiles 4 % faster.
    """
    pairs = builder.lshr(times, ir.Constant(INT, 1))
    values = emit_when(
        builder,
        builder.icmp_signed(">", pairs, ir.Constant(INT, 0)),
        values,
        lambda: emit_loop(builder, pairs, values, lambda inner: body(body(inner))),
    )
    return emit_when(builder, builder.trunc(times, I1), values, lambda: body(values))
