"""Dropout masks: the share is right, masks differ where they should, and repeat where they must."""

import numpy as np
import pytest

from fastnn.backends import numpy_backend, numpy_dropout
from tests.checks import data_for, network_of

FLOAT = np.dtype(np.float64)


def mask(seed=1, step=1, layer=0, shape=(200, 300), rate=0.3):
    return numpy_dropout.mask(seed, step, layer, shape, rate, FLOAT)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
def test_share_and_scale(rate):
    values = mask(rate=rate)
    assert set(np.unique(values)) == {0.0, values.max()}
    assert values.max() == pytest.approx(1 / (1 - rate), rel=1e-9)
    deviation = np.sqrt(rate * (1 - rate) / values.size)
    assert abs(np.mean(values == 0) - rate) < 5 * deviation


def test_rows_and_units_are_independent():
    dropped = (mask(shape=(400, 400)) == 0).astype(float)
    for axis in (0, 1):
        shares = dropped.mean(axis=axis)
        assert shares.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 400), rel=0.15)
    for shifted in (
        np.roll(dropped, 1, axis=0),
        np.roll(dropped, 1, axis=1),
        np.roll(dropped, (1, 1), (0, 1)),
    ):
        assert abs(np.corrcoef(dropped.ravel(), shifted.ravel())[0, 1]) < 0.015


@pytest.mark.parametrize("other", [{"seed": 2}, {"step": 2}, {"layer": 1}])
def test_other_counters_give_other_masks(other):
    assert abs(np.corrcoef(mask().ravel(), mask(**other).ravel())[0, 1]) < 0.02


def test_the_same_counters_give_the_same_mask():
    np.testing.assert_array_equal(mask(), mask())
    np.testing.assert_array_equal(mask(shape=(50, 40)), mask()[:50, :40])  # a row does not know the batch


def test_known_numbers():
    """SplitMix64's first outputs for seed 0, as published with the generator, upper halves."""
    expected = [0xE220A8397B1DCDAF >> 32, 0x6E789E6AA1B965F4 >> 32, 0x06C45D188009454F >> 32]
    assert numpy_dropout.row_keys(0, 0, 0, 3).tolist() == expected


def test_gradients_with_dropout_along_a_random_direction(generator):
    network = network_of((6, 8, 7, 3), np.float64, generator, activation="tanh")
    X, y = data_for(network, 9, generator)
    masks = [numpy_dropout.mask(3, 1, layer, (9, width), 0.4, FLOAT) for layer, width in enumerate((6, 8, 7))]

    def loss_at(step):
        weights = [W + step * v for W, v in zip(network.weights, direction, strict=True)]
        moved = network_of((6, 8, 7, 3), np.float64, np.random.default_rng(0), activation="tanh")
        moved.weights, moved.biases = weights, network.biases
        return numpy_backend.softmax_cross_entropy(numpy_backend.forward(moved, X, masks)[1][-1], y)[0]

    direction = [generator.normal(size=W.shape) for W in network.weights]
    inputs, preactivations = numpy_backend.forward(network, X, masks)
    _, dZ = numpy_backend.softmax_cross_entropy(preactivations[-1], y)
    dWs, _ = numpy_backend.backward(network, inputs, preactivations, dZ, masks)
    slope = sum(np.sum(g * v) for g, v in zip(dWs, direction, strict=True))
    assert slope == pytest.approx((loss_at(1e-6) - loss_at(-1e-6)) / 2e-6, rel=1e-6)
