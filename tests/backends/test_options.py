"""Optimizers and regularisation: Numba against the specification along trajectories, for every option."""

import numpy as np
import pytest

from fastnn import backends
from fastnn.backends import numpy_backend
from fastnn.regularisation import Regularisation
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


def by_batch(optimizer, threads=None, **regularisation):
    return RunSettings(
        16, threads, OPTIMIZERS[optimizer], Regularisation(l2=0.5, **regularisation), by_batch=True
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_by_batch_divides_penalties_and_weighted_gradients_by_what_the_batch_weighs(weighted, generator):
    network = network_of((12, 9, 3), np.float64, generator)
    X, y = data_for(network, 10, generator)
    weights = generator.uniform(0, 3, 10) if weighted else None
    weight = 10 if weights is None else weights.sum()
    _, dWs, dbs = numpy_backend.loss_and_gradients(network, X, y, weights)
    squares = sum(np.sum(W**2) for W in network.weights)
    expected = [W - 0.1 * (dW + 0.5 / weight * W) for W, dW in zip(network.weights, dWs, strict=True)]
    expected += [b - 0.1 * db for b, db in zip(network.biases, dbs, strict=True)]
    run = numpy_backend.open_run(network, X, y, by_batch("sgd"), weights)
    run.epoch(np.arange(10), np.array([0.1]))
    for actual, wanted in zip([*network.weights, *network.biases], expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(run.penalties, [0.5 * 0.5 / weight * squares], rtol=1e-12)


@numba_only
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("others", [{}, {"l1": 0.1, "clip_norm": 0.3, "max_norm": 1.2}], ids=["l2", "others"])
def test_by_batch_numba_equals_numpy(weighted, optimizer, others, generator):
    network = network_of((40, 70, 33, 5), np.float64, generator)
    X, y = data_for(network, 75, generator)
    weights = generator.integers(0, 3, 75).astype(float) if weighted else None
    settings, rtol = by_batch(optimizer, threads=2, **others), TRAJECTORY_RTOL["float64"]
    runs = []
    for backend in (backends.get("numba")[1], numpy_backend):
        run = backend.open_run(copy_of(network), X, y, settings, weights)
        losses, _ = run.epoch(np.arange(75), settings.constant_rates(75, 0.02))
        again, _ = run.epoch(np.arange(75), settings.constant_rates(75, 0.02))
        runs.append((losses, again, run.penalties))
        run.close()
    for actual, wanted in zip(*runs, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=rtol)


@numba_only
def test_by_batch_penalties_do_not_depend_on_the_threads(generator):
    network = network_of((40, 130, 70, 5), np.float32, generator)
    X, y = data_for(network, 75, generator)
    found = []
    for threads in (1, 2, 3, 7):
        settings = by_batch("adam", threads=threads)
        run = backends.get("numba")[1].open_run(copy_of(network), X, y, settings)
        run.epoch(np.arange(75), settings.constant_rates(75, 0.02))
        found.append(run.penalties)
        run.close()
    assert all(np.array_equal(found[0], other) for other in found)


def test_by_batch_a_batch_without_weight_leaves_finite_numbers(backend, generator):
    network = network_of((6, 5, 3), np.float64, generator)
    X, y = data_for(network, 32, generator)
    weights = np.repeat([0.0, 1.0], 16)
    losses, arrays, _ = trained(backend, by_batch("adam"), network, X, y, weights, epochs=1)
    assert np.isfinite(losses).all()
    assert all(np.isfinite(array).all() for array in arrays)


@numba_only
@pytest.mark.parametrize(
    "pair", [("sgd", "none"), ("nesterov", "l2"), ("sgd", "clip norm"), ("adam", "everything")], ids=str
)
def test_a_batch_in_fixed_shards(pair, generator):
    network = network_of((40, 33, 20, 5), np.float64, generator, activation=("tanh", "gelu"))
    X, y = data_for(network, 5100, generator)
    weights = generator.integers(0, 3, 5100).astype(float)
    settings, rtol = settings_for(pair, 3000, threads=3), TRAJECTORY_RTOL["float64"]
    losses, arrays, _ = trained(backends.get("numba")[1], settings, network, X, y, weights)
    expected_losses, expected, _ = trained(numpy_backend, settings, network, X, y, weights)
    np.testing.assert_allclose(losses, expected_losses, rtol=rtol)
    for actual, wanted in zip(arrays, expected, strict=True):
        assert_close(actual, wanted, rtol=rtol, atol=rtol)
