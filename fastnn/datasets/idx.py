"""Reader for IDX files, the format of MNIST: any of its six number types, any shape, gzipped or not.

Layout   two zero bytes, a type code, the number of dimensions, each dimension as a big-endian uint32,
         then the values, big-endian, last dimension fastest
Source   Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998), appendix
"""

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.files import open_binary, read_exactly
from fastnn.errors import DataError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# The least that every NumPy allows (64 since NumPy 2.0); real files have at most four.
MAX_DIMENSIONS = 32


def read_idx(path: Path) -> NDArray[Any]:
    """Read one IDX file into a writable array of the machine's byte order and the file's shape.

    Errors   DataError, one line, when the file is missing, is no IDX file, is cut off, has bytes left
             over, or declares more values than it holds (nothing is allocated for those)
    """
    with open_binary(path) as file:
        dtype, shape = _read_header(path, file)
        n_bytes = math.prod(shape) * dtype.itemsize
        content = read_exactly(file, n_bytes + 1)  # one more, to notice what is left over
    if len(content) < n_bytes:
        raise DataError(
            f"{path}: declares {_times(shape)} values of {dtype.itemsize} bytes but holds only "
            f"{len(content)} bytes of them: cut off or damaged; fetch it again"
        )
    if len(content) > n_bytes:
        raise DataError(f"{path}: has bytes left over after its {_times(shape)} values; not a sound IDX file")
    try:
        values = np.frombuffer(content, dtype).reshape(shape)
    except ValueError:  # e.g. 0 × 4294967295 × 4294967295 values: no bytes, yet beyond NumPy
        raise DataError(f"{path}: declares the impossible shape {_times(shape)}") from None
    # A copy, for NumPy asks the system for large pages: rows gathered at random then wait less for addresses.
    return values.astype(dtype.type)  # of the machine's byte order


def _read_header(path: Path, file: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = read_exactly(file, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        raise DataError(f"{path}: is no IDX file (it begins with {bytes(magic).hex(' ') or 'nothing'})")
    n_dimensions = magic[3]
    if n_dimensions > MAX_DIMENSIONS:
        raise DataError(f"{path}: declares {n_dimensions} dimensions, at most {MAX_DIMENSIONS} are possible")
    sizes = read_exactly(file, 4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        raise DataError(f"{path}: cut off inside its header; fetch it again")
    return np.dtype(DTYPES[magic[2]]), struct.unpack(f">{n_dimensions}I", sizes)


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"
