"""Checks options: names from a list, whole numbers, positive numbers, widths, dtypes, seeds."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastnn.errors import InputError


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """`value` if it is one of `allowed`, else InputError with the list."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"{name}={value!r} is unknown; use {', '.join(repr(a) for a in allowed)}")
    return value


def whole_number(name: str, value: Any, *, least: int = 1) -> int:
    """`value` as an int of at least `least`; a float or bool is refused."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name}={value!r} must be a whole number, {least} or more") from None
    if isinstance(value, bool) or number < least:
        raise InputError(f"{name}={value!r} must be a whole number, {least} or more")
    return number


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputError(f"{name}={value!r} must be a number above 0")
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name}={value!r} must be a finite number above 0")
    return float(value)


def not_negative(name: str, value: Any) -> float:
    """`value` as a finite float of at least zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputError(f"{name}={value!r} must be a number, 0 or more")
    if not (math.isfinite(value) and value >= 0):
        raise InputError(f"{name}={value!r} must be a finite number, 0 or more")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """`value` as a float from 0 up to, but without, 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value < 1:
        raise InputError(f"{name}={value!r} must be a number from 0 to below 1")
    return float(value)


def hidden_widths(hidden: Any) -> tuple[int, ...]:
    """Widths of the hidden layers; one int is one layer, () is none."""
    if isinstance(hidden, int | np.integer) and not isinstance(hidden, bool):
        hidden = (hidden,)
    if isinstance(hidden, str) or not isinstance(hidden, Iterable):
        raise InputError(
            f"hidden={hidden!r} must be the widths of the hidden layers, such as (128, 64), or ()"
        )
    return tuple(whole_number("hidden", width) for width in hidden)


def items(name: str, value: Any) -> list[Any]:
    """`value` as a list, or InputError for what is not a sequence."""
    try:
        return list(value)
    except TypeError:
        raise InputError(f"{name}={value!r} must be a list") from None


def float_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, however it is spelled."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise InputError(f"dtype={dtype!r} must be 'float32' or 'float64'")
    return found


def generator(seed: Any) -> np.random.Generator:
    """A random generator from None (fresh), an int, or a Generator (used as it is)."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        return np.random.default_rng()
    return np.random.default_rng(whole_number("seed", seed, least=0))


def first_line(error: Exception) -> str:
    """The first line of an exception's message, for messages of our own that must stay one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
