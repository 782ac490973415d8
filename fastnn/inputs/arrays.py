"""Whatever a caller passes, lists, data frames, tensors, as a NumPy array, by protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs.options import first_line


def as_array(values: Any, name: str, what: str) -> Array:
    """`values` as an array of any shape and dtype, not copied where it is one; InputError for what cannot be.

    Text of NumPy's variable width comes back with a fixed one.
    what   it should be, for messages: "a table of numbers"
    """
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        raise InputError(f"{name} is a sparse matrix; pass {name}.toarray()")
    try:
        array = np.asarray(values)
        array = np.asarray(array.tolist()) if array.dtype.kind == "T" else array
        masked = np.ma.isMaskedArray(values) and np.ma.is_masked(values)
    except MemoryError:
        raise
    except Exception as error:  # lists of unlike lengths, and whatever an object's own conversion raises
        raise InputError(f"{name} is not {what}: {first_line(error)}") from None
    if masked:
        raise InputError(f"{name} has masked entries; fill them (filled(value)) or leave these rows out")
    return array
