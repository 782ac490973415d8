"""Leaf kernels, NumPy beside Numba: the two agree on the data first, then both are timed.

The products are timed twice: as leaves, on ordinary arrays that Numba's kernels convert and back; and as in
an epoch, on matrices that are in panels already, where NumPy has one thread too. GFLOP/s, the share of one
CPU's measured peak, and the seconds of one call (a timing may repeat it) go to extra_info.
"""

import contextlib

import numpy as np
import pytest

from fastnn.backends import numpy_backend
from fastnn.backends.numpy_updates import sgd_update

SHAPES = [(64, 784, 10), (128, 784, 128), (128, 512, 512), (32, 64, 64)]
BATCH = (128, 512)


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    return lambda *shapes: [generator.standard_normal(shape, np.float32) for shape in shapes]


def compare_and_time(benchmark, backend, leaf, arguments):
    actual = getattr(backend, leaf)(*arguments)  # also compiles
    expected = getattr(numpy_backend, leaf)(*arguments)
    for a, b in zip(_flat(actual), _flat(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)
    benchmark(getattr(backend, leaf), *arguments)


def _flat(result):
    return [part for part in (result if isinstance(result, tuple) else (result,)) if part is not None]


@contextlib.contextmanager
def one_blas_thread():
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:  # then NumPy keeps its own choice
        yield
        return
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def note_rate(benchmark, backend_name, peak, flops, repeats=1):
    if benchmark.stats is not None:
        seconds = benchmark.stats.stats.median / repeats
        rate = flops / seconds / 1e9
        benchmark.extra_info |= {"seconds": seconds, "GFLOP/s": rate}
        if backend_name == "numba":  # NumPy may use several threads
            benchmark.extra_info["of peak"] = rate / peak()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
@pytest.mark.parametrize("leaf", ["dense_forward", "dense_backward"])
def test_dense(benchmark, backend, backend_name, arrays, peak, leaf, shape):
    m, fan_in, fan_out = shape
    benchmark.group = f"{leaf} {m}x{fan_in}x{fan_out}"
    X, W, b, dZ = arrays((m, fan_in), (fan_in, fan_out), fan_out, (m, fan_out))
    products = 1 if leaf == "dense_forward" else 2
    compare_and_time(benchmark, backend, leaf, (X, W, b) if leaf == "dense_forward" else (X, W, dZ))
    note_rate(benchmark, backend_name, peak, products * 2 * m * fan_in * fan_out)


def numpy_product(name, X, W, b, dZ, rate):
    """What `benchmarks.panels.product` says, in NumPy: a function without arguments."""

    def update():
        dW, db, _ = numpy_backend.dense_backward(X, W, dZ, input_gradient=False)
        sgd_update(W, dW, rate)
        sgd_update(b, db, rate)
        return W

    return {
        "forward": lambda: numpy_backend.dense_forward(X, W, b),
        "update": update,
        "backward": lambda: (dZ @ W.T) * (X > 0),
    }[name]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
@pytest.mark.parametrize("name", ["forward", "update", "backward"])
def test_product_on_panels(benchmark, backend_name, arrays, peak, name, shape):
    m, fan_in, fan_out = shape
    benchmark.group = f"{name} {m}x{fan_in}x{fan_out}, on panels"
    X, W, b, dZ = arrays((m, fan_in), (fan_in, fan_out), fan_out, (m, fan_out))
    if backend_name == "numpy":
        times = 1
        with one_blas_thread():
            benchmark(numpy_product(name, X, W, b, dZ, rate=0.0))
    else:
        from benchmarks import panels

        checked = panels.product(name, X, W, b, dZ, rate=0.01)
        checked.run()
        expected = numpy_product(name, X, W.copy(), b.copy(), dZ, rate=0.01)()
        np.testing.assert_allclose(checked.result.unpacked(), expected, rtol=2e-4, atol=2e-4)
        timed = panels.product(name, X, W, b, dZ)  # a rate of 0: W stays as it is
        times = timed.repeats()
        benchmark(timed.run, times)
    note_rate(benchmark, backend_name, peak, 2 * m * fan_in * fan_out, times)


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
