"""Values as the Python that gives them again, for the record of a call."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

# Longer lists and texts are described, not written out.
MOST_ITEMS, MOST_LETTERS = 32, 200


def as_python(value: Any) -> str:
    """`value` as Python; what has no short Python as a description in <>, which no Python begins with."""
    code = _code(value)
    return code if code is not None and len(code) <= MOST_LETTERS else f"<{_described(value)[:MOST_LETTERS]}>"


def _code(value: Any) -> str | None:
    """Python that gives `value` again (a tuple for a list), or None where there is no short one."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if value is None or isinstance(value, bool | int | float | str | range):
        return repr(value)
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return repr(np.dtype(value).name)
    if isinstance(value, Mapping) and len(value) <= MOST_ITEMS:
        pairs = [(_code(key), _code(item)) for key, item in value.items()]
        inside = ", ".join(f"{key}: {item}" for key, item in pairs)
        return None if any(None in pair for pair in pairs) else f"{{{inside}}}"
    if isinstance(value, list | tuple) and len(value) <= MOST_ITEMS:
        items = [_code(item) for item in value if not _is_private(item)]
        return None if None in items else f"({', '.join(map(str, items))}{',' * (len(items) == 1)})"
    return _code_of_object(value)


def _code_of_object(value: Any) -> str | None:
    """For the dataclasses in fastnn's public rooms, such as an optimizer with its numbers."""
    from fastnn import optimizers, schedules

    for room in (optimizers, schedules):
        if is_dataclass(value) and getattr(room, type(value).__name__, None) is type(value):
            return None if "<" in repr(value) else f"{room.__name__}.{value!r}"
    return None


def _described(value: Any) -> str:
    """A few words for what has no short code."""
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {value.shape}"
    if isinstance(value, list | tuple) and len(value) <= MOST_ITEMS:
        return ", ".join(_code(item) or _described(item) for item in value if not _is_private(item))
    if isinstance(value, Mapping | list | tuple):
        return f"{type(value).__name__} of {len(value)}"
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    return f"function {name}" if inspect.isroutine(value) else str(name)


def _is_private(value: Any) -> bool:
    """Whether it is a callback of fastnn's own workings, which the caller did not pass."""
    kind = type(value)
    return kind.__module__.startswith("fastnn.") and kind.__name__.startswith("_")
