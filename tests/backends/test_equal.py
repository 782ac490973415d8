"""Every backend against the specification: leaf by leaf, after an epoch, along a trajectory."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn import backends
from fastnn.backends import Backend, numpy_backend
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings
from tests.checks import assert_close, assert_product_close, copy_of, data_for, network_of
from tests.conftest import TRAJECTORY_RTOL

ACTIVATION_LEAVES = [f"{name}{end}" for name in numpy_backend.ACTIVATIONS for end in ("", "_derivative")]
LEAVES = [
    "dense_forward",
    "dense_backward",
    "activate",
    "activation_derivative",
    "softmax",
    "softmax_cross_entropy",
    "binary_cross_entropy",
    "squared_error",
    "absolute_error",
    "huber",
    "poisson",
    "sgd_update",
    "loss_and_gradients",
    "open_gradients",
    "predict",
    "evaluate",
    "open_run",
    *ACTIVATION_LEAVES,
]
WIDTHS = (1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 100)


def test_same_names_and_signatures(backend):
    for name in LEAVES:
        expected, actual = (
            inspect.signature(getattr(numpy_backend, name)),
            inspect.signature(getattr(backend, name)),
        )
        assert list(expected.parameters.values()) == list(actual.parameters.values()), name


def test_the_protocol_lists_what_backends_have():
    methods = {
        name for name, _ in inspect.getmembers(Backend, inspect.isfunction) if not name.startswith("_")
    }
    assert methods <= set(LEAVES)


@pytest.mark.parametrize("fan_in", [*WIDTHS, 784])
@pytest.mark.parametrize("fan_out", [1, 2, 10, 16, 17, 33])
def test_dense_layer(backend, dtype, generator, fan_in, fan_out):
    for m in (1, 2, 13, 64):
        X = generator.normal(size=(m, fan_in)).astype(dtype)
        X[generator.random(X.shape) < 0.5] = 0
        W = generator.normal(size=(fan_in, fan_out)).astype(dtype)
        b = generator.normal(size=fan_out).astype(dtype)
        dZ = generator.normal(size=(m, fan_out)).astype(dtype)
        assert_product_close(backend.dense_forward(X, W, b), X, W, b)
        dW, db, dX = backend.dense_backward(X, W, dZ)
        assert_product_close(dW, X.T, dZ)
        assert_product_close(db[None], np.ones((1, m), dtype), dZ)
        assert_product_close(dX, dZ, W.T)
        assert backend.dense_backward(X, W, dZ, input_gradient=False)[2] is None


def test_arrays_that_are_not_contiguous(backend, dtype, generator):
    X = generator.normal(size=(6, 10)).astype(dtype)[::2, ::2]
    W = generator.normal(size=(3, 5)).astype(dtype).T
    b = generator.normal(size=6).astype(dtype)[::2]
    assert_close(backend.dense_forward(X, W, b), numpy_backend.dense_forward(X, W, b))
    assert_close(backend.softmax(X), numpy_backend.softmax(X))


@pytest.mark.parametrize("name", numpy_backend.ACTIVATIONS)
def test_activations(backend, dtype, name):
    Z = np.concatenate([np.linspace(-100, 100, 997), [0.0, -0.0, 1e-30, 1e30, -1e30]]).astype(dtype)[:, None]
    assert_close(backend.activate(name, Z), numpy_backend.activate(name, Z))
    assert_close(backend.activation_derivative(name, Z), numpy_backend.activation_derivative(name, Z))
    assert_close(getattr(backend, name)(Z), numpy_backend.activate(name, Z))
    assert_close(getattr(backend, f"{name}_derivative")(Z), numpy_backend.activation_derivative(name, Z))


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 40),
    n=st.integers(1, 40),
    size=st.sampled_from([1.0, 30.0, 1e4, 1e30]),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["float32", "float64"]),
)
@pytest.mark.parametrize("name", backends.available())
def test_softmax_and_losses(name, m, n, size, seed, dtype):
    backend, generator = backends.get(name)[1], np.random.default_rng(seed)
    logits = (size * generator.normal(size=(m, n))).astype(dtype)
    labels = generator.integers(0, n, m)
    assert_close(backend.softmax(logits), numpy_backend.softmax(logits))
    for leaf, y in (("softmax_cross_entropy", labels), ("squared_error", logits[::-1].copy())):
        if leaf == "squared_error" and size > 1e4:
            continue  # overflows float32, as it must
        loss, dZ = getattr(backend, leaf)(logits, y)
        expected_loss, expected_dZ = getattr(numpy_backend, leaf)(logits, y)
        assert loss == pytest.approx(expected_loss, rel=1e-4 if dtype == "float32" else 1e-10, abs=1e-5)
        assert_close(dZ, expected_dZ)


def test_leaves_leave_their_inputs_alone(backend, generator):
    Z = generator.normal(size=(4, 5))
    kept, labels = Z.copy(), np.array([0, 1, 2, 3])
    for name in numpy_backend.ACTIVATIONS:
        backend.activate(name, Z)
        backend.activation_derivative(name, Z)
    backend.softmax(Z)
    backend.softmax_cross_entropy(Z, labels)
    backend.squared_error(Z, kept)
    np.testing.assert_array_equal(Z, kept)


def test_update(backend, dtype, generator):
    W, dW = generator.normal(size=(2, 5, 7)).astype(dtype)
    expected = W.copy()
    numpy_backend.sgd_update(expected, dW, 0.3)
    backend.sgd_update(W, dW, 0.3)
    assert_close(W, expected)


NETWORKS = [
    ((4, 3), "relu", "cross_entropy"),
    ((20, 64, 64, 2), "relu", "cross_entropy"),
    ((17, 33, 10), "tanh", "cross_entropy"),
    ((10, 16, 15, 3), "logistic", "squared_error"),
    ((5, 7, 1), "identity", "squared_error"),
    ((64, 100, 31, 32, 10), "relu", "cross_entropy"),
    ((10, 40, 16, 33, 7, 9, 3), ("gelu", "silu", "elu", "softplus", "leaky_relu"), "cross_entropy"),
    ((20, 64, 40), "relu", "binary_cross_entropy"),
    ((9, 16, 1), "tanh", "binary_cross_entropy"),
    ((10, 17, 3), "tanh", "absolute_error"),
    ((12, 33, 17), "logistic", "huber"),
    ((5, 16, 2), "tanh", "poisson"),
]


@pytest.mark.parametrize(("sizes", "activation", "loss"), NETWORKS)
def test_loss_and_gradients(backend, dtype, generator, sizes, activation, loss):
    network = network_of(sizes, dtype, generator, activation=activation, loss=loss)
    X, y = data_for(network, 37, generator)
    value, *gradients = backend.loss_and_gradients(network, X, y)
    expected, *expected_gradients = numpy_backend.loss_and_gradients(network, X, y)
    assert value == pytest.approx(expected, rel=1e-5)
    for actual_layers, expected_layers in zip(gradients, expected_gradients, strict=True):
        for actual_gradient, expected_gradient in zip(actual_layers, expected_layers, strict=True):
            assert_close(actual_gradient, expected_gradient, atol=2e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize(("sizes", "activation", "loss"), NETWORKS)
@pytest.mark.parametrize("batch_size", [1, 7, 64, 150])
def test_trajectory_with_ragged_batches(backend, dtype, generator, sizes, activation, loss, batch_size):
    network = network_of(sizes, dtype, generator, activation=activation, loss=loss)
    X, y = data_for(network, 150, generator)
    expected = copy_of(network)
    settings = RunSettings(batch_size)
    run = backend.open_run(network, X, y, settings)
    expected_run = numpy_backend.open_run(expected, X, y, settings)
    # Rounding grows along a trajectory: ten epochs in float64, but only ten steps in float32.
    n_epochs, n_rows = (10, 150) if dtype == np.float64 else (2, min(150, 5 * batch_size - batch_size // 2))
    for _ in range(n_epochs):
        order = generator.permutation(150)[:n_rows]
        rates = settings.constant_rates(n_rows, 0.05)
        losses, n_correct = run.epoch(order, rates)
        expected_losses, expected_correct = expected_run.epoch(order, rates)
        assert losses == pytest.approx(expected_losses, rel=TRAJECTORY_RTOL[str(dtype)])
        if dtype == np.float64:  # in float32 a tie of two logits may fall either way
            assert n_correct == expected_correct
    run.write_back()
    rtol = TRAJECTORY_RTOL[str(dtype)]
    for actual_array, expected_array in zip(
        [*network.weights, *network.biases], [*expected.weights, *expected.biases], strict=True
    ):
        assert_close(actual_array, expected_array, rtol=rtol, atol=rtol)
    run.close()


@pytest.mark.parametrize("loss", numpy_backend.LOSSES)
def test_weights_and_smoothing(backend, dtype, generator, loss):
    network = network_of((6, 20, 17), dtype, generator, activation="tanh", loss=loss)
    network.huber_delta = 0.6
    X, y = data_for(network, 300, generator)
    weights = generator.integers(0, 4, 300).astype(dtype)
    weights[:16] = 0
    regularisation = Regularisation(label_smoothing=0.1)
    close = {"rel": 2e-5 if dtype == np.float32 else 1e-10}
    value, dWs, dbs = backend.loss_and_gradients(network, X, y, weights, regularisation)
    expected, expected_dWs, expected_dbs = numpy_backend.loss_and_gradients(
        network, X, y, weights, regularisation
    )
    assert value == pytest.approx(expected, **close)
    for actual, wanted in zip([*dWs, *dbs], [*expected_dWs, *expected_dbs], strict=True):
        assert_close(actual, wanted, atol=2e-6 if dtype == np.float32 else 1e-12)
    value, n_correct = backend.evaluate(network, X, y, weights)
    expected, expected_correct = numpy_backend.evaluate(network, X, y, weights)
    assert value == pytest.approx(expected, **close)
    assert n_correct == expected_correct

    other, settings = copy_of(network), RunSettings(16, regularisation=regularisation)
    run, expected_run = (
        module.open_run(model, X, y, settings, weights)
        for module, model in ((backend, network), (numpy_backend, other))
    )
    order, rates = np.arange(300), settings.constant_rates(300, 0.01)  # the first batch has no weight at all
    losses, _ = run.epoch(order, rates)
    np.testing.assert_allclose(losses, expected_run.epoch(order, rates)[0], rtol=TRAJECTORY_RTOL[str(dtype)])
    run.write_back()
    rtol = TRAJECTORY_RTOL[str(dtype)]
    for actual, wanted in zip(network.weights + network.biases, other.weights + other.biases, strict=True):
        assert_close(actual, wanted, rtol=rtol, atol=rtol)
    run.close()


def test_uint8_is_scaled_and_equal(backend, dtype, generator):
    network = network_of((30, 8, 4), dtype, generator, input_scale=1 / 255)
    X, y = generator.integers(0, 256, (50, 30), dtype=np.uint8), generator.integers(0, 4, 50)
    assert_close(backend.predict(network, X), numpy_backend.predict(network, X))
    as_floats = X * dtype.type(1 / 255)
    assert_close(backend.predict(network, X), backend.predict(network, as_floats.astype(dtype)))
    run, expected = backend.open_run(network, X, y, RunSettings(16)), copy_of(network)
    rates = RunSettings(16).constant_rates(50, 0.1)
    run.epoch(np.arange(50), rates)
    run.write_back()
    numpy_backend.open_run(expected, X, y, RunSettings(16)).epoch(np.arange(50), rates)
    assert_close(network.weights[0], expected.weights[0], atol=1e-5 if dtype == np.float32 else 1e-12)


def test_an_epoch_in_parts_is_the_same_epoch(backend, generator):
    one = network_of((12, 9, 3), np.float32, generator)
    X, y = data_for(one, 100, generator)
    parts, order = copy_of(one), generator.permutation(100)
    run = backend.open_run(one, X, y, RunSettings(8))
    rates = np.linspace(0.01, 0.2, 13)
    run.epoch(order, rates)
    run.write_back()
    run = backend.open_run(parts, X, y, RunSettings(8))
    for start in range(0, 13, 3):
        run.epoch(order[8 * start : 8 * start + 24], rates[start : start + 3])
    run.write_back()
    for whole, pieced in zip(one.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(whole, pieced)


def test_evaluate_and_predict(backend, dtype, generator):
    for loss in numpy_backend.LOSSES:
        network = network_of((6, 11, 3), dtype, generator, loss=loss)
        for n_rows in (1, 5, 700):
            X, y = data_for(network, n_rows, generator)
            assert_close(backend.predict(network, X), numpy_backend.predict(network, X))
            value, n_correct = backend.evaluate(network, X, y)
            expected, expected_correct = numpy_backend.evaluate(network, X, y)
            assert value == pytest.approx(expected, rel=1e-4 if dtype == np.float32 else 1e-10)
            assert n_correct == expected_correct
