"""Reader for .npz and .npy files: the keras layout, or X and y; never pickled objects.

The bytes of an array are read first, and compared with what its header declares: nothing is allocated on a
header's word.
"""

import io
import math
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.files import UNPACKED_TIMES, most_unpacked, open_binary, read_exactly
from fastnn.datasets.values import as_features, as_labels
from fastnn.errors import DataError

FEATURE_NAMES = ("x", "data", "images", "features", "arr_0")
LABEL_NAMES = ("y", "target", "labels", "label", "arr_1")
ACCEPTED = "x_train, y_train, x_test, y_test or X, y (also data, target)"

SUFFIX = ".npy"  # of the names in an .npz
HEADER_BYTES = 1 << 15  # NumPy refuses longer ones than 10,000

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
    with _numpy_errors(path), open_binary(path) as file, zipfile.ZipFile(file) as archive:
        member = archive.getinfo(name + SUFFIX if name + SUFFIX in archive.namelist() else name)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{path}: {name} is packed in a way that NumPy does not write; save it anew")
        if member.file_size > most_unpacked(member.compress_size):
            raise DataError(
                f"{path}: {name} unpacks to more than {UNPACKED_TIMES} times its size, as zip bombs do; if "
                "it is sound, save it with np.savez"
            )
        with archive.open(member) as packed:
            return _array(path, name, read_exactly(cast(BinaryIO, packed), member.file_size))


def read_npy(path: Path) -> NDArray[Any]:
    """Read the one array of an .npy."""
    with _numpy_errors(path), open_binary(path) as file:
        return _array(path, "the array", read_exactly(file, sys.maxsize))


def _array(path: Path, name: str, content: bytearray) -> NDArray[Any]:
    """The array in the bytes of an .npy; it uses their memory.

    Errors   DataError where they are not as many as the header declares, or Python objects: reading those
             would mean unpickling, which can run anything
    """
    head = io.BytesIO(content[:HEADER_BYTES])
    version = np.lib.format.read_magic(head)
    read_header = (
        np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read_header(head)
    if dtype.hasobject:
        raise DataError(f"{path}: {name} holds Python objects; save numbers or text instead")
    n_bytes, declared = len(content) - head.tell(), math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or n_bytes != declared:
        raise DataError(f"{path}: {name} declares {declared} bytes but holds {n_bytes}; cut off or damaged")
    values = np.require(np.frombuffer(content, dtype, offset=head.tell()), requirements=["A", "W"])
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)


@contextmanager
def _numpy_errors(path: Path) -> Iterator[None]:
    """Turn what NumPy and zipfile raise into one DataError line."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # a damaged zip or header sets off nearly any exception
        raise DataError(f"{path}: damaged, or no NumPy file ({_one_line(str(error))})") from None


def _names(path: Path) -> dict[str, str]:
    """Map lower-case array names to the names in the file."""
    with _numpy_errors(path), open_binary(path) as file, zipfile.ZipFile(file) as archive:
        names = [name.removesuffix(SUFFIX) for name in archive.namelist()]
    twice = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    if twice:
        raise DataError(f"{path}: holds more than one array called {_one_line(twice[0])[:60]!r}")
    return {name.lower(): name for name in names}


def _listed(names: dict[str, str]) -> str:
    return _one_line(", ".join(names.values())) or "no arrays"


def _one_line(text: str) -> str:
    return " ".join(text.split())
