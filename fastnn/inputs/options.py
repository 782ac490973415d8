"""Checks options: names from a list, whole numbers, positive numbers, widths, dtypes, seeds."""

from __future__ import annotations

import itertools
import math
import operator
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.errors import InputError

# What a 64-bit counter holds; of a seed, more than anybody draws one from.
MOST, LARGEST_SEED = 2**63 - 1, 2**512 - 1
# Far more than can be trained; a list of so many widths is a mistake, such as a column of the data.
MOST_LAYERS = 1000
# Weights are held thrice at least while they are trained: the model's, the run's, and the last good ones.
COPIES = 3


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """`value` if it is one of `allowed`, else InputError with the list."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"{name}={brief(value)} is unknown; use {', '.join(repr(a) for a in allowed)}")
    return value


def is_word(value: Any, *words: str) -> bool:
    """Whether `value` is one of `words`; of an array or data frame too this is one answer."""
    return isinstance(value, str) and value in words


def yes_or_no(name: str, value: Any) -> bool:
    """`value` as a bool; numbers and words, such as "no", which Python takes for True, are refused."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name}={brief(value)} must be True or False")
    return bool(value)


def whole_number(name: str, value: Any, *, least: int = 1, most: int = MOST) -> int:
    """`value` as an int from `least` to `most`; a float or bool is refused."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name}={brief(value)} must be a whole number, {least} or more") from None
    if isinstance(value, bool) or number < least:
        raise InputError(f"{name}={brief(value)} must be a whole number, {least} or more")
    if number > most:
        raise InputError(f"{name}={brief(value)} must be a whole number, {most:.3g} at most")
    return number


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above zero."""
    number = _real(value)
    if number is None:
        raise InputError(f"{name}={brief(value)} must be a number above 0")
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"{name}={brief(value)} must be a finite number above 0")
    return number


def not_negative(name: str, value: Any) -> float:
    """`value` as a finite float of at least zero."""
    number = _real(value)
    if number is None:
        raise InputError(f"{name}={brief(value)} must be a number, 0 or more")
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name}={brief(value)} must be a finite number, 0 or more")
    return number


def fraction(name: str, value: Any) -> float:
    """`value` as a float from 0 up to, but without, 1."""
    number = _real(value)
    if number is None or not 0 <= number < 1:
        raise InputError(f"{name}={brief(value)} must be a number from 0 to below 1")
    return number


def _real(value: Any) -> float | None:
    """`value` as a float, infinite where it is too large for one; None for what is no real number."""
    if isinstance(value, bool | np.timedelta64) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def hidden_widths(hidden: Any) -> tuple[int, ...]:
    """Widths of the hidden layers; one int is one layer, () is none."""
    if isinstance(hidden, int | np.integer) and not isinstance(hidden, bool):
        hidden = (hidden,)
    if isinstance(hidden, str) or not isinstance(hidden, Iterable):
        raise InputError(
            f"hidden={brief(hidden)} must be the widths of the hidden layers, such as (128, 64), or ()"
        )
    widths = list(itertools.islice(hidden, MOST_LAYERS + 1))
    if len(widths) > MOST_LAYERS:
        raise InputError(f"hidden={brief(hidden)} has more than {MOST_LAYERS} layers; pass a few widths")
    return tuple(whole_number("hidden", width) for width in widths)


def check_affordable(sizes: Sequence[int], dtype: np.dtype[Any]) -> None:
    """InputError for a network, of layer `sizes` from features to outputs, beyond this machine's memory."""
    count = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
    needed, memory = COPIES * count * dtype.itemsize, _memory()
    if needed > memory:
        raise InputError(
            f"hidden={brief(tuple(sizes[1:-1]))} with {sizes[0]} features and {sizes[-1]} outputs makes "
            f"{count:.3g} parameters, which need {needed / 2**30:.3g} GiB in training, and this machine has "
            f"{memory / 2**30:.3g}: take fewer units"
        )


def _memory() -> int:
    """The machine's memory in bytes; where it does not tell, what no machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**48


def file_path(name: str, value: Any) -> Path:
    """`value` as a path, or InputError for what cannot name a file."""
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise InputError(f"{name}={brief(value)} must be the name of a file")
    if "\0" in os.fspath(value):
        raise InputError(f"{name}={brief(value)} has a null character, which no file's name can have")
    return Path(value)


def items(name: str, value: Any) -> list[Any]:
    """`value` as a list, or InputError for what is not a sequence."""
    try:
        return list(value)
    except TypeError:
        raise InputError(f"{name}={brief(value)} must be a list") from None


def float_dtype(dtype: Any) -> np.dtype[Any]:
    """float32 or float64, however it is spelled."""
    try:
        found = None if dtype is None else np.dtype(dtype)
    except Exception:  # NumPy parses text and lists of fields, and fails in many ways
        found = None
    if found not in (np.float32, np.float64):
        raise InputError(f"dtype={brief(dtype)} must be 'float32' or 'float64'")
    return found


def generator(seed: Any) -> np.random.Generator:
    """A random generator from None (fresh), an int, or a Generator (used as it is)."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is None:
        return np.random.default_rng()
    return np.random.default_rng(whole_number("seed", seed, least=0, most=LARGEST_SEED))


def brief(value: Any, most: int = 60) -> str:
    """`value` as an error shows it: on one line, not long, whatever its own repr does."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an int of 5000 digits, or an object with a mistake in it
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_line(error: Exception) -> str:
    """The first line of an exception's message, for messages of our own that must stay one line."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
