"""The optimizers behind the solvers, against the equations that scikit-learn uses."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from fastnn import backends
from fastnn.backends import numpy_backend
from fastnn.optimizers import Adam
from fastnn.run_settings import RunSettings
from fastnn.sklearn.solvers import AdamWithEpsilonHat, Carried, Rate, rescaled
from tests.checks import copy_of, data_for, network_of

EPSILON = 1e-2  # large enough to be seen


def test_epsilon_is_added_to_the_root_without_correction(backend, generator):
    network = network_of((4, 5, 3), np.float64, generator)
    X, y = data_for(network, 12, generator)
    W = network.weights[0].copy()
    m, v = np.zeros_like(W), np.zeros_like(W)
    settings = RunSettings(12, optimizer=AdamWithEpsilonHat(epsilon=EPSILON))
    run = backend.open_run(network, X, y, settings)
    for t in (1, 2, 3):
        run.write_back()
        _, dWs, _ = numpy_backend.loss_and_gradients(network, X, y)
        m, v = 0.9 * m + 0.1 * dWs[0], 0.999 * v + 0.001 * dWs[0] ** 2
        W -= 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + EPSILON)
        run.epoch(np.arange(12), np.array([0.05]))
    run.write_back()
    run.close()
    np.testing.assert_allclose(network.weights[0], W, rtol=1e-10)


def test_ordinary_adam_is_another(generator):
    network = network_of((4, 5, 3), np.float64, generator)
    X, y = data_for(network, 12, generator)
    found = []
    for optimizer in (Adam(epsilon=EPSILON), AdamWithEpsilonHat(epsilon=EPSILON)):
        twin = copy_of(network)
        run = backends.get("numpy")[1].open_run(twin, X, y, RunSettings(12, optimizer=optimizer))
        run.epoch(np.arange(12), np.array([0.05]))
        found.append(twin.weights[0])
    assert not np.allclose(*found, rtol=1e-3)


def test_rates():
    options = {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.25}
    rate = Rate.of(options)
    rate.epoch_ends(15)
    assert rate.now == 0.25
    assert not rate.lower()
    adaptive = Rate.of(options | {"learning_rate": "adaptive"})
    while adaptive.lower():
        pass
    assert 2e-7 <= adaptive.now <= 1e-6
    assert Rate.of(options | {"solver": "adam"}).rule == "constant"


def test_velocities_follow_the_rate():
    state = {"step": np.array(3), "velocity.weights.0": np.array([2.0]), "mean.weights.0": np.array([2.0])}
    found = rescaled(state, 5.0)
    assert (found["velocity.weights.0"], found["mean.weights.0"], found["step"]) == (10.0, 2.0, 3)
    assert rescaled(state, 1.0) is state


def test_a_rate_is_carried_on_unless_the_parameters_say_otherwise():
    before = Carried({}, Rate("constant", 0.5, 0.5, 0.1))
    assert before.rate_for(Rate("constant", 0.5, 0.5, 0.5), new_fit=True).now == 0.1
    assert before.rate_for(Rate("constant", 0.4, 0.5, 0.4), new_fit=True).now == 0.4
    adaptive = Carried({}, Rate("adaptive", 0.5, 0.5, 1e-7))
    assert adaptive.rate_for(Rate("adaptive", 0.5, 0.5, 0.5), new_fit=True).now == 0.5
    assert adaptive.rate_for(Rate("adaptive", 0.5, 0.5, 0.5), new_fit=False).now == 1e-7
