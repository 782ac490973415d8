"""Several epochs in one call: the bits of so many calls, for every way in which a batch is worked through."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn import backends
from fastnn.backends import QuickRun, numpy_backend
from fastnn.kernels.shards import SHARD_ROWS
from fastnn.run_settings import RunSettings
from tests.checks import copy_of, data_for, network_of
from tests.settings import OPTIMIZERS, REGULARISATIONS

EPOCHS = 6
# sizes, bytes, batch size, rows: whole batches, ragged ones, chunks, shards, first layers of each kind
WAYS = {
    "whole batches": ((6, 16, 3), False, 10, 60),
    "ragged": ((6, 16, 3), False, 16, 61),
    "chunks": ((6, 16, 3), False, 300, 650),
    "one batch": ((6, 16, 3), False, 50, 50),
    "narrow": ((40, 10, 10), True, 16, 71),
    "narrow, chunks": ((40, 10, 4), True, 300, 700),
    "shards": ((6, 16, 3), False, 2 * SHARD_ROWS, 2 * SHARD_ROWS + 9),
    "exact": ((40, 10, 4), True, 2 * SHARD_ROWS, 2 * SHARD_ROWS + 9),
    "by columns": ((40, 64, 33, 4), True, 32, 100),
}


def trained(network, X, y, settings, weights, together):
    """(arrays, losses, correct rows, state) of a copy of `network` after EPOCHS epochs."""
    network, generator, losses, correct = copy_of(network), np.random.default_rng(4), [], []
    orders = [generator.permutation(len(X)) for _ in range(EPOCHS)]
    rates = [settings.constant_rates(len(X), rate) for rate in generator.random(EPOCHS)]
    run = backends.get("numba")[1].open_run(network, X, y, settings, weights)
    for first in range(0, EPOCHS, together):
        if together == 1:
            found, n_correct = run.epoch(orders[first], rates[first])
            losses.append(found)
            correct.append(n_correct)
        else:
            these = slice(first, first + together)
            found, counts = run.epochs(np.concatenate(orders[these]), np.concatenate(rates[these]), together)
            losses += list(found)
            correct += counts.tolist()
    run.write_back()
    state = run.state()
    run.close()
    return [*network.weights, *network.biases], losses, correct, state


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("options", ["plain", "adam and everything", "weights"])
def test_several_are_as_many_calls(way, threads, options, generator):
    sizes, images, batch_size, n_rows = WAYS[way]
    network = network_of(sizes, np.dtype(np.float32), generator)
    X, y = data_for(network, n_rows, generator)
    if images:
        X = generator.integers(0, 3, X.shape).astype(np.uint8)
    settings = RunSettings(batch_size, threads)
    if options == "adam and everything":
        everything = REGULARISATIONS["everything"]
        everything = replace(everything, dropout=everything.dropout[: len(sizes) - 1])
        settings = RunSettings(batch_size, threads, OPTIMIZERS["adam"], everything, dropout_seed=7)
    weights = generator.random(n_rows) if options == "weights" else None
    one, several = (trained(network, X, y, settings, weights, together) for together in (1, 3))
    for a, b in zip(one[0] + one[1], several[0] + several[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[2] == several[2]
    assert one[3].keys() == several[3].keys()
    for name, array in one[3].items():
        np.testing.assert_array_equal(array, several[3][name])


def test_penalties_by_batch_of_several(generator):
    network = network_of((6, 16, 3), np.dtype(np.float64), generator)
    X, y = data_for(network, 70, generator)
    settings = RunSettings(32, 1, regularisation=REGULARISATIONS["l2"], by_batch=True)
    found = []
    for together in (1, 2):
        run = backends.get("numba")[1].open_run(copy_of(network), X, y, settings, np.arange(70) % 3 + 0.5)
        order, rates = np.arange(70), settings.constant_rates(70, 0.1)
        if together == 1:
            found.append([])
            for _ in range(2):
                run.epoch(order, rates)
                found[-1] += run.penalties.tolist()
        else:
            run.epochs(np.tile(order, 2), np.tile(rates, 2), 2)
            found.append(run.penalties.tolist())
        run.close()
    assert found[0] == found[1]
    assert all(found[0])


def test_the_specification_trains_epoch_by_epoch(generator):
    network = network_of((6, 3), np.dtype(np.float64), generator)
    X, y = data_for(network, 20, generator)
    for name, backend in (("numpy", numpy_backend), ("numba", backends.get("numba")[1])):
        run = backend.open_run(copy_of(network), X, y, RunSettings(8))
        assert isinstance(run, QuickRun) == (name == "numba")
        run.close()
