"""The table of addresses through which whole passes reach the large kernels, by what a run needs.

Kernels that a run does not need are neither compiled nor loaded; their entry is 0.
"""

from functools import lru_cache

import numpy as np
from numba import types

from fastnn.kernels import losses
from fastnn.kernels.activations import LOGISTIC, TANH, activate
from fastnn.kernels.bits import gather_bits
from fastnn.kernels.jit import announce_compilation
from fastnn.kernels.link import address_of, scalar_type
from fastnn.kernels.listed import forward_listed, weight_update_listed
from fastnn.kernels.matmul import backward_tiles, forward_tiles, weight_update_tiles
from fastnn.kernels.panels import GATHERS, unpack_rows

(
    GATHER,
    FORWARD,
    ACTIVATE,
    LOSS,
    OUTPUTS,
    BACKWARD,
    UPDATE,
    GATHER_BITS,
    LISTED_FORWARD,
    LISTED_UPDATE,
    ENTRIES,
) = range(11)


@lru_cache
def kernel_table(dtype, data_dtype, activation, loss, deep, training, sparse=False):
    """Addresses for one element type, type of X, activation code, loss, and depth above one layer or not.

    training, sparse   whether kernels for training, and for skipping zeros, are wanted
    """
    announce_compilation()
    number, scalar, vector = types.int64, scalar_type(dtype), types.int64[::1]
    table = np.zeros(ENTRIES, np.int64)
    table[GATHER] = address_of(GATHERS[data_dtype], number, vector, *[number] * 6, scalar, number, number)
    table[FORWARD] = address_of(forward_tiles, vector, *[number] * 12, scalar)
    if deep and activation in (TANH, LOGISTIC):
        table[ACTIVATE] = address_of(activate, *[number] * 6, scalar)
    table[LOSS] = address_of(
        losses.KERNELS[loss], *[number] * 5, vector, number, number, scalar, types.float64[::1], number
    )
    if not training:
        table[OUTPUTS] = address_of(unpack_rows, *[number] * 7, scalar)
        return table
    if deep:
        table[BACKWARD] = address_of(backward_tiles, vector, *[number] * 14, scalar)
    table[UPDATE] = address_of(weight_update_tiles, vector, *[number] * 18, scalar)
    if sparse:
        table[GATHER_BITS] = address_of(gather_bits, number, number, vector, *[number] * 4)
        table[LISTED_FORWARD] = address_of(forward_listed, vector, *[number] * 16, scalar)
        table[LISTED_UPDATE] = address_of(weight_update_listed, vector, *[number] * 20, scalar)
    return table
