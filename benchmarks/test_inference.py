"""Prediction through the public API: one row, and many; uint8 images, and the same pixels as float32."""

import numpy as np
import pytest

from benchmarks.workloads import Net

NET = Net((784, 128, 10), 128, 10_000)


@pytest.fixture(scope="module")
def images():
    return NET.data()[0]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("n_rows", [1, 100, 1_000, 10_000])
def test_predict_proba(benchmark, backend_name, images, n_rows, dtype):
    benchmark.group = f"predict_proba {NET.name.split()[0]}, {n_rows} rows, {dtype}"
    X = images[:n_rows]
    if dtype == "float32":
        X = np.multiply(X, np.float32(1 / 255), dtype=np.float32)
    network = NET.network()
    network.backend = backend_name
    P = network.predict_proba(X)
    assert abs(P.sum() - n_rows) < 1e-3 * n_rows
    benchmark(network.predict_proba, X)
    if benchmark.stats is not None:
        benchmark.extra_info["samples/s"] = n_rows / benchmark.stats.stats.median
