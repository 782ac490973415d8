"""Tiles: one ascending chain of fused multiply-adds for each element."""

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_backend
from fastnn.kernels import target


def chain(A, B, start):
    """start + Σ A[:, k] B[k] in float32, k ascending, rounded once a step where the CPU fuses, else twice."""
    total = start.copy()
    for k in range(A.shape[1]):
        product = A[:, k : k + 1].astype(np.longdouble) * B[k].astype(np.longdouble)  # exact: 48 bits
        if not target.HAS_FMA:
            product = product.astype(np.float32).astype(np.longdouble)
        total = (product + total.astype(np.longdouble)).astype(np.float32)
    return total


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no float wide enough to check with")
@pytest.mark.parametrize(("m", "fan_in", "fan_out"), [(1, 1, 1), (5, 60, 19), (33, 100, 10), (14, 31, 64)])
def test_bits_of_the_three_products(generator, m, fan_in, fan_out):
    X, W, dZ = (
        generator.standard_normal(shape, np.float32)
        for shape in ((m, fan_in), (fan_in, fan_out), (m, fan_out))
    )
    b = generator.standard_normal(fan_out, np.float32)
    np.testing.assert_array_equal(
        numba_backend.dense_forward(X, W, b), chain(X, W, np.broadcast_to(b, (m, fan_out)).copy())
    )
    dW, _, dX = numba_backend.dense_backward(X, W, dZ)
    np.testing.assert_array_equal(dW, chain(X.T, dZ, np.zeros_like(W)))
    np.testing.assert_array_equal(dX, chain(dZ, W.T, np.zeros_like(X)))
