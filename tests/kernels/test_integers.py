"""Floats as integers of exact layers: scales that lose nothing, and sums that are the same from anything."""

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.kernels.byte_layer.digits import sum_of_digits
from fastnn.kernels.byte_layer.integers import (
    OF_FEATURES,
    OF_ROWS,
    first_lane,
    from_integers,
    larger_magnitude,
    largest_lane,
    sum_of_doubles,
    to_integers,
)
from fastnn.kernels.jit import jit
from fastnn.kernels.memory import store
from fastnn.kernels.simd import splat
from fastnn.kernels.target import HAS_FMA, VECTOR_BYTES

EPSILON = 2.0**-23 if HAS_FMA else 2.0**-22  # each step is rounded twice without


@jit
def _of_digits(digits, step, of_rows, like, out):
    if of_rows:
        store(out, sum_of_digits(digits, step, OF_ROWS, like))
    else:
        store(out, sum_of_digits(digits, step, OF_FEATURES, like))


@jit
def _of_doubles(doubles, of_rows, like, out):
    if of_rows:
        store(out, sum_of_doubles(doubles, OF_ROWS, like))
    else:
        store(out, sum_of_doubles(doubles, OF_FEATURES, like))


@pytest.mark.parametrize(("of_rows", "most"), [(True, 255 * 128 * 256), (False, 255 * 128 * 1000)])
def test_sums_from_digits_and_from_doubles_are_one(of_rows, most, generator):
    lanes, like = VECTOR_BYTES // 4, np.float32(0)
    for size in (1, 100, 1 << 16, most):
        a, b, c, d = (generator.integers(-size, size + 1, lanes).astype(np.int32) for _ in range(4))
        d[0] = a[0] = b[0] = c[0] = size
        d[1] = a[1] = b[1] = c[1] = -size
        d //= 2  # the last digit is half as large
        whole = sum(v.astype(np.int64) << 8 * i for i, v in enumerate((a, b, c, d)))
        table, found, other = (
            np.concatenate([a, b, c, d]),
            np.empty(lanes, np.float32),
            np.empty(lanes, np.float32),
        )
        _of_digits(table.ctypes.data, 4 * lanes, of_rows, like, found.ctypes.data)
        doubles = whole.astype(np.float64)
        _of_doubles(doubles.ctypes.data, of_rows, like, other.ctypes.data)
        np.testing.assert_array_equal(found, other)
        np.testing.assert_allclose(found, doubles, rtol=EPSILON)


@jit
def _scales(a, b):
    m = larger_magnitude(splat(a), splat(b))
    return largest_lane(m), first_lane(to_integers(m)), first_lane(from_integers(m))


@pytest.mark.parametrize("value", [0.0, 1e-45, 1e-30, 1e-6, 1.0, 1.9999999, 2.0, -3.0, 1e10, 3.4e38])
def test_scales_are_powers_of_two_that_leave_thirty_bits(value):
    value = np.float32(value)
    largest, step, scale = _scales(value, value / np.float32(3))
    assert largest == abs(value)
    assert np.float64(step) * np.float64(scale) == 1
    assert np.frexp(step)[0] == 0.5
    scaled = abs(np.float64(value)) * step
    assert scaled < 2.0**30
    assert scaled >= 2.0**29 or abs(value) < 2.0**-87


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_scale_for_what_is_not_finite(value):
    for pair in ((value, 1.0), (1.0, value)):
        assert np.isnan(_scales(*map(np.float32, pair))[2])
