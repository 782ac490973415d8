"""The specification's optimizers and limits against scalar code written from the papers."""

import math

import numpy as np
import pytest

from fastnn.backends import numpy_updates
from fastnn.optimizers import SGD, Adam, AdamW, RMSprop
from fastnn.regularisation import Regularisation

GRADIENTS = [0.5, -2.0, 0.1, 0.0, 3.0]


def path(optimizer, regularisation=None, start=1.0, rate=0.1):
    """Positions of one weight that meets GRADIENTS."""
    W, b = np.array([[start]]), np.zeros(1)
    states = [{slot: np.zeros_like(array) for slot in optimizer.slots} for array in (W, b)]
    positions = []
    for step, gradient in enumerate(GRADIENTS, 1):
        numpy_updates.descend(
            optimizer,
            regularisation or Regularisation(),
            [W],
            [b],
            [np.array([[gradient]])],
            [np.zeros(1)],
            states,
            rate,
            step,
        )
        positions.append(W.item())
    return positions


def test_plain():
    expected, w = [], 1.0
    for g in GRADIENTS:
        w -= 0.1 * g
        expected.append(w)
    assert path(SGD()) == pytest.approx(expected)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov):
    expected, w, v = [], 1.0, 0.0
    for g in GRADIENTS:
        v = 0.9 * v + g
        w -= 0.1 * (g + 0.9 * v if nesterov else v)
        expected.append(w)
    assert path(SGD(momentum=0.9, nesterov=nesterov)) == pytest.approx(expected)


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(weight_decay=0.3)])
def test_adam(optimizer):
    expected, w, m, v = [], 1.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        w *= 1 - 0.1 * optimizer.weight_decay
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.1 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
        expected.append(w)
    assert path(optimizer) == pytest.approx(expected)


def test_rmsprop():
    expected, w, v = [], 1.0, 0.0
    for g in GRADIENTS:
        v = 0.9 * v + 0.1 * g * g
        w -= 0.1 * g / (math.sqrt(v) + 1e-8)
        expected.append(w)
    assert path(RMSprop()) == pytest.approx(expected)


def test_penalties_and_clipping_come_before_the_step():
    expected, w = [], -1.0
    for g in GRADIENTS:
        g += 0.5 * w + 0.2 * np.sign(w)
        w -= 0.1 * max(-0.4, min(0.4, g))
        expected.append(w)
    assert path(SGD(), Regularisation(l2=0.5, l1=0.2, clip_value=0.4), start=-1.0) == pytest.approx(expected)


def test_decay_is_beside_the_gradient():
    expected, w = [], 1.0
    for g in GRADIENTS:
        w = w * (1 - 0.1 * 0.5) - 0.1 * g
        expected.append(w)
    assert path(SGD(), Regularisation(weight_decay=0.5)) == pytest.approx(expected)


def test_clipping_by_norm_shortens_all_gradients_together(generator):
    gradients = [generator.normal(size=(4, 3)), generator.normal(size=3)]
    length = math.sqrt(sum(float(np.sum(g**2)) for g in gradients))
    clipped = [g.copy() for g in gradients]
    numpy_updates.clip(clipped, None, length / 2)
    for before, after in zip(gradients, clipped, strict=True):
        np.testing.assert_allclose(after, before / 2)
    unchanged = [g.copy() for g in gradients]
    numpy_updates.clip(unchanged, None, 2 * length)
    np.testing.assert_array_equal(unchanged[0], gradients[0])


def test_max_norm_shortens_long_columns_only():
    W = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]])
    numpy_updates.limit_norms(W, 1.0)
    np.testing.assert_allclose(W, [[0.6, 0.3, 0.0], [0.8, 0.4, 0.0]])


def test_penalty_is_what_its_gradient_says(generator):
    weights = [generator.normal(size=(3, 2)), generator.normal(size=(2, 2))]
    gradients, direction = (
        [np.zeros_like(W) for W in weights],
        [generator.normal(size=W.shape) for W in weights],
    )
    numpy_updates.add_penalty_gradients(weights, gradients, 0.3, 0.2)
    slope = sum(np.sum(g * v) for g, v in zip(gradients, direction, strict=True))
    ends = [
        numpy_updates.penalty([W + h * v for W, v in zip(weights, direction, strict=True)], 0.3, 0.2)
        for h in (1e-6, -1e-6)
    ]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)
