"""The bank: a table with the addresses of all tiles (tile_ir.py) of one element type, and how to call one.

One jitted function puts every tile of a family into its module and writes their addresses into the table.
Callers jump through the table, because Numba links a callee's code into every caller and would compile all
tiles again and again.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnn.kernels.jit import announce_compilation, jit
from fastnn.kernels.simd import INT, pointer
from fastnn.kernels.tile_ir import emit_tile, tile_type
from fastnn.kernels.tile_kinds import (
    BYTE_COLUMNS,
    BYTE_ROWS,
    COLUMNS,
    DOUBLE_COLUMNS,
    DOUBLE_ROWS,
    FAMILIES,
    IN_PLACE,
    LISTED_COLUMNS,
    LISTED_ROWS,
    ROWS,
    SLOTS,
    heights,
    slot,
)


@intrinsic
def _write_table(typingctx, table, family, like):
    """Generate all tiles of a (literal) family and store their addresses."""
    if not isinstance(family, types.IntegerLiteral):
        return None
    kind = family.literal_value

    def codegen(context, builder, signature, args):
        for NV, MR in heights(kind):
            tile = emit_tile(context, builder.module, like, kind, MR, NV)
            place = builder.add(args[0], ir.Constant(INT, 8 * slot(kind, NV, MR)))
            builder.store(builder.ptrtoint(tile, INT), pointer(builder, place))
        return context.get_dummy_value()

    return types.void(types.intp, family, like), codegen


def _filler(family):
    """A function that writes one family of tiles into a table, so that only those wanted are compiled."""

    @jit
    def fill(table, like):
        _write_table(table, family, like)

    return fill


_fill = {family: _filler(family) for family in range(FAMILIES)}
_banks = {}


def tile_bank(dtype, listed=False, bytes_as=None, in_place=False):
    """int64 table of tile addresses for one element type; compiled (or loaded) at first use.

    listed     whether the tiles of listed.py are wanted
    bytes_as   the type that byte tiles multiply in, if any are wanted: dtype for narrow.py, doubles for
               tiles_of_doubles.py
    in_place   whether those that read X as it lies are wanted
    """
    key = np.dtype(dtype), listed, None if bytes_as is None else np.dtype(bytes_as), in_place
    if key not in _banks:
        announce_compilation()
        table = np.zeros(FAMILIES * 2 * SLOTS, np.int64)
        families = [ROWS, COLUMNS]
        if listed:
            families += [LISTED_ROWS, LISTED_COLUMNS, DOUBLE_ROWS, DOUBLE_COLUMNS]
        if in_place:
            families += IN_PLACE
        for family in families:
            _fill[family](table.ctypes.data, key[0].type(0))
        for family in [BYTE_ROWS, BYTE_COLUMNS] * (bytes_as is not None):
            _fill[family](table.ctypes.data, np.dtype(bytes_as).type(0))
        _banks[key] = table
    return _banks[key]


def _jump(longer):
    def codegen(context, builder, signature, args):
        address, *rest = args
        function = builder.inttoptr(address, tile_type(rest[-1].type, longer).as_pointer())
        builder.call(function, rest)
        return context.get_dummy_value()

    return codegen


@intrinsic
def call_tile(typingctx, tile, count, a, a_panel, b, c, start, indices, mode, rate):
    """Jump to a tile's address; arguments as in emit_tile."""
    return types.void(*[types.intp] * 9, rate), _jump(longer=False)


@intrinsic
def call_double_tile(typingctx, tile, count, a, a_panel, b, c, start, indices, mode, b_panel, c_panel, rate):
    """The same for a double tile, or one that packs."""
    return types.void(*[types.intp] * 11, rate), _jump(longer=True)
