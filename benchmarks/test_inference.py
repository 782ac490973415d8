"""Prediction through the public API: one row, and many."""

import pytest

from benchmarks.workloads import Net

NET = Net((784, 128, 10), 128, 10_000)


@pytest.mark.parametrize("n_rows", [1, 100, 10_000])
def test_predict_proba(benchmark, backend_name, n_rows):
    benchmark.group = f"predict_proba {NET.name.split()[0]}, {n_rows} rows"
    X, _ = NET.data()
    network = NET.network()
    network.backend = backend_name
    P = network.predict_proba(X[:n_rows])
    assert abs(P.sum() - n_rows) < 1e-3 * n_rows
    benchmark(network.predict_proba, X[:n_rows])
    if benchmark.stats is not None:
        benchmark.extra_info["samples/s"] = n_rows / benchmark.stats.stats.median
