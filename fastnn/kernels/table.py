"""The table of addresses through which whole passes reach the large kernels, by what a run needs.

Kernels that a run does not need are neither compiled nor loaded; their entry is 0.
"""

from functools import lru_cache

import numpy as np
from numba import types

from fastnn.kernels import activate, bits, losses
from fastnn.kernels.byte_layer.exact import forward_exact, gather_exact, weight_update_exact
from fastnn.kernels.byte_layer.narrow import forward_narrow, gather_bytes, weight_update_narrow
from fastnn.kernels.descent import descend_layers
from fastnn.kernels.dropout import drop
from fastnn.kernels.entries import (
    ADD_SHARDS,
    BACKWARD,
    DESCEND_LAYERS,
    DROP,
    ENTRIES,
    FORWARD,
    FORWARD_FIRST,
    FORWARD_PACKING,
    FORWARD_UNPACKED,
    GATHER,
    GATHER_BITS,
    LIMIT,
    LISTED_FORWARD,
    LISTED_UPDATE,
    LOSS,
    NARROW_FORWARD,
    NARROW_UPDATE,
    ODD,
    OUTPUTS,
    PACK,
    PENALISE,
    ROW_BITS,
    SQUARES,
    STEP,
    TOTAL,
    TRANSPOSE,
    UPDATE,
    UPDATE_LAYERS,
)
from fastnn.kernels.gradients import update_layers
from fastnn.kernels.jit import announce_compilation
from fastnn.kernels.link import address_of, scalar_type, tuple_type
from fastnn.kernels.listed import forward_listed, weight_update_listed
from fastnn.kernels.matmul import (
    backward_tiles,
    forward_in_place,
    forward_packing,
    forward_tiles,
    forward_unpacked,
    transpose_block,
    weight_update_tiles,
)
from fastnn.kernels.norms import column_squares, limit_columns, total
from fastnn.kernels.panels import GATHERS, holds_odd, pack_rows, unpack_rows
from fastnn.kernels.rows import CONVERSIONS
from fastnn.kernels.shards import add_shards
from fastnn.kernels.step import types_of
from fastnn.kernels.strided import Gradients, Strided, Weights
from fastnn.kernels.updates import STEPS, penalise

ROW_MAJOR = "row-major"
# Of a first layer that turns bytes into few outputs: gathering its input, forward, dW.
FIRST = {
    "narrow": (gather_bytes, forward_narrow, weight_update_narrow),
    "exact": (gather_exact, forward_exact, weight_update_exact),
}


@lru_cache
def activation_address(name, dtype, slopes=False):
    """Address of the kernel (activate.py) that turns Z into A in place, and writes g'(Z); 0: none is needed.

    slopes   whether g'(Z) is wanted: without, relu needs no kernel, for it happens in the tile's store
    """
    if name == "identity" or (name == "relu" and not slopes):
        return 0
    announce_compilation()
    return address_of(activate.KERNELS[name], *[types.int64] * 6, scalar_type(dtype))


@lru_cache
def kernel_table(dtype, data_dtype, loss, deep, training, sparse=False, first=None, extras=()):
    """Addresses for one element type, type of X, loss, and depth above one layer or not.

    training, sparse   whether kernels for training, and for skipping zeros, are wanted
    first              which kernels the first layer has: None those of all layers; "narrow" or "exact" in
                       training; ROW_MAJOR in a forward pass that reads row-major rows. Its GATHER converts
                       them, if X is of another type; else it has none
    extras             names of `updates.STEPS`, "clip_norm", "squares", "max_norm", "dropout", "shards"
                       that are wanted
    """
    announce_compilation()
    number, scalar, vector = types.int64, scalar_type(dtype), types.int64[::1]
    strided = tuple_type(Strided, number, number)
    weights, gradients = tuple_type(Weights, strided, number, strided), tuple_type(Gradients, strided, number)
    some_rows, lists = (vector, number, number), (number, number, strided, strided, number)
    forward = *some_rows, strided, strided, number, strided, number, number
    backward = *some_rows, strided, strided, number, strided, strided, *[number] * 3
    update = *some_rows, number, strided, strided, weights, gradients, number, number
    unpacked = *some_rows, strided, strided, *[number] * 4
    narrow = *some_rows, strided, *[number] * 4, strided, *[number] * 5
    table = np.zeros(ENTRIES, np.int64)
    gathers = CONVERSIONS if first == ROW_MAJOR else GATHERS
    gather, forward_first, update_first = FIRST.get(first, (gathers[data_dtype], None, None))
    table[FORWARD] = table[FORWARD_FIRST] = address_of(forward_tiles, *forward, number, scalar)
    if first == ROW_MAJOR:
        table[FORWARD_FIRST] = address_of(forward_in_place, *forward, number, scalar)
        table[FORWARD_UNPACKED] = address_of(forward_unpacked, *unpacked, scalar)
        table[FORWARD_PACKING] = address_of(forward_packing, *unpacked, number, scalar)
    if first != ROW_MAJOR or data_dtype != dtype:
        table[GATHER] = address_of(gather, number, vector, *[number] * 6, scalar, number, number)
    table[LOSS] = address_of(
        losses.KERNELS[loss],
        *[number] * 5,
        vector,
        number,
        number,
        number,
        scalar,
        scalar,
        types.float64[::1],
        number,
    )
    if sparse:
        if training:
            table[GATHER_BITS] = address_of(bits.gather_bits, number, number, vector, *[number] * 4)
        else:
            table[ROW_BITS] = address_of(bits.ROW_BITS[data_dtype], *[number] * 7)
        table[LISTED_FORWARD] = address_of(forward_listed, *forward, *lists, scalar)
    if not training:
        table[OUTPUTS] = address_of(unpack_rows, *[number] * 7, scalar)
        table[ODD] = address_of(holds_odd, *[number] * 5, scalar)
        table[PACK] = address_of(pack_rows, *[number] * 6, scalar)
        return table
    if deep:
        table[BACKWARD] = address_of(backward_tiles, *backward, scalar)
    table[UPDATE] = address_of(weight_update_tiles, *update, number, scalar)
    if first:
        table[NARROW_FORWARD] = address_of(forward_first, *narrow, scalar)
        table[NARROW_UPDATE] = address_of(update_first, *update, number, scalar)
    if sparse:
        table[LISTED_UPDATE] = address_of(weight_update_listed, *update, *lists, scalar)
    of = types_of(scalar)
    table[UPDATE_LAYERS] = address_of(update_layers, of.net, of.me, vector, of.chunk, number, scalar)
    _add_extras(table, extras, of, number, scalar)
    return table


def _add_extras(table, extras, of, number, scalar):
    recipe = of.recipe
    for name in STEPS.keys() & set(extras):
        table[STEP] = address_of(STEPS[name], *[number] * 5, recipe, recipe, scalar, number)
        table[TRANSPOSE] = address_of(transpose_block, *[number] * 4, scalar)
        descent = of.net, of.me, of.own, of.chunk, number, recipe, recipe
        table[DESCEND_LAYERS] = address_of(descend_layers, *descent)
    if "clip_norm" in extras:
        table[PENALISE] = address_of(penalise, *[number] * 3, recipe, recipe, number)
    if "clip_norm" in extras or "squares" in extras:
        table[SQUARES] = address_of(column_squares, *[number] * 6, scalar)
        table[TOTAL] = address_of(total, number, number, scalar)
    if "max_norm" in extras:
        table[LIMIT] = address_of(limit_columns, *[number] * 5, scalar)
    if "shards" in extras:
        table[ADD_SHARDS] = address_of(add_shards, *[number] * 4, scalar)
    if "dropout" in extras:
        table[DROP] = address_of(drop, *[number] * 9, scalar)
