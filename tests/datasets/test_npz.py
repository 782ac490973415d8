"""NumPy files: the two layouts, and nothing pickled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.datasets import load, load_features
from fastnn.errors import DataError, InputError

IMAGES = np.arange(5 * 6, dtype=np.uint8).reshape(5, 2, 3)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


def save(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def test_keras_layout(tmp_path: Path):
    path = save(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2])
    for split, n in ((None, 5), ("train", 5), ("test", 2), ("all", 7)):
        X, y = load(path, split)
        assert X.shape == (n, 6)
        assert X.dtype == np.uint8
        assert y.shape == (n,)
        assert y.dtype == np.int64


@pytest.mark.parametrize("names", [("X", "y"), ("x", "Y"), ("data", "target"), ("images", "labels")])
def test_one_part(tmp_path: Path, names: tuple[str, str]):
    path = save(tmp_path, **{names[0]: IMAGES, names[1]: LABELS})
    for split in (None, "all"):
        X, y = load(path, split)
        np.testing.assert_array_equal(X, IMAGES.reshape(5, 6))
        np.testing.assert_array_equal(y, LABELS)
    with pytest.raises(InputError, match=r"no split inside.*fastnn.datasets.split"):
        load(path, "test")


TYPES = {
    "uint8 is believed": (np.uint8, 1, None, np.uint8),
    "int64 pixels": (np.int64, 255, None, np.uint8),
    "int64 counts": (np.int64, 9, None, np.float64),
    "float32": (np.float32, 255, None, np.float32),
    "float64": (np.float64, 255, None, np.float64),
    "float16": (np.float16, 1, None, np.float32),
    "bool": (np.bool_, 1, None, np.float32),
    "float pixels": (np.float64, 255, True, np.uint8),
    "uint8 numbers": (np.uint8, 255, False, np.float32),
}


@pytest.mark.parametrize(("dtype", "largest", "pixels", "expected"), TYPES.values(), ids=TYPES)
def test_types(tmp_path: Path, dtype: Any, largest: int, pixels: bool | None, expected: Any):
    X = np.array([[0, largest]]).astype(dtype)
    read, _ = load(save(tmp_path, X=X, y=[1]), pixels=pixels)
    assert read.dtype == expected
    np.testing.assert_array_equal(read, X)


LABEL_TYPES = {
    "strings": (np.array(["a", "b"]), "<U1"),
    "bools": (np.array([True, False]), "?"),
    "float32": (np.array([1.5, 2], np.float32), "f8"),
    "column": (np.array([[1], [2]]), "i8"),
    "two targets": (np.array([[1.0, 2], [3, 4]]), "f8"),
    "two labels": (np.array([[1, 1], [0, 1]], np.uint8), "i8"),
    "two flags": (np.array([[True, True], [False, True]]), "?"),
}


@pytest.mark.parametrize(("y", "dtype"), LABEL_TYPES.values(), ids=LABEL_TYPES)
def test_label_types(tmp_path: Path, y: Any, dtype: str):
    read = load(save(tmp_path, X=np.ones((2, 2)), y=y))[1]
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, y[:, 0] if y.shape == (2, 1) else y)


OBJECTS = np.array([{"a": 1}, None], object)
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "it holds no arrays"),
    "other names": ({"foo": [1]}, "must hold x_train, .* it holds foo"),
    "no labels": ({"X": [[1]]}, "must hold"),
    "lengths": ({"X": [[1], [2]], "y": [1]}, "X has 2 samples but y has 1"),
    "objects": ({"X": OBJECTS, "y": [1, 2]}, "X holds Python objects"),
    "text features": ({"X": [["a"], ["b"]], "y": [1, 2]}, "must be numbers"),
    "scalar": ({"X": 1, "y": [1]}, "one row per sample"),
    "tables of labels": ({"X": [[1]], "y": [[0, 2]]}, "one number or string per sample"),
}


@pytest.mark.parametrize(("arrays", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(tmp_path: Path, arrays: dict[str, Any], message: str):
    path = save(tmp_path, **arrays)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_npz(tmp_path: Path):
    path = save(tmp_path, X=np.ones((100, 100)), y=np.ones(100))
    content = path.read_bytes()
    for damaged in (content[:-100], content[:200], content[:40000] + b"x" * 50 + content[40050:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            load(path)


def test_features(tmp_path: Path):
    flat = IMAGES.reshape(5, 6)
    for arrays in ({"X": IMAGES, "y": LABELS}, {"anything": IMAGES}, {"data": flat}, {"arr_0": flat}):
        np.testing.assert_array_equal(load_features(save(tmp_path, **arrays), 6), flat)
    with pytest.raises(DataError, match="Name it X; the file holds a, b"):
        load_features(save(tmp_path, a=flat, b=flat), 6)


def test_npy_features(tmp_path: Path):
    path = tmp_path / "samples.npy"
    np.save(path, IMAGES)
    np.testing.assert_array_equal(load_features(path, 6), IMAGES.reshape(5, 6))
    np.save(path, IMAGES[0])  # a single image is one row
    np.testing.assert_array_equal(load_features(path, 6), IMAGES[0].reshape(1, 6))
    with pytest.raises(DataError, match="holds 3 features per sample, 4 are needed"):
        load_features(path, 4)
    with pytest.raises(DataError, match="single NPY file has no labels"):
        load(path)
    np.save(path, OBJECTS)
    with pytest.raises(DataError, match="Python objects"):
        load_features(path, 4)
