"""L-BFGS: its direction as in the textbook, its minima as good as those of SciPy and scikit-learn."""

import functools
import sys
import warnings

import numpy as np
import pytest

import fastnn
from fastnn import backends
from fastnn.backends.numpy_updates import penalty
from fastnn.callbacks import Callback
from fastnn.errors import InputError, MissingDependencyError
from fastnn.optimizers import LBFGS
from fastnn.run_settings import RunSettings
from fastnn.trainer.lbfgs import Run
from fastnn.trainer.lbfgs_steps import Iterate, direction, iterate
from tests.checks import copy_of, data_for, network_of

pytest.importorskip("scipy")


@pytest.fixture
def blobs(generator):
    """Three clouds of points in four dimensions that overlap."""
    y = generator.integers(0, 3, 150)
    return generator.normal(size=(150, 4)) + 1.5 * np.eye(4)[y], y


# ---- the arithmetic ---------------------------------------------------------------------------------------


def test_the_direction_is_that_of_the_bfgs_matrix(generator):
    """Nocedal and Wright's equation 6.17, applied to γI pair by pair, as whole matrices."""
    n = 7
    curvature = generator.normal(size=(n, n))
    curvature = curvature @ curvature.T + np.eye(n)
    steps = tuple(generator.normal(size=(4, n)))
    changes = tuple(curvature @ s for s in steps)
    gradient = generator.normal(size=n)
    H = np.eye(n) * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y in zip(steps, changes, strict=True):
        rho = 1 / (y @ s)
        left = np.eye(n) - rho * np.outer(s, y)
        H = left @ H @ left.T + rho * np.outer(s, s)
    at = Iterate(np.zeros(n), 1.0, gradient, steps, changes)
    np.testing.assert_allclose(direction(at), -H @ gradient, rtol=1e-10)
    np.testing.assert_allclose(
        direction(Iterate(np.zeros(n), 1.0, gradient)), -gradient / np.linalg.norm(gradient)
    )


def minimise(function, start, *, memory=10, most=200):
    start = np.array(start, float)
    at = Iterate(start, *function(start))
    losses = [at.loss]
    while not at.converged and at.number < most:
        at = iterate(at, function, memory)
        losses.append(at.loss)
    assert losses == sorted(losses, reverse=True)
    assert len(at.steps) == len(at.changes) <= memory
    return at


@pytest.mark.parametrize("memory", [1, 3, 10])
def test_rosenbrocks_valley(memory):
    def valley(x):
        rest = x[1] - x[0] ** 2
        gradient = np.array([-2 * (1 - x[0]) - 400 * x[0] * rest, 200 * rest])
        return (1 - x[0]) ** 2 + 100 * rest**2, gradient

    at = minimise(valley, [-1.2, 1.0], memory=memory)
    assert at.converged
    np.testing.assert_allclose(at.parameters, 1, atol=2e-3)


def test_a_loss_that_is_not_finite_everywhere():
    def barrier(x):  # x − log x, which overflows or is not there beyond its valley
        if x[0] <= 0:
            return np.inf, np.full(1, np.nan)
        return x[0] - np.log(x[0]), 1 - 1 / x

    np.testing.assert_allclose(minimise(barrier, [1e-3]).parameters, 1, rtol=1e-4)


def test_memory_that_misleads_is_dropped():
    def bowl(x):
        return 0.5 * x @ x, x

    # A pair that curves the wrong way: the direction it suggests leads up.
    start = np.array([3.0, 4.0])
    at = Iterate(start, *bowl(start), steps=(np.array([1.0, 0.0]),), changes=(np.array([-0.1, 0.0]),))
    assert direction(at) @ at.gradient > 0
    after = iterate(at, bowl, 5)
    assert after.loss < at.loss
    assert not any(np.array_equal(step, at.steps[0]) for step in after.steps)


def test_where_nothing_is_to_gain_it_has_converged():
    def flat(x):
        return 1.0, np.zeros(2)

    at = iterate(Iterate(np.ones(2), *flat(np.ones(2))), flat, 5)
    assert at.converged
    np.testing.assert_array_equal(at.parameters, 1)

    def wrong(x):  # a gradient that does not belong to the loss: no step along it helps
        return float(x @ x), -x

    at = iterate(Iterate(np.ones(2), *wrong(np.ones(2))), wrong, 5)
    assert at.converged
    np.testing.assert_array_equal(at.parameters, 1)


# ---- the run ----------------------------------------------------------------------------------------------


def open_run(backend, network, X, y, **options):
    return Run(backend, network, X, y, RunSettings(batch_size=len(X), optimizer=LBFGS(**options)))


ONE = np.ones(1)


def test_a_run_reports_what_was_before_its_step(backend, generator):
    network = network_of((4, 5, 3), "float64", generator)
    X, y = data_for(network, 40, generator)
    before = backend.evaluate(copy_of(network), X, y)
    run = open_run(backend, network, X, y)
    losses, n_correct = run.epoch(np.arange(40), ONE)
    assert losses.shape == (1,)
    assert losses[0] == pytest.approx(before[0])
    assert n_correct == before[1]
    run.write_back()
    assert backend.evaluate(network, X, y)[0] < before[0]
    run.close()


def test_only_the_rows_of_the_order_count(backend, generator):
    network = network_of((4, 5, 3), "float64", generator)
    other = copy_of(network)
    X, y = data_for(network, 40, generator)
    rows = generator.permutation(40)[:25]
    one, two = open_run(backend, network, X, y), open_run(backend, other, X[rows], y[rows])
    for _ in range(5):
        assert one.epoch(rows, ONE)[0] == two.epoch(np.arange(25), ONE)[0]
    for run in (one, two):
        run.write_back()
    np.testing.assert_array_equal(network.weights[0], other.weights[0])


def test_weights_that_somebody_changed_are_taken_over(backend, generator):
    network = network_of((4, 5, 3), "float32", generator)
    X, y = data_for(network, 40, generator)
    run = open_run(backend, network, X, y)
    first = run.epoch(np.arange(40), ONE)[0]
    kept = copy_of(network)
    for _ in range(3):
        run.epoch(np.arange(40), ONE)
    run.write_back()
    for array, old in zip(network.weights + network.biases, kept.weights + kept.biases, strict=True):
        array[...] = old
    run.read_weights()
    assert run.epoch(np.arange(40), ONE)[0] == first


def test_state_goes_on_to_the_same_bits(backend, generator):
    network = network_of((4, 5, 3), "float32", generator)
    other = copy_of(network)
    X, y = data_for(network, 40, generator)
    run, again = open_run(backend, network, X, y, memory=3), open_run(backend, other, X, y, memory=3)
    for _ in range(5):
        run.epoch(np.arange(40), ONE)
    state = run.state()
    again.set_state(state)
    assert {name: array.shape for name, array in state.items()} == {
        name: array.shape for name, array in open_run(backend, other, X, y, memory=3).state().items()
    }
    for _ in range(4):
        assert run.epoch(np.arange(40), ONE)[0] == again.epoch(np.arange(40), ONE)[0]
    for name, array in run.state().items():
        assert array.tobytes() == again.state()[name].tobytes()


# ---- whole trainings --------------------------------------------------------------------------------------


ALPHA = 1.0


@functools.cache
def standardised(name):
    """One of scikit-learn's tables: training rows, their labels, test rows, theirs; and its own model."""
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.neural_network import MLPClassifier

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-3)
    parts = fastnn.datasets.split(X, y, 0.3, 0)
    peer = MLPClassifier((20,), solver="lbfgs", alpha=ALPHA, max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        peer.fit(*parts[:2])
    return *parts, peer


@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_as_good_as_scikit_learns(backend_name, name):
    X_train, y_train, X_test, y_test, peer = standardised(name)
    l2 = ALPHA / len(X_train)
    model = fastnn.train(
        X_train,
        y_train,
        hidden=(20,),
        optimizer="lbfgs",
        l2=l2,
        epochs=60,
        seed=0,
        backend=backend_name,
    )
    assert model.dtype == np.float32
    assert model.score(X_test, y_test) >= peer.score(X_test, y_test) - 0.02
    assert model.score(X_train, y_train) >= 0.97
    reached = model.loss(X_train, y_train) + penalty(model.weights, l2, 0)
    assert reached <= peer.loss_ * 1.1


def test_without_hidden_layers_the_minimum_is_scipys(blobs, backend_name):
    """Softmax regression with l2 has one minimum."""
    from scipy.optimize import minimize

    X, y = blobs
    model = fastnn.train(
        X, y, hidden=(), optimizer="lbfgs", l2=0.01, epochs=500, dtype="float64", backend=backend_name, seed=0
    )
    assert model.history.stop_reason == "converged"

    def loss(flat):
        network = copy_of(model)
        network.weights, network.biases = [flat[:12].reshape(4, 3)], [flat[12:]]
        found = backends.get("numpy")[1].loss_and_gradients(
            network, X, y, None, fastnn.regularisation.Regularisation(l2=0.01)
        )
        return found[0], np.concatenate([found[1][0].ravel(), found[2][0]])

    best = minimize(loss, np.zeros(15), jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9})
    flat = np.concatenate([model.weights[0].ravel(), model.biases[0]])
    assert loss(flat)[0] == pytest.approx(best.fun, rel=1e-7)
    np.testing.assert_allclose(model.weights[0], best.x[:12].reshape(4, 3), atol=2e-3)


def test_backends_agree(blobs):
    X, y = blobs
    one, other = (
        fastnn.train(X, y, hidden=6, optimizer="lbfgs", epochs=15, seed=0, dtype="float64", backend=name)
        for name in ("numpy", "numba")
    )
    np.testing.assert_allclose(one.history["loss"], other.history["loss"], rtol=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "binary_cross_entropy"])
def test_every_kind_of_target(generator, backend_name, loss):
    X = generator.normal(size=(100, 4))
    y = X @ generator.normal(size=(4, 2))
    y = {"poisson": np.exp(y / 4).round(), "binary_cross_entropy": (y > 0).astype(int)}.get(loss, y)
    model = fastnn.train(
        X,
        y,
        loss=loss,
        hidden=8,
        activation="tanh",
        optimizer="lbfgs",
        epochs=40,
        backend=backend_name,
        seed=0,
    )
    history = model.history["loss"]
    assert history == sorted(history, reverse=True)
    assert history[-1] < history[0] - 0.05


def test_images_and_a_narrow_type(backend_name):
    X, y = fastnn.datasets.load("digits", split="train")
    model = fastnn.train(X, y, hidden=20, optimizer="lbfgs", epochs=60, seed=0, backend=backend_name)
    assert model.dtype == np.float32
    assert model.input_scale is not None
    assert model.score(*fastnn.datasets.load("digits", split="test")) > 0.93
    assert model.history.settings["batch_size"] == len(X)
    assert model.history["learning_rate"][-1] == 1.0


def test_weights_of_rows_are_as_many_copies(blobs, backend_name):
    X, y = blobs
    counts = np.arange(150) % 3
    settings = {"hidden": 5, "optimizer": "lbfgs", "epochs": 8, "seed": 0, "dtype": "float64"}
    weighted = fastnn.train(X, y, sample_weight=counts, backend=backend_name, **settings)
    copied = fastnn.train(
        np.repeat(X, counts, axis=0), np.repeat(y, counts), backend=backend_name, **settings
    )
    np.testing.assert_allclose(weighted.history["loss"], copied.history["loss"], rtol=1e-6)


def test_penalties_are_minimised_but_not_in_the_history(blobs, backend_name):
    X, y = blobs
    settings = {"hidden": 5, "optimizer": "lbfgs", "epochs": 300, "seed": 0, "backend": backend_name}
    plain, small = (fastnn.train(X, y, l2=l2, **settings) for l2 in (0.0, 0.1))
    assert np.abs(small.weights[0]).mean() < 0.5 * np.abs(plain.weights[0]).mean()
    assert small.history["loss"][0] == pytest.approx(plain.history["loss"][0])


def test_it_ends_when_converged(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(X, y, hidden=(), optimizer="lbfgs", epochs=500, backend=backend_name, seed=0)
    assert model.history.stop_reason == "converged"
    assert model.history.n_epochs < 100
    loss, dWs, dbs = backends.get("numpy")[1].loss_and_gradients(model, X.astype(np.float32), y)
    assert max(np.abs(g).max() for g in (*dWs, *dbs)) < 1e-3
    assert loss == pytest.approx(model.history["loss"][-1], rel=1e-6)


def test_early_stopping_keeps_the_best_iteration(generator, backend_name):
    X, y = generator.normal(size=(80, 20)), generator.integers(0, 2, 80)  # nothing to learn but noise
    model = fastnn.train(
        X,
        y,
        hidden=10,
        optimizer="lbfgs",
        epochs=200,
        validation=0.3,
        early_stopping=4,
        monitor="validation_loss",
        seed=0,
        backend=backend_name,
    )
    history = model.history
    assert history.stop_reason == "early stopping"
    assert history.best_epoch == 1 + int(np.argmin(history["validation_loss"]))
    assert history.n_epochs == history.best_epoch + 4


class Interrupt(Callback):
    def epoch_end(self, training):
        if training.epoch == 3:
            raise KeyboardInterrupt


def test_ctrl_c_between_iterations(blobs, backend_name):
    X, y = blobs
    settings = {"hidden": 5, "optimizer": "lbfgs", "seed": 0, "backend": backend_name}
    with pytest.warns(UserWarning, match="interrupted after 3 of 50"):
        model = fastnn.train(X, y, epochs=50, callbacks=[Interrupt()], **settings)
    expected = fastnn.train(X, y, epochs=3, **settings)
    np.testing.assert_array_equal(model.weights[0], expected.weights[0])


def test_ctrl_c_within_an_iteration_keeps_the_one_before(blobs, monkeypatch):
    X, y = blobs
    settings = {"hidden": 5, "optimizer": "lbfgs", "seed": 0, "backend": "numpy"}
    numpy_backend = backends.get("numpy")[1]
    calls, original = [], numpy_backend.loss_and_gradients

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(numpy_backend, "loss_and_gradients", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model = fastnn.train(X, y, epochs=50, **settings)
    monkeypatch.undo()
    expected = fastnn.train(X, y, epochs=model.history.n_epochs, **settings)
    np.testing.assert_array_equal(model.weights[0], expected.weights[0])
    assert 0 < model.history.n_epochs < 6


# ---- mistakes ---------------------------------------------------------------------------------------------

REFUSED = [
    ({"batch_size": 32}, "batch_size=32 does not go with optimizer='lbfgs', which takes all rows at once"),
    ({"learning_rate": 0.1}, "learning_rate=0.1 does not go with"),
    ({"schedule": "cosine"}, r"schedule=Cosine\(.* does not go with"),
    ({"schedule": fastnn.schedules.ReduceOnPlateau()}, r"schedule=ReduceOnPlateau\(.* does not go with"),
    ({"dropout": 0.5}, "dropout=0.5 does not go with"),
    ({"input_dropout": 0.5}, "input_dropout=0.5 does not go with"),
    ({"max_norm": 2}, "max_norm=2.0 does not go with"),
    ({"weight_decay": 0.1}, "weight_decay=0.1 does not go with .*: take l2 instead"),
    ({"clip_norm": 2}, "clip_norm=2.0 does not go with"),
    ({"clip_value": 2}, "clip_value=2.0 does not go with"),
]


@pytest.mark.parametrize(
    ("wrong", "message"), REFUSED, ids=lambda v: ",".join(v) if isinstance(v, dict) else ""
)
def test_what_means_nothing_to_it_is_refused(blobs, wrong, message):
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(*blobs, optimizer="lbfgs", **wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("batch_size", ["auto", "full", None])
def test_all_ways_to_say_full_batch(blobs, batch_size):
    model = fastnn.train(*blobs, optimizer=LBFGS(memory=2), batch_size=batch_size, epochs=2)
    assert model.history.n_epochs == 2


def test_a_callback_cannot_change_the_learning_rate(blobs):
    class Halve(Callback):
        def epoch_end(self, training):
            training.learning_rate /= 2

    with pytest.raises(InputError, match="nothing can change learning_rate"):
        fastnn.train(*blobs, optimizer="lbfgs", callbacks=[Halve()])


@pytest.mark.parametrize("memory", [0, 1.5, "many"])
def test_memory_is_a_whole_number(memory):
    with pytest.raises(InputError, match=f"memory={memory!r} must be a whole number"):
        LBFGS(memory=memory)


def test_without_scipy_one_line_says_what_to_install(blobs, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(
        MissingDependencyError, match=r'needs SciPy .*pip install "fastnn\[lbfgs\]"'
    ) as caught:
        fastnn.train(*blobs, optimizer="lbfgs")
    assert "\n" not in str(caught.value)
