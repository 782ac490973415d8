"""Splitting by class and one-hot labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.datasets import one_hot, split
from fastnn.datasets.preparation import split_indices
from fastnn.errors import InputError


@given(
    y=st.lists(st.integers(0, 4), min_size=2, max_size=80).map(np.array),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_split_by_class(y: np.ndarray, fraction: float, seed: int):
    counts = np.bincount(y)
    if counts.max() == 1:
        with pytest.raises(InputError, match="single row"):
            split_indices(y, fraction, np.random.default_rng(seed))
        return
    train, dev = split_indices(y, fraction, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, dev])), np.arange(len(y)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(dev) > 0).all()
    assert set(y[train]) == set(y)
    k = min(max(round(fraction * len(y)), 1), len(y) - 1)
    available = int((counts[counts > 0] - 1).sum())
    assert len(dev) == min(k, available)
    if (counts[counts > 0] > 1 / (1 - fraction) + 2).all():
        assert (np.abs(np.bincount(y[dev], minlength=len(counts)) - counts * k / len(y)) <= 1).all()


@pytest.mark.parametrize("y", [np.linspace(0, 1, 10), 10, np.ones((10, 2))], ids=["float", "n", "2-D"])
def test_plain_split(y: np.ndarray | int):
    train, dev = split_indices(y, 0.3, np.random.default_rng(0))
    assert len(dev) == 3
    np.testing.assert_array_equal(np.sort(np.concatenate([train, dev])), np.arange(10))


def test_split_keeps_rows_together_and_is_deterministic():
    X = np.arange(40).reshape(20, 2)
    y = np.array(list("ab") * 10)
    parts = split(X, y, 0.2, seed=3)
    X_train, y_train, X_dev, y_dev = parts
    assert X_train.shape == (16, 2)
    assert sorted(y_dev) == list("aabb")
    for rows, labels in ((X_train, y_train), (X_dev, y_dev)):
        np.testing.assert_array_equal(y[rows[:, 0] // 2], labels)
    for part, again in zip(parts, split(X, y, 0.2, seed=3), strict=True):
        np.testing.assert_array_equal(part, again)
    assert not np.array_equal(X_dev, split(X, y, 0.2, seed=4)[2])


def test_split_takes_a_generator():
    X, y = np.arange(10), np.zeros(10, int)
    first = split(X, y, 0.5, seed=np.random.default_rng(1))
    np.testing.assert_array_equal(first[0], split(X, y, 0.5, seed=1)[0])


def test_a_single_row_of_a_class_stays_in_training():
    y = np.array([0] * 8 + [1])
    for seed in range(20):
        assert 8 in split_indices(y, 0.5, np.random.default_rng(seed))[0]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_fraction_out_of_range(fraction: float):
    with pytest.raises(InputError, match=r"fraction=.* must be (a finite number above 0|below 1)"):
        split([1, 2], [0, 0], fraction)


def test_split_mistakes():
    with pytest.raises(InputError, match=r"one row per sample, got shapes \(3,\) and \(2,\)"):
        split([1, 2, 3], [0, 0])
    with pytest.raises(InputError, match="at least 2 rows, got 1"):
        split([1], [0])
    with pytest.raises(InputError, match="stratify=False"):
        split([1, 2, 3], [0, 1, 2])
    assert len(split([1, 2, 3], [0, 1, 2], stratify=False)[3]) == 1


def test_one_hot():
    encoded = one_hot([2, 0, 1])
    np.testing.assert_array_equal(encoded, np.eye(3)[[2, 0, 1]])
    assert encoded.dtype == np.float32
    assert one_hot(np.array([0, 1], np.uint8), 5, "float64").shape == (2, 5)
    assert one_hot([True, False]).tolist() == [[0, 1], [1, 0]]
    assert one_hot(np.array([], int), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("y", "n_classes", "message"),
    [
        ([0.5], None, "integer class numbers, got float64"),
        ([[0]], None, r"shape \(1, 1\)"),
        (["a"], None, "integer class numbers"),
        ([-1, 0], None, "it runs from -1 to 0"),
        ([0, 3], 3, r"0\.\.2, it runs from 0 to 3"),
        ([0], 0, "n_classes=0 must be a whole number, 1 or more"),
        (np.array([], int), None, "y is empty: say n_classes"),
    ],
)
def test_one_hot_mistakes(y: object, n_classes: int | None, message: str):
    with pytest.raises(InputError, match=message):
        one_hot(y, n_classes)
