"""Tables, labels and settings as people pass them, sound, odd or wrong, drawn by Hypothesis."""

import tempfile
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st

import fastnn

DTYPES = ["f4", "f8", ">f4", ">f8", "f2", "g", "?", "u1", "i1", "i2", ">i4", "i8", ">u8", "u2"]
ODD_DTYPES = ["c8", "O", "U8", "S8", "M8[s]", "m8[s]", "V4", "f4,f4"]
SPECIAL = [np.nan, np.inf, -np.inf, 1e38, -1e38, 1e300, 1e15, 5e-324, 256.0, -1.0]


def _memory_mapped(array: Any) -> Any:
    if array.dtype.hasobject or not array.size:
        return array
    with tempfile.TemporaryFile() as file:
        array.tofile(file)
        return np.memmap(file, array.dtype, "r", shape=array.shape)


def _read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def _unaligned(array: Any) -> Any:
    if array.dtype.hasobject or not array.size:
        return array
    return np.frombuffer(b"x" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)


def _masked(array: Any) -> Any:
    return np.ma.masked_array(array, mask=np.arange(array.size).reshape(array.shape) == 1)


def _framed(maker: Any) -> Any:
    def frame(array: Any) -> Any:
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            return array
        return maker(array.astype(array.dtype.newbyteorder("=")))

    return frame


# Each of these holds the same numbers as the array it is given.
SAME_NUMBERS = {
    "plain": lambda array: array,
    "list": lambda array: array.tolist(),
    "tuple": lambda array: tuple(map(tuple, array.tolist())) if array.ndim == 2 else tuple(array.tolist()),
    "Fortran": np.asfortranarray,
    "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "reversed": lambda array: array[::-1].copy()[::-1],
    "read-only": _read_only,
    "memory-mapped": _memory_mapped,
    "unaligned": _unaligned,
    "pandas": _framed(lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a)),
    "polars": _framed(lambda a: pl.DataFrame(a) if a.ndim == 2 else pl.Series(a)),
}
OTHER_LAYOUTS = {
    "masked": _masked,
    "images": lambda array: np.stack([array, array], axis=-1),
    "transposed": lambda array: array.T,
    "flat": lambda array: array.ravel(),
    "objects": lambda array: array.astype(object),
    "ragged": lambda array: [*array.tolist(), [1.0] * 17],
    "iterator": lambda array: iter(array.tolist()),
    "nested": lambda array: [[array]],
    "decimals": lambda array: [[Decimal(3)] * 2] * len(array),
}


def _cast(values: Any, dtype: str) -> Any:
    with np.errstate(all="ignore"):
        numbers = (
            np.nan_to_num(values, nan=7, posinf=9, neginf=-9)
            if dtype.lstrip("<>")[0] not in "fgc"
            else values
        )
        if dtype in ("M8[s]", "m8[s]", "V4", "f4,f4"):
            return np.zeros(values.shape, dtype)
        return (
            np.clip(numbers, -1e9, 1e9).astype(dtype)
            if dtype.lstrip("<>")[0] in "iu"
            else numbers.astype(dtype)
        )


@st.composite
def tables(draw: Any, n_columns: int | None = None) -> Any:
    """X: usually a table of numbers of some type, now and then empty, not finite, or no table at all."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.sampled_from([12, 12, 12, 40, 40, 3, 2, 1, 0]))
    columns = n_columns if n_columns is not None and draw(st.integers(0, 4)) else draw(st.integers(0, 6))
    values = generator.normal(size=(rows, columns)) * draw(st.sampled_from([1, 1, 1, 30, 1e-30, 1e10, 1e30]))
    if values.size and draw(st.integers(0, 3)) == 0:
        values.flat[generator.integers(values.size)] = draw(st.sampled_from(SPECIAL))
    odd = draw(st.integers(0, 9)) == 0
    array = _cast(values, draw(st.sampled_from(ODD_DTYPES if odd else DTYPES)))
    layouts = OTHER_LAYOUTS if draw(st.integers(0, 5)) == 0 else SAME_NUMBERS
    try:
        return layouts[draw(st.sampled_from(sorted(layouts)))](array)
    except (ValueError, TypeError):  # no such layout of these values
        return array


LABELS = {
    "classes": lambda g, n: g.integers(0, 3, n),
    "far apart": lambda g, n: g.choice([-(2**63), 0, 2**63 - 1], n),
    "unsigned": lambda g, n: g.choice(np.array([0, 2**64 - 1], np.uint64), n),
    "bytes of ints": lambda g, n: g.integers(-3, 3, n).astype(">i2"),
    "words": lambda g, n: g.choice(["a", "bé", "猫"], n),
    "variable words": lambda g, n: g.choice(["a", "b"], n).astype(np.dtypes.StringDType()),
    "bytes": lambda g, n: g.choice([b"a", b"b"], n),
    "bools": lambda g, n: g.integers(0, 2, n).astype(bool),
    "one class": lambda g, n: np.ones(n, int),
    "all different": lambda g, n: np.arange(n),
    "one-hot": lambda g, n: np.eye(3, dtype=int)[g.integers(0, 3, n)],
    "several": lambda g, n: g.integers(0, 2, (n, 3)),
    "numbers": lambda g, n: g.normal(size=n),
    "two numbers": lambda g, n: g.normal(size=(n, 2)).astype("f2"),
    "counts": lambda g, n: g.poisson(3, n).astype(float),
    "huge": lambda g, n: g.normal(size=n) * 1e300,
    "large": lambda g, n: g.normal(size=n) * 1e12,
    "not finite": lambda g, n: np.where(g.random(n) < 0.3, np.nan, 1.0),
    "long": lambda g, n: g.normal(size=n).astype("g"),
    "mixed": lambda g, n: [1, "a", None, 2.5][:n] + [0] * max(0, n - 4),
    "giants": lambda g, n: [2**70, 2**71] * (n // 2) + [0] * (n % 2),
    "complex": lambda g, n: g.normal(size=n) * 1j,
    "cube": lambda g, n: np.zeros((n, 2, 2)),
    "none": lambda g, n: None,
    "series": lambda g, n: pd.Series(g.choice(["x", "y"], n), dtype="category"),
    "nullable": lambda g, n: pd.Series([1, None] * (n // 2) + [3] * (n % 2), dtype="Int64"),
    "polars": lambda g, n: pl.Series(g.choice(["x", "y"], n).tolist()),
}


@st.composite
def labels(draw: Any, X: Any) -> Any:
    """y for X: usually of its length."""
    try:
        rows = len(X)
    except TypeError:
        rows = 4
    if draw(st.integers(0, 14)) == 0:
        rows += draw(st.sampled_from([-1, 1, 5]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return LABELS[draw(st.sampled_from(sorted(LABELS)))](generator, max(rows, 0))


NUMBERS = [
    0,
    1,
    2,
    0.5,
    1e-3,
    1e300,
    1e-300,
    -1,
    np.nan,
    np.inf,
    10**400,
    True,
    "many",
    None,
    [1],
    np.ones((2, 2)),
]
OPTIONS: dict[str, list[Any]] = {
    "hidden": [(), 3, (4, 2), np.int8(3), [2, 2, 2], 0, (3, -1), 1.5, "3", 10**12, range(5000), None],
    "activation": ["relu", "tanh", "gelu", "softplus", ["relu"], "swish", 3, None, np.array(["relu"])],
    "loss": [*fastnn.inputs.LOSS_NAMES, "hinge", None, 3, ["huber"], np.ones(3)],
    "huber_delta": NUMBERS,
    "standardize": [True, False, "no", 1, None],
    "epochs": [1, 2, "auto", 0, -1, 1.0, None, "many", 10**400, -(10**5000)],
    "batch_size": [1, 5, 10**18, None, "full", "auto", 0, -3, 2.0, 10**400, np.ones((2, 2))],
    "optimizer": ["sgd", "nesterov", "adam", "adamw", "rmsprop", "lbfgs", "sdg", None, 3, np.ones(3)],
    "learning_rate": ["auto", *NUMBERS, np.float16(0.1), np.complex64(1), np.timedelta64(1, "s")],
    "schedule": ["constant", "step", "cosine", "one_cycle", "plateau", "exponential", "linear", None, 3],
    "l2": NUMBERS,
    "l1": NUMBERS,
    "weight_decay": NUMBERS,
    "dropout": [*NUMBERS, [0.5], [0.1, 0.2], 1 - 1e-16],
    "input_dropout": NUMBERS,
    "max_norm": NUMBERS,
    "label_smoothing": NUMBERS,
    "clip_norm": NUMBERS,
    "clip_value": NUMBERS,
    "sample_weight": [
        np.arange(12),
        np.zeros(12),
        np.full(12, 1e308),
        -np.ones(12),
        "heavy",
        np.ones(5),
        [None] * 12,
    ],
    "class_weight": ["balanced", {0: 2.0}, {0: 0}, {0: -1}, {1: np.nan}, {"a": 10**400}, [1, 2], "equal", 3],
    "validation": [
        0.3,
        0.01,
        1,
        0,
        -0.5,
        np.nan,
        "some",
        (),
        (1,),
        (np.ones((3, 4)), [0, 1, 0]),
        (None, None),
        1e-300,
    ],
    "metrics": ["f1", ["accuracy", "r2"], "speed", 3, [None], [len], np.ones(2)],
    "monitor": ["auto", "loss", "validation_loss", "luck", 3, None, np.ones(2)],
    "early_stopping": [1, 3, 0, -1, 2.5, "soon", 10**400],
    "min_improvement": NUMBERS,
    "dtype": ["float32", "float64", np.float32, "float16", "i4", "{", None, 3, [("a",)]],
    "seed": [0, 7, 10**100, -1, 1.5, "lucky", 10**5000, np.arange(3), np.random.RandomState],
    "callbacks": [[], [None], 3, None, [print], np.ones(2)],
    "checkpoint": [3, b"x", "a\0b", "/nowhere/at/all", "", "x" * 300, "/dev/null", "."],
    "resume": [True, 1, None],
    "initial": [3, "model", np.ones((2, 2))],
}


@st.composite
def settings(draw: Any) -> dict[str, Any]:
    """Options of train(): up to three, sound and wrong."""
    names = draw(st.lists(st.sampled_from(sorted(OPTIONS)), max_size=3, unique=True))
    return {name: OPTIONS[name][draw(st.integers(0, len(OPTIONS[name]) - 1))] for name in names}
