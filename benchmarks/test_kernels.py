"""Leaf kernels, NumPy beside Numba: the two agree on the data first, then both are timed."""

import numpy as np
import pytest

from fastnn.backends import numpy_backend

SHAPES = [(64, 784, 10), (128, 784, 128), (128, 512, 512), (32, 64, 64)]
BATCH = (128, 512)


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    return lambda *shapes: [generator.standard_normal(shape, np.float32) for shape in shapes]


def compare_and_time(benchmark, backend, leaf, arguments, flops=0):
    actual = getattr(backend, leaf)(*arguments)  # also compiles
    expected = getattr(numpy_backend, leaf)(*arguments)
    for a, b in zip(_flat(actual), _flat(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)
    benchmark(getattr(backend, leaf), *arguments)
    if flops and benchmark.stats is not None:
        benchmark.extra_info["GFLOP/s"] = flops / benchmark.stats.stats.median / 1e9


def _flat(result):
    return [part for part in (result if isinstance(result, tuple) else (result,)) if part is not None]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
@pytest.mark.parametrize("leaf", ["dense_forward", "dense_backward"])
def test_dense(benchmark, backend, arrays, leaf, shape):
    m, fan_in, fan_out = shape
    benchmark.group = f"{leaf} {m}x{fan_in}x{fan_out}"
    X, W, b, dZ = arrays((m, fan_in), (fan_in, fan_out), fan_out, (m, fan_out))
    products = 1 if leaf == "dense_forward" else 2
    arguments = (X, W, b) if leaf == "dense_forward" else (X, W, dZ)
    compare_and_time(benchmark, backend, leaf, arguments, flops=products * 2 * m * fan_in * fan_out)


@pytest.mark.parametrize(
    "leaf", ["relu", "relu_derivative", "tanh", "tanh_derivative", "logistic", "softmax"]
)
def test_elementwise(benchmark, backend, arrays, leaf):
    benchmark.group = f"{leaf} {BATCH[0]}x{BATCH[1]}"
    compare_and_time(benchmark, backend, leaf, arrays(BATCH))


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_softmax_cross_entropy(benchmark, backend, arrays, n_classes):
    benchmark.group = f"softmax_cross_entropy 128x{n_classes}"
    labels = np.random.default_rng(1).integers(0, n_classes, 128)
    compare_and_time(benchmark, backend, "softmax_cross_entropy", (*arrays((128, n_classes)), labels))


def test_sgd_update(benchmark, backend, arrays):
    benchmark.group = "sgd_update 784x128"
    W, dW = arrays((784, 128), (784, 128))
    benchmark(backend.sgd_update, W, dW, 1e-6)
    assert np.isfinite(W).all()
