"""Training throughput of the backends: one epoch, in samples a second."""

import numpy as np
import pytest

from benchmarks.workloads import TRAINING
from fastnn.backends import RunSettings

LEARNING_RATE = 0.01


@pytest.mark.parametrize("net", TRAINING, ids=lambda net: net.name)
def test_epoch(benchmark, backend, net):
    benchmark.group = f"epoch {net.name}, {net.n_rows} rows"
    X, y = net.data()
    network = net.network()
    run = backend.open_run(network, X, y, RunSettings(batch_size=net.batch_size or net.n_rows))
    order = np.random.default_rng(2).permutation(net.n_rows)
    loss, _ = run.epoch(order, LEARNING_RATE)  # compiles, and fills the caches
    assert np.isfinite(loss)
    benchmark.pedantic(run.epoch, args=(order, LEARNING_RATE), rounds=5)
    run.close()
    if benchmark.stats is not None:
        median = benchmark.stats.stats.median
        benchmark.extra_info["samples/s"] = net.n_rows / median
        benchmark.extra_info["GFLOP/s"] = net.n_rows * net.flops_per_row / median / 1e9
