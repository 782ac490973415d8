"""The three products of a dense layer on matrices that are in panels already, as in an epoch.

A product is repeated inside compiled code, for a call from Python takes as long as a small product.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, types

from fastnn.kernels.activations import CODES
from fastnn.kernels.link import address_of, call
from fastnn.kernels.matmul import backward_tiles, block_count, forward_tiles, weight_update_tiles
from fastnn.kernels.panels import Panels, panel_columns
from fastnn.kernels.tile_kinds import DESCEND, STORE
from fastnn.kernels.tiles import tile_bank

PRODUCTS = ("forward", "update", "backward")
SHORTEST = 1e-3  # seconds that the repeats of a product last at least
FLOAT = np.dtype(np.float32)

_INTEGER, _BANK = types.int64, types.int64[::1]
# A kernel and the number of its integer arguments, between the bank of tiles and a scalar.
_KERNELS = {
    "forward": (forward_tiles, 12),
    "update": (weight_update_tiles, 18),
    "backward": (backward_tiles, 14),
}


@njit(nogil=True)
def _repeat(address, times, *arguments):
    for _ in range(times):
        call(address, *arguments)


@dataclass
class Product:
    """One kernel on its operands; `result` is the panel-major matrix it writes, after `run`."""

    address: int
    arguments: tuple[Any, ...]
    result: Panels
    operands: tuple[Panels, ...]  # kept alive: the kernel has only their addresses

    def run(self, times: int = 1) -> None:
        """Compute it so many times."""
        _repeat(self.address, times, *self.arguments)

    def repeats(self) -> int:
        """How many of it last a millisecond or more."""
        self.run(10)
        start = time.perf_counter()
        self.run(10)
        return math.ceil(10 * SHORTEST / (time.perf_counter() - start))


def product(
    name: str, X: np.ndarray, W: np.ndarray, b: np.ndarray, dZ: np.ndarray, rate: float = 0.0
) -> Product:
    """One of PRODUCTS; float32. X (m, fan_in), W (fan_in, fan_out), b (fan_out,), dZ (m, fan_out).

    forward    Z = XW + b
    update     W −= rate XᵀdZ, and b likewise
    backward   dX = dZWᵀ ⊙ (X > 0), X being relu's output
    """
    (m, fan_in), fan_out = X.shape, W.shape[1]
    kernel, n_integers = _KERNELS[name]
    address = address_of(kernel, _BANK, *[_INTEGER] * n_integers, types.float32)
    # The copy Wᵀ is written in whole squares.
    spare_rows = -fan_out % panel_columns(FLOAT)
    x, w, dz, wt = Panels.of(X), Panels.of(W), Panels.of(dZ), Panels.of(W.T, spare_rows)
    bias = Panels.of(b[None, :])
    if name == "forward":
        result = Panels(m, fan_out, FLOAT)
        places = (x.address, x.stride, w.address, w.stride, bias.address, result.address, result.stride)
        integers, operands = (0, m, *places, fan_in, fan_out, STORE), (x, w, bias)
    elif name == "update":
        result, blocks = w, block_count(fan_in, fan_out, np.float32(0))
        places = (x.address, x.stride, dz.address, dz.stride, w.address, w.stride, 0, 0, bias.address, 0)
        integers = (0, blocks, m, *places, wt.address, wt.stride, fan_in, fan_out, DESCEND)
        operands = (x, dz, bias, wt)
    else:
        result, zeros = Panels(m, fan_in, FLOAT), Panels(1, panel_columns(FLOAT), FLOAT)
        places = (dz.address, dz.stride, wt.address, wt.stride, zeros.address, x.address, x.stride)
        integers = (0, m, *places, result.address, result.stride, fan_in, fan_out, CODES["relu"])
        operands = (dz, wt, zeros, x)
    return Product(address, (tile_bank(FLOAT), *integers, np.float32(rate)), result, operands)
