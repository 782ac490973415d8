"""What y is taken for, how it is encoded, and what is said about y that cannot be meant."""

import numpy as np
import pytest

from fastnn import inputs
from fastnn.errors import InputError

FLOAT = np.dtype("float32")
MIXED = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
ONE_HOT = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]])


def targets(y, loss="auto"):
    return inputs.targets(y, len(y), loss=loss, dtype=FLOAT)


@pytest.mark.parametrize(
    ("y", "loss"),
    [
        ([0, 1, 1], "cross_entropy"),
        ([True, False, True], "cross_entropy"),
        (["a", "b", "a"], "cross_entropy"),
        (ONE_HOT, "cross_entropy"),
        (ONE_HOT.astype(bool), "cross_entropy"),
        (ONE_HOT.astype(float), "cross_entropy"),
        (MIXED, "binary_cross_entropy"),
        (MIXED.astype(bool), "binary_cross_entropy"),
        (MIXED.astype(np.uint8).tolist(), "binary_cross_entropy"),
        (np.zeros((3, 2), int), "binary_cross_entropy"),
        (MIXED.astype(float), "squared_error"),
        ([[0.5], [1.5], [2.5]], "squared_error"),
        ([[0], [1], [1]], "cross_entropy"),
    ],
)
def test_auto(y, loss):
    assert targets(y).loss == loss
    assert inputs.loss_for(np.asarray(y)) == loss


@pytest.mark.parametrize("kind", [int, bool, np.float64])
def test_labels_of_their_own(kind):
    found = targets(MIXED.astype(kind), "binary_cross_entropy")
    np.testing.assert_array_equal(found.values, MIXED)
    assert found.values.dtype == FLOAT
    assert found.values.flags.c_contiguous
    np.testing.assert_array_equal(found.classes, [0, 1, 2])
    assert found.n_outputs == 3


@pytest.mark.parametrize("y", [ONE_HOT, ONE_HOT[:, 0], ONE_HOT[:, :1], ONE_HOT[:, 0] == 1, [1.0, 0.0, 0.0]])
def test_binary_cross_entropy_by_name_takes_any_zeros_and_ones(y):
    found = targets(y, "binary_cross_entropy")
    width = 3 if np.ndim(y) == 2 and np.shape(y)[1] == 3 else 1
    assert found.values.shape == (3, width)
    assert found.loss == "binary_cross_entropy"
    assert len(found.classes) == width


@pytest.mark.parametrize("loss", inputs.REGRESSION_LOSSES)
def test_regressions_by_name_take_any_numbers(loss):
    found = targets([3, 0, 7], loss)
    np.testing.assert_array_equal(found.values, [[3], [0], [7]])
    assert (found.loss, found.classes, found.n_outputs, found.values.dtype) == (loss, None, 1, FLOAT)


@pytest.mark.parametrize(
    ("y", "loss", "message"),
    [
        ([0, 1, 2], "binary_cross_entropy", "y holds 2; binary_cross_entropy needs 0 or 1"),
        ([0.0, 0.5, 1.0], "binary_cross_entropy", "y holds 0.5; binary_cross_entropy needs 0 or 1"),
        (["no", "yes"], "binary_cross_entropy", "y holds 'no'; binary_cross_entropy needs 0 or 1"),
        ([[0, 2], [1, 1]], "auto", r"y has shape \(2, 2\) but is not one-hot"),
        (MIXED, "cross_entropy", "not one-hot .* a matrix of 0 and 1 for several labels a row"),
        ([1.0, -0.5], "poisson", r"y holds -0\.5; poisson needs counts, 0 or more"),
        (["1", "2"], "huber", "y holds strings; huber needs numbers"),
        ([1e300, 0], "absolute_error", "y as float32 holds inf"),
        ([0, 1], "hinge", "loss='hinge' is unknown"),
    ],
)
def test_mistakes(y, loss, message):
    with pytest.raises(InputError, match=message) as caught:
        targets(y, loss)
    assert "\n" not in str(caught.value)


def known(y, loss, n_outputs, n_rows=3):
    classes = np.arange(n_outputs) if loss in inputs.CLASSIFIER_LOSSES else None
    return inputs.known_targets(y, n_rows, loss=loss, classes=classes, n_outputs=n_outputs, dtype=FLOAT)


def test_known_targets_of_every_kind():
    # one-hot in every row by chance, and still several labels a row
    np.testing.assert_array_equal(known(ONE_HOT, "binary_cross_entropy", 3), ONE_HOT)
    np.testing.assert_array_equal(known([1, 0, 1], "binary_cross_entropy", 1), [[1], [0], [1]])
    np.testing.assert_array_equal(known(ONE_HOT, "cross_entropy", 3), [0, 2, 1])
    np.testing.assert_array_equal(known([2, 0, 1], "cross_entropy", 3), [2, 0, 1])
    for loss in inputs.REGRESSION_LOSSES:
        np.testing.assert_array_equal(known([3, 0, 7], loss, 1), [[3], [0], [7]])


@pytest.mark.parametrize(
    ("y", "loss", "n_outputs", "message"),
    [
        (MIXED[:, :2], "binary_cross_entropy", 3, "y has 2 labels a row, but the model has 3"),
        ([1, 0, 1], "binary_cross_entropy", 3, "y has 1 label a row, but the model has 3"),
        (MIXED * 2, "binary_cross_entropy", 3, "y holds 2; binary_cross_entropy needs 0 or 1"),
        (MIXED, "cross_entropy", 3, "pass 3 labels or a one-hot"),
        (MIXED, "huber", 2, "y has 3 outputs a row, but the model has 2"),
        ([1, -1, 0], "poisson", 1, r"y holds -1\.0; poisson needs counts"),
    ],
)
def test_known_targets_that_do_not_fit(y, loss, n_outputs, message):
    with pytest.raises(InputError, match=message):
        known(y, loss, n_outputs)
