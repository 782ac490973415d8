"""How kernels are told where something lies: named pairs of addresses and distances, in bytes.

Numba takes a named tuple apart, so passing one costs what passing its fields would.
"""

from typing import NamedTuple


class Strided(NamedTuple):
    """Memory that repeats itself. Of a matrix, unless something else is said, its panels (panels.py)."""

    at: int  # address of the first
    step: int  # from one to the next, unless a kernel says otherwise


class Weights(NamedTuple):
    """What a dense layer learns."""

    W: Strided
    b: int
    WT: Strided  # a transposed copy of W, at 0: none


class Gradients(NamedTuple):
    """Of the same, in their shapes."""

    W: Strided
    b: int
