"""IDX files: what is written by hand is read back; what is damaged is refused in one line."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastnn.datasets.idx import read_idx
from fastnn.errors import DataError

from .idx_bytes import CODES, idx_bytes

arrays = st.sampled_from(sorted(CODES)).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(array=arrays, packed=st.booleans())
def test_round_trip(tmp_path: Path, array: np.ndarray, packed: bool):
    content = idx_bytes(array)
    path = tmp_path / "a-file-without-a-telling-name"
    path.write_bytes(gzip.compress(content) if packed else content)
    read = read_idx(path)
    assert read.dtype == array.dtype
    assert read.dtype is np.dtype(read.dtype.type)  # native, and the very one that Numba finds fastest
    assert read.shape == array.shape
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array)


SOUND = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))
DAMAGED = {
    "empty": (b"", "begins with nothing"),
    "short magic": (b"\0\0\x08", "no IDX file"),
    "wrong magic": (b"\x01" + SOUND[1:], "no IDX file"),
    "unknown type": (b"\0\0\x0a\x01" + SOUND[4:], "no IDX file"),
    "text": (b"label,pixel0\n1,2\n", "no IDX file"),
    "header cut off": (SOUND[:9], "inside its header"),
    "values cut off": (SOUND[:-1], "holds only 11 bytes"),
    "left over": (SOUND + b"\0", "left over"),
    "too many dimensions": (b"\0\0\x08\xff" + bytes(4 * 255), "255 dimensions"),
    "absurd size": (b"\0\0\x0e\x03" + struct.pack(">3I", *[2**32 - 1] * 3) + b"1234", "holds only 4 bytes"),
    "absurd empty": (b"\0\0\x0e\x03" + struct.pack(">3I", 0, 2**32 - 1, 2**32 - 1), "impossible shape"),
    "gzip cut off": (gzip.compress(SOUND)[:-9], "gzip"),
    "gzip damaged": (gzip.compress(SOUND)[:12] + b"\xff\xff\xff" + gzip.compress(SOUND)[15:], "gzip"),
    "gzip of half": (gzip.compress(SOUND[:-3]), "holds only 9 bytes"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_declaration_allocates_nothing(tmp_path: Path, packed: bool):
    content = b"\0\0\x08\x01" + struct.pack(">I", 2**32 - 1) + bytes(1000)
    path = tmp_path / "huge"
    path.write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    with pytest.raises(DataError):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_missing_file_and_folder(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        read_idx(tmp_path / "absent")
    with pytest.raises(DataError, match="folder"):
        read_idx(tmp_path)
