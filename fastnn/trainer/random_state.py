"""The state of NumPy's random generators as JSON values, and back: checked, for C code does not check it."""

from __future__ import annotations

from typing import Any

import numpy as np

KINDS = {
    kind.__name__: kind
    for kind in (
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.MT19937,
        np.random.Philox,
        np.random.SFC64,
    )
}
# Positions in buffers and flags: a larger number would have NumPy read beyond the buffer.
LARGEST = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "uinteger": 2**32 - 1}


def to_json(generator: np.random.Generator) -> dict[str, Any]:
    """The state of `generator` as it is now; ValueError for a bit generator that is not NumPy's own."""
    state = generator.bit_generator.state
    name = type(generator.bit_generator).__name__
    if KINDS.get(name) is not type(generator.bit_generator):
        raise ValueError(f"{name} is none of NumPy's bit generators ({', '.join(KINDS)})")
    return _packed(state)


def from_json(stored: Any) -> np.random.Generator:
    """A generator in the state `stored`; ValueError, KeyError or TypeError where it is not one."""
    bit_generator = KINDS[stored["bit_generator"]](0)
    bit_generator.state = _like(bit_generator.state, stored, "state")
    return np.random.Generator(bit_generator)


def restore(generator: np.random.Generator, stored: Any) -> None:
    """Bring `generator` into the state `stored`; ValueError, KeyError or TypeError where it does not fit."""
    generator.bit_generator.state = _like(generator.bit_generator.state, stored, "state")


def _packed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _packed(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value if isinstance(value, str) else int(value)


def _like(known: Any, stored: Any, name: str) -> Any:
    """`stored` in the form of `known`, or ValueError."""
    if isinstance(known, dict):
        if not isinstance(stored, dict) or stored.keys() != known.keys():
            raise ValueError(f"the random {name} has not the parts {', '.join(known)}")
        return {part: _like(known[part], stored[part], part) for part in known}
    if isinstance(known, np.ndarray):
        array = np.array([_whole(number, name) for number in stored], known.dtype)
        if array.shape != known.shape:
            raise ValueError(f"the random {name} has shape {array.shape} instead of {known.shape}")
        return array
    if isinstance(known, str):
        if stored != known:
            raise ValueError(f"the random {name} is of {stored!r}, not {known!r}")
        return known
    return _whole(stored, name)


def _whole(number: Any, name: str) -> int:
    if type(number) is not int or not 0 <= number <= LARGEST.get(name, 2**128 - 1):
        raise ValueError(f"the random {name} has a number out of range")
    return number
