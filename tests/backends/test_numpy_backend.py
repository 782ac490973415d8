"""The specification against naive loops and finite differences: if this fails, nothing else counts."""

import math

import numpy as np
import pytest

from fastnn.backends import numpy_backend
from fastnn.run_settings import RunSettings
from tests.checks import copy_of, data_for, network_of

SHAPES = [(1, 1, 1), (2, 3, 1), (5, 4, 3), (7, 10, 2)]


def naive_product(A, B):
    result = np.zeros((len(A), len(B[0])))
    for i in range(len(A)):
        for j in range(len(B[0])):
            for k in range(len(B)):
                result[i, j] += A[i][k] * B[k][j]
    return result


@pytest.mark.parametrize(("m", "fan_in", "fan_out"), SHAPES)
def test_dense_layer_against_loops(m, fan_in, fan_out, generator):
    X, W = generator.normal(size=(m, fan_in)), generator.normal(size=(fan_in, fan_out))
    b, dZ = generator.normal(size=fan_out), generator.normal(size=(m, fan_out))

    np.testing.assert_allclose(numpy_backend.dense_forward(X, W, b), naive_product(X, W) + b, rtol=1e-12)
    dW, db, dX = numpy_backend.dense_backward(X, W, dZ)
    np.testing.assert_allclose(dW, naive_product(X.T, dZ), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(db, [sum(dZ[s, n] for s in range(m)) for n in range(fan_out)], rtol=1e-12)
    np.testing.assert_allclose(dX, naive_product(dZ, W.T), rtol=1e-12, atol=1e-14)


def test_first_layer_needs_no_input_gradient(generator):
    X, W, dZ = generator.normal(size=(3, 4)), generator.normal(size=(4, 2)), generator.normal(size=(3, 2))
    assert numpy_backend.dense_backward(X, W, dZ, input_gradient=False)[2] is None


SCALAR_ACTIVATIONS = {
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "gelu": lambda z: 0.5 * z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softplus": lambda z: math.log1p(math.exp(z)),
    "tanh": math.tanh,
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "identity": lambda z: z,
}


@pytest.mark.parametrize("name", numpy_backend.ACTIVATIONS)
def test_activation_and_derivative_against_scalars(name):
    z = np.array([[-30.0, -2.5, -0.3, 0.2, 1.0, 7.5, 30.0]])
    g = SCALAR_ACTIVATIONS[name]
    np.testing.assert_allclose(
        numpy_backend.activate(name, z)[0], [g(v) for v in z[0]], rtol=1e-9, atol=1e-15
    )
    slope = [(g(v + 1e-6) - g(v - 1e-6)) / 2e-6 for v in z[0]]
    np.testing.assert_allclose(numpy_backend.activation_derivative(name, z)[0], slope, rtol=1e-6, atol=1e-8)


def test_relu_keeps_nan():
    assert np.isnan(numpy_backend.relu(np.array([[np.nan]]))).all()


def test_softmax_against_loops_and_rows_are_independent():
    logits = np.array([[1.0, 2.0, 3.0], [-5.0, 0.0, 5.0]])
    expected = [[math.exp(v) / sum(math.exp(u) for u in row) for v in row] for row in logits]
    np.testing.assert_allclose(numpy_backend.softmax(logits), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_of_any_finite_logits_is_finite(dtype):
    largest = np.finfo(dtype).max
    logits = np.array([[largest, 0, -1], [1e30, 1e30, -1e30], [-1e30, -1e30, -1e30]], dtype)
    P = numpy_backend.softmax(logits)
    loss, dZ = numpy_backend.softmax_cross_entropy(logits, np.array([0, 1, 2]))
    assert np.isfinite(P).all()
    assert np.isfinite(dZ).all()
    assert math.isfinite(loss)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)


def test_cross_entropy_against_loops():
    logits, labels = np.array([[0.2, -1.0, 3.0], [2.0, 2.0, 2.0]]), np.array([2, 0])
    loss, dZ = numpy_backend.softmax_cross_entropy(logits, labels)
    P = numpy_backend.softmax(logits)
    assert loss == pytest.approx(-(math.log(P[0, 2]) + math.log(P[1, 0])) / 2, rel=1e-14)
    np.testing.assert_allclose(dZ, (P - np.array([[0, 0, 1], [1, 0, 0]])) / 2, rtol=1e-14)


def test_loss_of_a_certain_mistake_is_not_infinite():
    # −log P would be −log 0; the loss is the difference of the logits
    assert numpy_backend.softmax_cross_entropy(np.array([[1000.0, 0.0]]), np.array([1]))[0] == pytest.approx(
        1000
    )


def test_squared_error_against_loops():
    outputs, targets = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[0.0, 2.0], [2.0, -1.0]])
    loss, dZ = numpy_backend.squared_error(outputs, targets)
    assert loss == pytest.approx((0.5 * 1 + 0.5 * 4) / 2)
    np.testing.assert_allclose(dZ, [[0.5, 0], [-1, 0]])


def test_update():
    W = np.array([[1.0, 2.0]], np.float32)
    numpy_backend.sgd_update(W, np.array([[10.0, -10.0]], np.float32), 0.1)
    np.testing.assert_allclose(W, [[0, 3]], atol=1e-6)
    assert W.dtype == np.float32


@pytest.mark.parametrize("activation", numpy_backend.ACTIVATIONS)
@pytest.mark.parametrize("loss", numpy_backend.LOSSES)
@pytest.mark.parametrize("hidden", [(), (5,), (6, 4, 3)])
def test_gradients_along_a_random_direction(activation, loss, hidden, generator):
    """⟨gradient, v⟩ equals the central difference of the loss along v, in float64."""
    network = network_of((4, *hidden, 3), np.float64, generator, activation=activation, loss=loss)
    X, y = data_for(network, 9, generator)
    _, dWs, dbs = numpy_backend.loss_and_gradients(network, X, y)
    direction = [generator.normal(size=array.shape) for array in [*network.weights, *network.biases]]
    slope = sum(np.sum(g * v) for g, v in zip([*dWs, *dbs], direction, strict=True))

    def loss_at(step):
        moved = copy_of(network)
        for array, v in zip([*moved.weights, *moved.biases], direction, strict=True):
            array += step * v
        return numpy_backend.loss_and_gradients(moved, X, y)[0]

    numeric = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6
    assert slope == pytest.approx(numeric, rel=2e-6, abs=1e-8)


def test_the_gradient_check_can_fail(generator):
    network = network_of((4, 5, 3), np.float64, generator)
    X, y = data_for(network, 9, generator)
    _, dWs, _ = numpy_backend.loss_and_gradients(network, X, y)
    _, wrong, _ = numpy_backend.loss_and_gradients(network, X[::-1], y)
    assert not np.allclose(dWs[0], wrong[0], rtol=1e-3)


def test_an_epoch_is_the_composition_of_its_leaves(generator):
    network = network_of((4, 5, 3), np.float64, generator)
    X, y = data_for(network, 10, generator)
    expected, order = copy_of(network), generator.permutation(10)
    losses, correct = [], 0
    for rows in (order[:4], order[4:8], order[8:]):
        loss, dWs, dbs = numpy_backend.loss_and_gradients(expected, X[rows], y[rows])
        correct += int(np.sum(numpy_backend.predict(expected, X[rows]).argmax(axis=1) == y[rows]))
        losses.append(loss)
        for array, gradient in zip([*expected.weights, *expected.biases], [*dWs, *dbs], strict=True):
            array -= 0.1 * gradient
    run = numpy_backend.open_run(network, X, y, RunSettings(batch_size=4))
    assert run.epoch(order, np.full(3, 0.1)) == (pytest.approx(losses), correct)
    for W, expected_W in zip(network.weights, expected.weights, strict=True):
        np.testing.assert_allclose(W, expected_W, rtol=1e-14)


def test_evaluate_and_predict_in_blocks_equal_one_pass(generator):
    network = network_of((3, 4, 2), np.float64, generator)
    X, y = data_for(network, 5000, generator)  # more than one block
    loss, n_correct = numpy_backend.evaluate(network, X, y)
    assert loss == pytest.approx(numpy_backend.loss_and_gradients(network, X, y)[0], rel=1e-12)
    assert n_correct == np.sum(numpy_backend.predict(network, X).argmax(axis=1) == y)
