"""Optimizers and regularisation: Numba against the specification along trajectories, for every option."""

import numpy as np
import pytest

from fastnn import backends
from fastnn.backends import numpy_backend
from fastnn.run_settings import RunSettings
from tests.checks import assert_close, copy_of, data_for, network_of
from tests.conftest import TRAJECTORY_RTOL
from tests.settings import OPTIMIZERS, PAIRS, REGULARISATIONS

numba_only = pytest.mark.skipif("numba" not in backends.available(), reason="Numba does not import here")
PAIR_NAMES = [f"{optimizer}, {regularisation}" for optimizer, regularisation in PAIRS]


def settings_for(pair, batch_size, threads=None):
    optimizer, regularisation = pair
    return RunSettings(
        batch_size, threads, OPTIMIZERS[optimizer], REGULARISATIONS[regularisation], dropout_seed=2**62 + 5
    )


def trained(backend, settings, network, X, y, weights=None, epochs=3, n_rows=None):
    """(losses, weights and biases, state) of a copy of `network` after some epochs."""
    network, generator = copy_of(network), np.random.default_rng(3)
    run = backend.open_run(network, X, y, settings, weights)
    n_rows = n_rows or len(X)
    losses = []
    for _ in range(epochs):
        order = generator.permutation(len(X))[:n_rows]
        losses.append(run.epoch(order, settings.constant_rates(n_rows, 0.02))[0])
    run.write_back()
    state = run.state()
    run.close()
    return np.concatenate(losses), [*network.weights, *network.biases], state


@numba_only
@pytest.mark.parametrize("pair", PAIRS, ids=PAIR_NAMES)
@pytest.mark.parametrize("activation", ["relu", ("tanh", "gelu")])
@pytest.mark.parametrize("batch_size", [32, 300])
def test_numba_equals_numpy_along_a_trajectory(pair, activation, batch_size, generator):
    network = network_of((40, 33, 20, 5), np.float64, generator, activation=activation)
    X, y = data_for(network, 310, generator)
    settings = settings_for(pair, batch_size, threads=2)
    losses, arrays, state = trained(backends.get("numba")[1], settings, network, X, y)
    expected_losses, expected, expected_state = trained(numpy_backend, settings, network, X, y)
    rtol = TRAJECTORY_RTOL["float64"]
    np.testing.assert_allclose(losses, expected_losses, rtol=rtol)
    for actual, wanted in zip(arrays, expected, strict=True):
        assert_close(actual, wanted, rtol=rtol, atol=rtol)
    assert state.keys() == expected_state.keys()
    for name, array in state.items():
        np.testing.assert_allclose(array, expected_state[name], rtol=rtol, atol=rtol)


@numba_only
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_few_steps_in_float32(optimizer, generator):
    network = network_of((40, 33, 20, 5), np.float32, generator)
    X, y = data_for(network, 100, generator)
    settings = settings_for((optimizer, "everything"), 32)
    losses, arrays, _ = trained(backends.get("numba")[1], settings, network, X, y, epochs=1)
    expected_losses, expected, _ = trained(numpy_backend, settings, network, X, y, epochs=1)
    rtol = TRAJECTORY_RTOL["float32"]
    np.testing.assert_allclose(losses, expected_losses, rtol=rtol)
    for actual, wanted in zip(arrays, expected, strict=True):
        assert_close(actual, wanted, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("pair", [(name, "everything") for name in OPTIMIZERS], ids=list(OPTIMIZERS))
def test_carrying_on_from_a_state_gives_the_same_bits(backend, pair, dtype, generator):
    network = network_of((40, 33, 20, 5), dtype, generator)
    X, y = data_for(network, 100, generator)
    settings, orders = settings_for(pair, 16), [generator.permutation(100) for _ in range(4)]
    whole, parts = copy_of(network), copy_of(network)
    run = backend.open_run(whole, X, y, settings)
    for order in orders:
        run.epoch(order, settings.constant_rates(100, 0.02))
    run.write_back()
    state = None
    for order in orders:
        run = backend.open_run(parts, X, y, settings)
        if state is not None:
            run.set_state(state)
        run.epoch(order, settings.constant_rates(100, 0.02))
        run.write_back()
        state = run.state()
        run.close()
    for actual, wanted in zip([*parts.weights, *parts.biases], [*whole.weights, *whole.biases], strict=True):
        np.testing.assert_array_equal(actual, wanted)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(backend, optimizer, generator):
    network = network_of((10, 16, 8, 3), np.float32, generator)
    X, y = data_for(network, 64, generator)
    losses, _, _ = trained(backend, settings_for((optimizer, "none"), 16), network, X, y, epochs=40)
    assert losses[-4:].mean() < 0.8 * losses[:4].mean()


def test_weights_of_rows(backend, dtype, generator):
    network = network_of((12, 9, 7, 3), dtype, generator)
    X, y = data_for(network, 60, generator)
    weights = generator.integers(0, 4, 60).astype(dtype)
    settings = settings_for(("sgd", "none"), 16)
    losses, arrays, _ = trained(backend, settings, network, X, y, weights, epochs=2)
    expected_losses, expected, _ = trained(numpy_backend, settings, network, X, y, weights, epochs=2)
    rtol = TRAJECTORY_RTOL[str(dtype)]
    np.testing.assert_allclose(losses, expected_losses, rtol=rtol)
    for actual, wanted in zip(arrays, expected, strict=True):
        assert_close(actual, wanted, rtol=rtol, atol=rtol)
