"""Reader for .npz and .npy files: the keras layout, or X and y; never pickled objects."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.files import open_binary
from fastnn.datasets.values import as_features, as_labels
from fastnn.errors import DataError

FEATURE_NAMES = ("x", "data", "images", "features", "arr_0")
LABEL_NAMES = ("y", "target", "labels", "label", "arr_1")
ACCEPTED = "x_train, y_train, x_test, y_test or X, y (also data, target)"

Pair = tuple[NDArray[Any], NDArray[Any]]


def splits_of(path: Path) -> dict[str, tuple[str, str]]:
    """Map each split of an .npz to its two arrays' names; a file without a split has only "all".

    Errors   DataError when the names fit neither layout
    """
    names = _names(path)
    keras = {
        s: (names[f"x_{s}"], names[f"y_{s}"]) for s in ("train", "test") if {f"x_{s}", f"y_{s}"} <= {*names}
    }
    if keras:
        return keras
    x = next((names[name] for name in FEATURE_NAMES if name in names), None)
    y = next((names[name] for name in LABEL_NAMES if name in names), None)
    if x is None or y is None:
        raise DataError(f"{path}: must hold {ACCEPTED}; it holds {_listed(names)}")
    return {"all": (x, y)}


def read_pair(path: Path, x_name: str, y_name: str, pixels: bool | None = None) -> Pair:
    """Read features and labels by their arrays' names.

    Shapes   (n, …) and (n,) -> X (n, features), y (n,)
    """
    X = as_features(read_array(path, x_name), pixels, path)
    y = as_labels(read_array(path, y_name), path)
    if len(X) != len(y):
        raise DataError(f"{path}: {x_name} has {len(X)} samples but {y_name} has {len(y)} labels")
    return X, y


def read_features(path: Path) -> NDArray[Any]:
    """Read the samples of an .npz: X (or data, images, features), or its only array; any shape."""
    names = _names(path)
    name = next((names[name] for name in FEATURE_NAMES if name in names), None)
    if name is None and len(names) == 1:
        name = next(iter(names.values()))
    if name is None:
        raise DataError(f"{path}: which array holds the samples? Name it X; the file holds {_listed(names)}")
    return read_array(path, name)


def read_array(path: Path, name: str) -> NDArray[Any]:
    """Read the array `name` of an .npz."""
    with _numpy_errors(path, name), open_binary(path) as file, np.load(file, allow_pickle=False) as loaded:
        return np.asarray(loaded[name])


def read_npy(path: Path) -> NDArray[Any]:
    """Read the one array of an .npy."""
    with _numpy_errors(path, "the array"), open_binary(path) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


@contextmanager
def _numpy_errors(path: Path, name: str) -> Iterator[None]:
    """Turn what NumPy and zipfile raise into one DataError line.

    Objects are refused because reading them means unpickling, which can run anything.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # a damaged zip or header sets off nearly any exception
        if "Object arrays" in str(error):
            raise DataError(f"{path}: {name} holds Python objects; save numbers or text instead") from None
        raise DataError(f"{path}: damaged, or no NumPy file ({_one_line(str(error))})") from None


def _names(path: Path) -> dict[str, str]:
    """Map lower-case array names to the names in the file."""
    with (
        _numpy_errors(path, "the file"),
        open_binary(path) as file,
        np.load(file, allow_pickle=False) as loaded,
    ):
        return {name.lower(): name for name in loaded.files}


def _listed(names: dict[str, str]) -> str:
    return _one_line(", ".join(names.values())) or "no arrays"


def _one_line(text: str) -> str:
    return " ".join(text.split())
