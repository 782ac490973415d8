"""What a run goes back to when a training diverges: the parameters of the last time all were finite."""

import numpy as np
import pytest

from fastnn.run_settings import RunSettings
from tests.checks import data_for, network_of
from tests.settings import OPTIMIZERS


def parameters(network):
    return [array.copy() for array in (*network.weights, *network.biases)]


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def opened(backend, dtype, generator):
    """(run, network, one epoch on it)."""

    def opened(optimizer="sgd"):
        network = network_of((5, 17, 3), dtype, generator)
        X, y = data_for(network, 40, generator)
        settings = RunSettings(8, optimizer=OPTIMIZERS[optimizer])
        run = backend.open_run(network, X, y, settings)
        return run, network, lambda: run.epoch(np.arange(40), settings.constant_rates(40, 0.05))

    return opened


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_restoring_goes_back_to_what_was_kept(opened, optimizer):
    run, network, epoch = opened(optimizer)
    epoch()
    assert run.keep()
    run.write_back()
    kept = parameters(network)
    for _ in range(2):
        epoch()
        run.write_back()
        assert not np.array_equal(network.weights[0], kept[0])
        run.restore()
        assert_same(parameters(network), kept)
        run.write_back()
        assert_same(parameters(network), kept)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["weights", "biases"])
def test_what_is_not_finite_is_not_kept(opened, value, where):
    run, network, _ = opened("adam")
    assert run.keep()
    kept = parameters(network)
    getattr(network, where)[1][-1] = value
    run.read_weights()
    assert not run.keep()
    run.restore()
    assert_same(parameters(network), kept)


def test_huge_numbers_are_finite(opened, dtype):
    run, network, _ = opened()
    network.weights[0][:] = np.finfo(dtype).max
    run.read_weights()
    assert run.keep()


def test_nothing_kept_is_nothing_restored(opened):
    run, network, _ = opened()
    network.weights[0][0, 0] = np.nan
    run.read_weights()
    assert not run.keep()
    before = parameters(network)
    run.restore()
    assert_same(parameters(network), before)
