"""The specification's dropout: masks that follow from a seed and counters, so that nobody has to keep them.

Whether unit j of row i is dropped is a hash of (seed, update, layer, i, j). Forward and backward pass, any
thread, and either backend compute the same answer. Source of the idea: Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3", 2011; of the two hashes: Steele, Lea, Flood, "SplitMix", 2014, and Wellons,
"Prospecting for hash functions", 2018 (lowbias32).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends import Array

GOLDEN_64 = 0x9E3779B97F4A7C15
GOLDEN_32 = 0x9E3779B1


def row_keys(seed: int, step: int, layer: int, n_rows: int) -> Array:
    """One 32-bit number (n_rows,) for each row of a batch; `step` counts updates from 1, layers from 0."""
    counter = np.arange(n_rows, dtype=np.uint64) + np.uint64((((step << 10) + layer) << 24) % 2**64)
    with np.errstate(over="ignore"):
        x = np.uint64(seed % 2**64) + (counter + np.uint64(1)) * np.uint64(GOLDEN_64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(32)).astype(np.uint32)


def unit_hash(keys: Array, n_units: int) -> Array:
    """Uniform 32-bit numbers (len(keys), n_units), from each row's key and the number of the unit."""
    with np.errstate(over="ignore"):
        x = keys[:, None] ^ (np.arange(n_units, dtype=np.uint32) * np.uint32(GOLDEN_32))
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
        return x ^ (x >> np.uint32(16))


def threshold(rate: float) -> int:
    """A unit is dropped when its hash is below this: a share `rate` of all 32-bit numbers."""
    return min(round(rate * 2**32), 2**32 - 1)


def mask(
    seed: int, step: int, layer: int, shape: tuple[int, int], rate: float, dtype: np.dtype[Any]
) -> Array:
    """What the input of `layer` is multiplied by: 0 for a share `rate` of the units, 1/(1 − rate) elsewhere.

    `rate` to 32 bits.

    Source: Srivastava et al., "Dropout", 2014, with the scaling moved from prediction to training.
    """
    hashes = unit_hash(row_keys(seed, step, layer, shape[0]), shape[1])
    return np.where(hashes < threshold(rate), 0, 2**32 / (2**32 - threshold(rate))).astype(dtype)
