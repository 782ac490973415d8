"""exp, tanh and logistic on vectors: their errors in units of the last place, over the whole range."""

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.kernels import activations
from fastnn.kernels.jit import jit
from fastnn.kernels.simd import lanes_of, load, size_of, store
from fastnn.kernels.target import VECTOR_BYTES

# DESIGN: float32 within 2 ulp of the exact value; float64 within 4.
ULPS = {"float32": 2.0, "float64": 4.0}
LIMIT = {"float32": 110.0, "float64": 760.0}


@jit
def exp_of(x, y, like):
    for i in range(0, x.size, lanes_of(like)):
        offset = i * size_of(like)
        store(y.ctypes.data + offset, activations.exp(load(x.ctypes.data + offset, like)))


@jit
def tanh_of(x, y, like):
    for i in range(0, x.size, lanes_of(like)):
        offset = i * size_of(like)
        store(y.ctypes.data + offset, activations.tanh(load(x.ctypes.data + offset, like)))


@jit
def logistic_of(x, y, like):
    for i in range(0, x.size, lanes_of(like)):
        offset = i * size_of(like)
        store(y.ctypes.data + offset, activations.logistic(load(x.ctypes.data + offset, like)))


def exact_logistic(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


FUNCTIONS = {"exp": (exp_of, np.exp), "tanh": (tanh_of, np.tanh), "logistic": (logistic_of, exact_logistic)}


def points(dtype):
    generator, limit, count = np.random.default_rng(1), LIMIT[str(dtype)], 1 << 17
    magnitudes = np.exp(generator.uniform(-60, np.log(limit), count)) * generator.choice([-1, 1], count)
    everywhere = generator.uniform(-limit, limit, count)
    return np.concatenate([everywhere, magnitudes, np.linspace(-2, 2, 1 << 16)]).astype(dtype)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulps(name, dtype):
    if np.finfo(np.longdouble).nmant < 63 and dtype == np.float64:
        pytest.skip("no wider float on this machine to compare float64 with")
    x, (function, exact) = points(dtype), FUNCTIONS[name]
    y = np.empty_like(x)
    function(x, y, dtype.type(0))
    with np.errstate(over="ignore", under="ignore"):
        wanted = exact(x.astype(np.longdouble))
        rounded = wanted.astype(dtype)
        finite = np.isfinite(rounded)
        error = np.abs(y[finite].astype(np.longdouble) - wanted[finite]) / np.spacing(np.abs(rounded[finite]))
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    assert error.max() <= ULPS[str(dtype)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, dtype):
    x = np.zeros(VECTOR_BYTES, dtype)
    x[:6] = np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).max, np.finfo(dtype).min
    y, (function, exact) = np.empty_like(x), FUNCTIONS[name]
    function(x, y, dtype.type(0))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(y, exact(x.astype(np.float64)).astype(dtype))
