"""Training throughput of the backends: one epoch, in samples a second."""

import numpy as np
import pytest

from benchmarks.workloads import TRAINING
from fastnn.run_settings import RunSettings

LEARNING_RATE = 0.01


@pytest.mark.parametrize("net", TRAINING, ids=lambda net: net.name)
def test_epoch(benchmark, backend, net):
    benchmark.group = f"epoch {net.name}, {net.n_rows} rows"
    X, y = net.data()
    network = net.network()
    settings = RunSettings(batch_size=net.batch_size or net.n_rows)
    run = backend.open_run(network, X, y, settings)
    rates = settings.constant_rates(net.n_rows, LEARNING_RATE)
    order = np.random.default_rng(2).permutation(net.n_rows)
    losses, _ = run.epoch(order, rates)  # compiles, and fills the caches
    assert np.isfinite(losses).all()
    benchmark.pedantic(run.epoch, args=(order, rates), rounds=5)
    run.close()
    if benchmark.stats is not None:
        median = benchmark.stats.stats.median
        benchmark.extra_info["samples/s"] = net.n_rows / median
        benchmark.extra_info["GFLOP/s"] = net.n_rows * net.flops_per_row / median / 1e9
