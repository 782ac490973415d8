"""Every activation's kernel: its errors over the whole range, and what it leaves alone."""

import hashlib

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.kernels.activate import KERNELS
from fastnn.kernels.activations import LOGISTIC, RELU, STORED, TANH, log, times_derivative
from fastnn.kernels.jit import jit
from fastnn.kernels.memory import load, store
from fastnn.kernels.panels import Panels, panel_columns
from fastnn.kernels.simd import lanes_of, size_of
from fastnn.kernels.target import HAS_FMA, IS_X86
from tests.checks import assert_close
from tests.kernels.process import run_python

# (error of A, error of g'(Z)), a little above the largest found: here, and in float32 among all floats of
# size 2^-40 to 128. In the last place of the result ("ulp"), of 1 ("eps"), for slopes that are differences,
# or of Z, for gelu: what its exponent was rounded by counts many times where Z s(Z) is next to nothing.
BOUNDS = {
    "relu": ((0.0, "ulp"), (0.0, "ulp")),
    "leaky_relu": ((0.5, "ulp"), (0.0, "ulp")),
    "elu": ((1.2, "ulp"), (1.1, "ulp")),
    "gelu": ((1.4, "Z"), (1.3, "eps")),
    "silu": ((1.2, "ulp"), (1.2, "eps")),
    "softplus": ((1.9, "ulp"), (1.1, "ulp")),
    "tanh": ((2.5, "ulp"), (1.6, "eps")),
    "logistic": ((1.1, "ulp"), (0.3, "eps")),
    "exp": ((1.1, "ulp"), (1.1, "ulp")),
}
WITHOUT_FMA = 2.5  # times as much
LIMIT = {"float32": 110.0, "float64": 760.0}


def run(name, z, slopes=True):
    """(A, g'(Z) or None) of a vector, from the kernel."""
    width = panel_columns(z.dtype)
    padded = np.zeros(-(-z.size // width) * width, z.dtype)
    padded[: z.size] = z
    A, S = Panels.of(padded.reshape(-1, width)), Panels.of(padded.reshape(-1, width))
    address = S.address if slopes else 0
    KERNELS[name](0, A.shape[0], A.address, A.stride, width, address, z.dtype.type(0))
    return A.unpacked().ravel()[: z.size], S.unpacked().ravel()[: z.size] if slopes else None


def exact(name, z, dtype):
    """(g(Z), g'(Z)) of values of `dtype`, in the wider type that z is given in, without cancellation."""
    e = np.exp(-np.abs(z))
    s, rest = np.where(z < 0, e, 1) / (1 + e), np.where(z < 0, 1, e) / (1 + e)
    if name == "relu":
        return np.maximum(z, 0), np.where(z > 0, z.dtype.type(1), 0)
    if name == "leaky_relu":
        slope = np.where(z > 0, 1, z.dtype.type(dtype.type(0.01)))
        return slope * z, slope
    if name == "elu":
        return np.where(z > 0, z, np.expm1(np.minimum(z, 0))), np.exp(np.minimum(z, 0))
    if name == "gelu":
        x, scale = np.clip(z, -30, 30), np.sqrt(2 / np.arctan(z.dtype.type(1)))  # sqrt(8/pi)
        cubic = z.dtype.type("0.044715")
        s, rest = (exact("logistic", sign * scale * (x + cubic * x**3), dtype)[0] for sign in (1, -1))
        return z * s, s + x * s * rest * scale * (1 + 3 * cubic * x**2)
    if name == "silu":
        return z * s, s * (1 + z * rest)
    if name == "softplus":
        return np.maximum(z, 0) + np.log1p(e), s
    if name == "tanh":
        return np.tanh(z), (2 * e / (1 + e**2)) ** 2
    return (s, s * rest) if name == "logistic" else (np.exp(z), np.exp(z))


def points(dtype):
    generator, limit, count = np.random.default_rng(1), LIMIT[str(dtype)], 1 << 15
    magnitudes = np.exp(generator.uniform(-60, np.log(limit), count)) * generator.choice([-1, 1], count)
    everywhere = generator.uniform(-limit, limit, count)
    return np.concatenate([everywhere, magnitudes, np.linspace(-2, 2, count)]).astype(dtype)


def largest_error(actual, wanted, z, unit):
    rounded = wanted.astype(z.dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(actual[~finite], rounded[~finite])
    size = {"ulp": np.abs(rounded), "eps": np.ones_like(z), "Z": np.abs(z)}[unit]
    return (np.abs(actual.astype(wanted.dtype) - wanted) / np.spacing(size))[finite].max()


@pytest.mark.parametrize("name", KERNELS)
def test_error(name, dtype):
    wide = np.longdouble if dtype == np.float64 else np.float64
    if np.finfo(wide).nmant < 52 + 11 * (dtype == np.float64):
        pytest.skip("no wider float on this machine to compare float64 with")
    z = points(dtype)
    with np.errstate(over="ignore", under="ignore"):
        for actual, wanted, (bound, unit) in zip(
            run(name, z), exact(name, z.astype(wide), dtype), BOUNDS[name], strict=True
        ):
            assert largest_error(actual, wanted, z, unit) <= (bound if HAS_FMA else WITHOUT_FMA * bound)


@pytest.mark.parametrize("name", [name for name in KERNELS if name != "exp"])
def test_special_values(name, dtype):
    limits = np.finfo(dtype)
    finite = [0.0, -0.0, limits.smallest_subnormal, limits.tiny, 1e5, 30, limits.max / 2, limits.max]
    z = np.array([*finite, *np.negative(finite), np.nan, 1], dtype)
    A, slopes = run(name, z)
    with np.errstate(all="ignore"):
        for actual, expected in zip((A, slopes), exact(name, z.astype(np.longdouble), dtype), strict=True):
            assert_close(actual, expected.astype(dtype))
    assert np.isfinite(A[:-2]).all()
    assert np.isfinite(slopes[:-2]).all()
    assert np.isnan(A[-2])


def test_exp_beyond_the_range(dtype):
    z = np.array([np.inf, -np.inf, np.nan, np.finfo(dtype).max, np.finfo(dtype).min, -0.0], dtype)
    np.testing.assert_array_equal(run("exp", z)[0], np.array([np.inf, 0, np.nan, np.inf, 0, 1], dtype))


@jit
def logarithms(address, count, like):
    for i in range(0, count, lanes_of(like)):
        here = address + i * size_of(like)
        store(here, log(load(here, like)))


def run_log(x):
    width = panel_columns(x.dtype)
    padded = np.ones(-(-x.size // width) * width, x.dtype)
    padded[: x.size] = x
    logarithms(padded.ctypes.data, padded.size, x.dtype.type(0))
    return padded[: x.size]


def from_one_up(dtype, count=200_000):
    """Numbers of every size from 1 up, many of them next to 1 and next to powers of two."""
    generator, limits = np.random.default_rng(0), np.finfo(dtype)
    near = 1 + 2.0 ** generator.uniform(-limits.nmant, 0, count)
    powers = 2.0 ** generator.integers(1, 100, count) * (1 + generator.uniform(-1, 1, count) * limits.eps)
    everywhere = 2.0 ** generator.uniform(0, limits.maxexp - 1, count)
    return np.concatenate([[1.0], near, powers, everywhere]).astype(dtype)


def test_error_of_the_logarithm(dtype):
    wide = np.longdouble if dtype == np.float64 else np.float64
    if np.finfo(wide).nmant < 52 + 11 * (dtype == np.float64):
        pytest.skip("no wider float on this machine to compare float64 with")
    x = from_one_up(dtype)
    assert largest_error(run_log(x), np.log(x.astype(wide)), x, "ulp") <= (
        1.3 if HAS_FMA else 1.3 * WITHOUT_FMA
    )


def test_logarithm_of_1_and_of_what_has_none(dtype):
    x = np.array([1, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(run_log(x), np.array([0, np.inf, np.nan], dtype))


@pytest.mark.parametrize("name", KERNELS)
def test_only_the_rows_and_columns_asked_for(name, dtype, generator):
    """Rows first..last of the panels that hold `columns`; with slopes A has the same bits as without."""
    width = panel_columns(dtype)
    Z = generator.normal(size=(7, 3 * width)).astype(dtype)
    A, both, S = Panels.of(Z), Panels.of(Z), Panels.of(Z)
    for panels, slopes in ((A, 0), (both, S.address)):
        KERNELS[name](2, 6, panels.address, panels.stride, width + 1, slopes, dtype.type(0))
    np.testing.assert_array_equal(A.unpacked(), both.unpacked())
    expected_A, expected_S = (part.reshape(7, -1) for part in run(name, Z.ravel()))
    for panels, expected in ((A, expected_A), (S, expected_S)):
        changed = panels.unpacked()
        np.testing.assert_array_equal(changed[2:6, : width + 1], expected[2:6, : width + 1])
        np.testing.assert_array_equal(changed[[0, 1, 6]], Z[[0, 1, 6]])
        np.testing.assert_array_equal(changed[:, 2 * width :], Z[:, 2 * width :])


@jit
def multiply(code, rows, D, A, like):
    times_derivative(code, rows, 2, D, A, like)


@pytest.mark.parametrize(("name", "code"), [("relu", RELU), ("tanh", TANH), ("logistic", LOGISTIC)])
def test_slopes_from_a_are_the_stored_ones(name, code, dtype, generator):
    z, D = generator.normal(size=(2, 4, panel_columns(dtype))).astype(dtype)
    results = []
    for which, source in zip((code, STORED), run(name, z.ravel()), strict=True):
        d, a = Panels.of(D), Panels.of(source.reshape(z.shape))
        multiply(which, 4, d.address, a.address, dtype.type(0))
        results.append(d.unpacked())
    np.testing.assert_array_equal(*results)
    assert np.any(results[0] != D)


def digest():
    """One hash of the bits of all kernels, to compare with another process's."""
    text = hashlib.sha256()
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        for name in KERNELS:
            for part in run(name, points(dtype)):
                text.update(part.tobytes())
        text.update(run_log(from_one_up(dtype)).tobytes())
    return text.hexdigest()


IMPORTS = "from fastnn.kernels.target import VECTOR_BYTES; from tests.kernels.test_activations import *\n"
CHILD = IMPORTS + "print(VECTOR_BYTES, HAS_FMA, digest())"


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not IS_X86, reason="x86 targets")
def test_same_bits_with_avx2(pytestconfig):
    if not HAS_FMA:
        pytest.skip("this machine has no FMA, so it rounds differently")
    output = run_python(CHILD, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="")
    assert output.split() == ["32", "True", digest()]


ERRORS = f"""{IMPORTS}
for dtype in (np.dtype("float32"), np.dtype("float64")):
    for name in KERNELS:
        test_error(name, dtype)
    test_error_of_the_logarithm(dtype)
print(VECTOR_BYTES, HAS_FMA)
"""


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not IS_X86, reason="x86 targets")
def test_a_cpu_without_fma(pytestconfig):
    """Vectors of 16 bytes, two roundings a step: other bits, and larger errors."""
    output = run_python(ERRORS, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="nehalem", NUMBA_CPU_FEATURES="")
    assert output.split() == ["16", "False"]
