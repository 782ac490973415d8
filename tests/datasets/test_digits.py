"""The shipped digits: complete, unchanged, and equal to scikit-learn's copy."""

import hashlib
from importlib import resources

import numpy as np
import pytest

from fastnn.datasets import load

from .make_digits import stretched

# Of the four arrays' bytes; only tests/datasets/make_digits.py may change it.
CONTENT = "7e26237e0a5e1c6097cdf9c12dfc590437a34ea52253928a4e793eb4a2753507"


def shipped() -> dict[str, np.ndarray]:
    with resources.files("fastnn.datasets").joinpath("digits.npz").open("rb") as file:
        return dict(np.load(file, allow_pickle=False))


def test_shapes_and_types():
    for split, n in (("train", 1437), ("test", 360), ("all", 1797), (None, 1437)):
        X, y = load("digits", split)
        assert (X.shape, X.dtype, y.shape, y.dtype) == ((n, 64), np.uint8, (n,), np.int64)
        assert X.min() == 0
        assert X.max() == 255


def test_classes():
    counts = np.bincount(load("digits", "all")[1])
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.abs(np.bincount(load("digits", "test")[1]) - counts * 360 / 1797).max() < 1


def test_grey_levels():
    assert set(np.unique(load("digits", "all")[0])) == set(stretched(range(17)).tolist())


def test_content():
    data = shipped()
    content = b"".join(data[name].tobytes() for name in ("x_train", "y_train", "x_test", "y_test"))
    assert hashlib.sha256(content).hexdigest() == CONTENT


def test_source_and_licence_travel_along():
    data = shipped()
    assert "Alpaydin" in str(data["source"])
    assert "CC BY 4.0" in str(data["licence"])
    assert "0..255" in str(data["changes"])


def test_every_row_is_there_once():
    data = shipped()
    rows = np.concatenate([data["train_rows"], data["test_rows"]])
    np.testing.assert_array_equal(np.sort(rows), np.arange(1797))


def test_equal_to_scikit_learns_copy():
    original = pytest.importorskip("sklearn.datasets").load_digits()
    data = shipped()
    for split in ("train", "test"):
        rows = data[f"{split}_rows"]
        X, y = load("digits", split)
        np.testing.assert_array_equal(X, stretched(original.data[rows]))
        np.testing.assert_array_equal(y, original.target[rows])
