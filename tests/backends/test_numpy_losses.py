"""The specification's losses against naive loops and finite differences."""

import math

import numpy as np
import pytest

from fastnn.backends import numpy_backend, numpy_losses
from fastnn.regularisation import Regularisation
from tests.checks import copy_of, data_for, network_of

SMOOTHED = ("cross_entropy", "binary_cross_entropy")
CASES = [
    *((name, {}) for name in numpy_losses.LOSSES),
    *((name, {"smoothing": 0.1}) for name in SMOOTHED),
    ("huber", {"delta": 0.4}),
]


def targets_for(name, m, n, generator):
    if name == "cross_entropy":
        return generator.integers(0, n, m)
    if name == "binary_cross_entropy":
        return generator.integers(0, 2, (m, n)).astype(float)
    return generator.poisson(2.0, (m, n)).astype(float)


def loss_of_row(name, z, y, smoothing=0.0, delta=1.0):
    """The textbook's equation for one row, in scalars."""
    n = len(z)
    if name == "cross_entropy":
        total = sum(math.exp(v) for v in z)
        truth = [(1 - smoothing) * (c == y) + smoothing / n for c in range(n)]
        return -sum(t * math.log(math.exp(v) / total) for t, v in zip(truth, z, strict=True))
    if name == "binary_cross_entropy":
        result = 0.0
        for v, label in zip(z, y, strict=True):
            p, t = 1 / (1 + math.exp(-v)), (1 - smoothing) * label + smoothing / 2
            result -= t * math.log(p) + (1 - t) * math.log(1 - p)
        return result
    distances = [abs(v - target) for v, target in zip(z, y, strict=True)]
    if name == "squared_error":
        return sum(0.5 * d**2 for d in distances)
    if name == "absolute_error":
        return sum(distances)
    if name == "huber":
        return sum(0.5 * d**2 if d <= delta else delta * (d - 0.5 * delta) for d in distances)
    return sum(math.exp(v) - target * v for v, target in zip(z, y, strict=True))


@pytest.mark.parametrize(("name", "option"), CASES)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_against_loops(name, option, n, weighted, generator):
    Z, y = generator.normal(size=(7, n)), targets_for(name, 7, n, generator)
    weights = generator.uniform(0, 2, 7) if weighted else None
    rows = [loss_of_row(name, z, target, **option) for z, target in zip(Z.tolist(), y.tolist(), strict=True)]
    expected = np.average(rows, weights=weights)
    assert numpy_losses.LOSSES[name](Z, y, weights, **option)[0] == pytest.approx(expected, rel=1e-12)
    assert numpy_losses.loss(name, Z, y, weights, **option)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("name", "option"), CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_along_a_random_direction(name, option, weighted, generator):
    Z, y = generator.normal(size=(9, 4)), targets_for(name, 9, 4, generator)
    weights = generator.uniform(0, 2, 9) if weighted else None
    loss, direction, step = numpy_losses.LOSSES[name], generator.normal(size=Z.shape), 1e-6
    _, dZ = loss(Z, y, weights, **option)
    forward, back = (loss(Z + sign * step * direction, y, weights, **option)[0] for sign in (1, -1))
    assert np.sum(dZ * direction) == pytest.approx((forward - back) / (2 * step), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", numpy_losses.LOSSES)
def test_gradient_of_a_whole_network_with_weights_and_smoothing(name, generator):
    network = network_of((4, 6, 3), np.float64, generator, activation="tanh", loss=name)
    network.huber_delta = 0.7
    X, y = data_for(network, 9, generator)
    weights, smoothed = generator.uniform(0, 2, 9), Regularisation(label_smoothing=0.2)
    _, dWs, dbs = numpy_backend.loss_and_gradients(network, X, y, weights, smoothed)
    direction = [generator.normal(size=array.shape) for array in [*network.weights, *network.biases]]
    slope = sum(np.sum(g * v) for g, v in zip([*dWs, *dbs], direction, strict=True))

    def loss_at(step):
        moved = copy_of(network)
        for array, v in zip([*moved.weights, *moved.biases], direction, strict=True):
            array += step * v
        return numpy_backend.loss_and_gradients(moved, X, y, weights, smoothed)[0]

    assert slope == pytest.approx((loss_at(1e-6) - loss_at(-1e-6)) / 2e-6, rel=2e-6, abs=1e-8)


@pytest.mark.parametrize("name", numpy_losses.LOSSES)
def test_integer_weights_are_repeated_rows(name, generator):
    Z, y, times = generator.normal(size=(5, 3)), targets_for(name, 5, 3, generator), np.array([2, 0, 1, 3, 1])
    loss, dZ = numpy_losses.LOSSES[name](Z, y, times.astype(float))
    rows = np.repeat(np.arange(5), times)
    expected, expected_dZ = numpy_losses.LOSSES[name](Z[rows], y[rows])
    assert loss == pytest.approx(expected, rel=1e-12)
    summed = np.zeros_like(dZ)
    np.add.at(summed, rows, expected_dZ)
    np.testing.assert_allclose(dZ, summed, rtol=1e-12, atol=1e-15)


def test_a_batch_without_weight_has_no_loss_and_no_gradient(generator):
    loss, dZ = numpy_losses.squared_error(np.ones((2, 3)), np.zeros((2, 3)), np.zeros(2))
    assert loss == 0
    assert not dZ.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binary_cross_entropy_of_any_finite_logits_is_finite(dtype):
    Z = np.array([[1e30, -1e30], [np.finfo(dtype).max / 4, 0]], dtype)
    loss, dZ = numpy_losses.binary_cross_entropy(Z, np.array([[1, 0], [1, 1]], dtype))
    assert loss == pytest.approx(math.log(2) / 2)
    np.testing.assert_allclose(dZ, [[0, 0], [0, -0.25]], atol=1e-7)
    assert numpy_losses.binary_cross_entropy(Z, np.array([[0, 1], [0, 0]], dtype))[0] > 1e30


def test_rows_counted_as_correct():
    Z, y = np.array([[0.1, -0.1], [2, 3], [-1, -1]]), np.array([[1.0, 0], [1, 0], [0, 0]])
    assert numpy_losses.count_correct("binary_cross_entropy", Z, y) == 2
    assert numpy_losses.count_correct("cross_entropy", Z, np.array([0, 0, 0])) == 2
    assert numpy_losses.count_correct("huber", Z, y) == 0


def test_what_a_user_sees():
    Z = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(numpy_losses.outputs("binary_cross_entropy", Z), [[0.5, 1 / (1 + np.exp(-1))]])
    np.testing.assert_allclose(numpy_losses.outputs("poisson", Z), [[1, np.e]])
    np.testing.assert_array_equal(numpy_losses.outputs("absolute_error", Z), Z)
