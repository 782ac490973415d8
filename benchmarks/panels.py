"""The three products of a dense layer on matrices that are in panels already, as in an epoch.

A product is repeated inside compiled code, for a call from Python takes as long as a small product.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, typeof

from fastnn.kernels.activations import CODES
from fastnn.kernels.link import address_of, call
from fastnn.kernels.matmul import backward_tiles, block_count, forward_tiles, weight_update_tiles
from fastnn.kernels.panels import Panels, panel_columns
from fastnn.kernels.strided import Gradients, Strided, Weights
from fastnn.kernels.tile_kinds import DESCEND, STORE
from fastnn.kernels.tiles import tile_bank

PRODUCTS = ("forward", "update", "backward")
SHORTEST = 1e-3  # seconds that the repeats of a product last at least
FLOAT = np.dtype(np.float32)

_KERNELS = {"forward": forward_tiles, "update": weight_update_tiles, "backward": backward_tiles}


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
    # The copy Wᵀ is written in whole squares.
    spare_rows = -fan_out % panel_columns(FLOAT)
    x, w, dz, wt = Panels.of(X), Panels.of(W), Panels.of(dZ), Panels.of(W.T, spare_rows)
    bias = Panels.of(b[None, :])
    bank, like, sizes = tile_bank(FLOAT), np.float32(rate), (fan_in, fan_out)
    arguments: tuple[Any, ...]
    if name == "forward":
        result, operands = Panels(m, fan_out, FLOAT), (x, w, bias)
        arguments = (bank, 0, m, x.place, w.place, bias.address, result.place, *sizes, STORE, like)
    elif name == "update":
        result, operands, blocks = w, (x, dz, bias, wt), block_count(*sizes, like)
        weights, gradients = Weights(w.place, bias.address, wt.place), Gradients(Strided(0, 0), 0)
        arguments = (bank, 0, blocks, m, x.place, dz.place, weights, gradients, *sizes, DESCEND, like)
    else:
        result, zeros = Panels(m, fan_in, FLOAT), Panels(1, panel_columns(FLOAT), FLOAT)
        operands, places = (dz, wt, zeros, x), (dz.place, wt.place, zeros.address, x.place, result.place)
        arguments = (bank, 0, m, *places, *sizes, CODES["relu"], like)
    address = address_of(_KERNELS[name], *map(typeof, arguments))
    return Product(address, arguments, result, operands)
