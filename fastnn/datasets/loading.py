"""load(): a data set by name or by path; load_features(): samples to predict, from a file."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import inputs
from fastnn.datasets import csv_table, idx_folder, npz
from fastnn.datasets.digits import read_digits
from fastnn.datasets.files import kind_of
from fastnn.datasets.idx import read_idx
from fastnn.datasets.mnist import SOURCES, read_mnist
from fastnn.datasets.values import as_features
from fastnn.errors import DataError, InputError
from fastnn.inputs.options import brief

NAMES = ("digits", *SOURCES)
ACCEPTED_PATHS = "a CSV file, an .npz, or a folder of IDX files"

Pair = tuple[NDArray[Any], NDArray[Any]]
Parts = dict[str, Callable[[], Pair]]


def names() -> tuple[str, ...]:
    """List the data sets known by name."""
    return NAMES


def splits(name_or_path: str | os.PathLike[str]) -> tuple[str, ...]:
    """List the splits that the data has inside: ("train", "test"), one of them, or ("all",) for none."""
    return tuple(_parts(name_or_path, None, None))


def load(
    name_or_path: str | os.PathLike[str],
    split: str | None = None,
    *,
    label: str | int | None = None,
    pixels: bool | None = None,
) -> Pair:
    """Load a data set: "digits", "mnist", "fashion-mnist", or a path.

    Shapes   X (n, features): uint8 for images, float for other tables; y (n,): int64 for whole numbers,
             float64 for other numbers, strings for text
    Paths    a CSV file (see csv_table.read_csv), an .npz with x_train, y_train, x_test, y_test or X, y,
             a folder with the four IDX files of MNIST; gzipped or not. A name wins over a file of the
             same name: write ./mnist for the folder
    split    "train", "test", or "all" (train, then test); None is "train" for data with a split inside
             and everything for data without, which takes no "train" or "test": see datasets.split()
    label    a CSV's label column, by name or number (-1 is the last); None: "label", else the first
    pixels   what whole numbers 0..255 in files are: True: grey levels, uint8, which fastnn scales by
             1/255; False: plain numbers; None: grey levels if any is above 127 (an .npz or IDX file
             that says uint8 is believed)
    Errors   InputError for a wrong argument, DataError for an unusable file, DownloadError
    """
    _check_options(label, pixels)
    if split is not None:
        inputs.choice("split", split, ("train", "test", "all"))
    parts = _parts(name_or_path, label, pixels)
    if split is None:
        split = "all" if "all" in parts else "train"
    if split in parts:
        return parts[split]()
    if split == "all":
        pairs = [read() for read in parts.values()]
        return np.concatenate([X for X, _ in pairs]), np.concatenate([y for _, y in pairs])
    raise _no_such_split(name_or_path, split, parts)


def feature_names(
    name_or_path: str | os.PathLike[str], *, label: str | int | None = None
) -> list[str] | None:
    """What the columns of `load`'s X are called: the header of a CSV file; None for all other data.

    label    as for `load`
    Errors   as for `load`
    """
    path = Path(name_or_path).expanduser()
    if name_or_path in NAMES or path.is_dir() or kind_of(path) != "csv":
        return None
    return csv_table.feature_names(path, label)


def load_features(
    path: str | os.PathLike[str],
    n_features: int,
    label: str | int | None = None,
    pixels: bool | None = None,
) -> NDArray[Any]:
    """Load samples to predict from a CSV, .npz, .npy, or IDX file; labels are dropped.

    Shapes   X (n, n_features); images (n, height, width) are flattened, and one image alone is one row
    label    a CSV's label column; None: a file of n_features columns has none, a file of one more has
             "label", else its first
    pixels   as for `load`; a model trained on uint8 needs True, any other False: the values of a single
             file do not always tell
    Errors   DataError naming the file; InputError for a wrong argument
    """
    file, n_features = inputs.file_path("path", path), inputs.whole_number("n_features", n_features)
    _check_options(label, pixels)
    if file.is_dir():
        raise DataError(f"{file}: is a folder; give one of its files")
    kind = kind_of(file)
    if kind == "csv":
        return csv_table.read_csv_features(file, n_features, label, pixels)[0]
    _refuse_label(label, file)
    readers = {"npz": npz.read_features, "npy": npz.read_npy, "idx": read_idx}
    array = readers[kind](file)
    if array.size == n_features and array.shape[:1] != (1,):
        array = array.reshape(1, -1)
    X = as_features(array, pixels, file)
    if X.shape[1] != n_features:
        raise DataError(f"{file}: holds {X.shape[1]} features per sample, {n_features} are needed")
    return X


def _parts(name_or_path: str | os.PathLike[str], label: str | int | None, pixels: bool | None) -> Parts:
    """Map every split of the data to the function that reads it; nothing large is read yet."""
    if isinstance(name_or_path, str) and name_or_path in NAMES:
        _refuse_label(label, name_or_path)
        return _named_parts(name_or_path)
    path = inputs.file_path("name_or_path", name_or_path)
    with suppress(RuntimeError):  # ~ of a user who is not there
        path = path.expanduser()
    if not os.path.exists(path):  # False too for what no file can be called
        raise InputError(
            f"no data set or file {str(name_or_path)!r}: the data sets are {', '.join(NAMES)}; "
            f"a path may be {ACCEPTED_PATHS}"
        )
    return _path_parts(path, label, pixels)


def _named_parts(name: str) -> Parts:
    read = read_digits if name == "digits" else partial(read_mnist, SOURCES[name])
    return {split: partial(read, split) for split in ("train", "test")}


def _path_parts(path: Path, label: str | int | None, pixels: bool | None) -> Parts:
    kind = "folder" if path.is_dir() else kind_of(path)
    if kind == "csv":
        return {"all": partial(csv_table.read_csv, path, label, pixels)}
    _refuse_label(label, path)
    if kind == "folder":
        pairs = idx_folder.find_pairs(path)
        return {split: partial(idx_folder.read_pair, *pair, pixels) for split, pair in pairs.items()}
    if kind == "npz":
        return {
            split: partial(npz.read_pair, path, *pair, pixels) for split, pair in npz.splits_of(path).items()
        }
    raise DataError(f"{path}: a single {kind.upper()} file has no labels; give {ACCEPTED_PATHS}")


def _no_such_split(data: str | os.PathLike[str], split: str, parts: Parts) -> InputError:
    if "all" in parts:
        return InputError(
            f"split={split!r}: {os.fspath(data)} has no split inside; load all of it and part it with "
            "fastnn.datasets.split(X, y)"
        )
    return InputError(f"split={split!r}: {os.fspath(data)} holds only {', '.join(parts)}")


def _check_options(label: Any, pixels: Any) -> None:
    if isinstance(label, bool) or not (label is None or isinstance(label, str | int | np.integer)):
        raise InputError(f"label={brief(label)} must be a column's name or number, or None")
    if pixels is not None:
        inputs.yes_or_no("pixels", pixels)


def _refuse_label(label: str | int | None, data: str | Path) -> None:
    if label is not None:
        raise InputError(f"label={label!r}: only a CSV file has a label column to choose, {data} is none")
