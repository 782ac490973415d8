"""Data files that lie, bombs and damaged ones: one clear error or a sound table, in little memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn import datasets
from fastnn.errors import DataError, FastnnError
from tests import limited
from tests.datasets.hostile_data import BY_HAND, SOUND, X, Y
from tests.fuzzing import SEED, assert_one_clear_line, cases, examples, repeatable
from tests.hostile_models import damaged
from tests.limited import needs_limits

DAMAGED = 300


def read_or_refuse(path: Path, **options: Any) -> bool:
    """Whether a file gave a table; AssertionError for anything but a sound one or one clear error."""
    given_table = False
    for read in (lambda: datasets.load(path, **options), lambda: (datasets.load_features(path, 5), None)):
        try:
            features, labels = read()
        except FastnnError as error:
            assert_one_clear_line(error)
            continue
        given_table = True
        assert features.ndim == 2
        assert features.dtype in (np.uint8, np.float32, np.float64)
        assert features.flags.writeable
        if labels is not None:
            assert len(labels) == len(features)
            assert labels.dtype.kind in "biufU"
    return given_table


@pytest.mark.parametrize("name", BY_HAND)
def test_files_by_hand_are_refused_in_one_line(tmp_path: Path, name: str):
    path = tmp_path / "data"
    path.write_bytes(BY_HAND[name])
    with pytest.raises(DataError) as caught:
        datasets.load(path)
    assert_one_clear_line(caught.value)
    assert str(path) in str(caught.value)
    with pytest.raises(DataError) as caught:
        datasets.load_features(path, 7)
    assert_one_clear_line(caught.value)


def test_headers_are_compared_with_what_is_there(tmp_path: Path):
    path = tmp_path / "data"
    for name, said in (
        ("more values than bytes", "X declares 2400000000 bytes but holds 0"),
        ("fewer values than bytes", "X declares 24 bytes but holds 48"),
        ("objects", "X holds Python objects"),
    ):
        path.write_bytes(BY_HAND[name])
        with pytest.raises(DataError, match=said):
            datasets.load(path)


@pytest.mark.parametrize("name", SOUND)
def test_the_files_to_be_damaged_are_sound(tmp_path: Path, name: str):
    path = tmp_path / "data"
    path.write_bytes(SOUND[name])
    if "npy" in name or "idx" in name:
        np.testing.assert_array_equal(datasets.load_features(path, 5), X)
    else:
        features, labels = datasets.load(path)
        assert len(features) == len(labels) == 12
        if "npz" in name:
            np.testing.assert_array_equal(features, X)
            np.testing.assert_array_equal(labels, Y.astype(labels.dtype))


def damage(path: Path, kind: str, count: int) -> int:
    """Reads `count` damaged copies of a sound file; how many of them still gave a table."""
    sound, read = SOUND[kind], 0
    for number in cases(count):
        path.write_bytes(damaged(sound, np.random.default_rng([SEED, number])))
        with repeatable(number):
            read += read_or_refuse(path)
    return read


@pytest.mark.parametrize("kind", SOUND)
def test_damaged_files(tmp_path: Path, kind: str):
    assert damage(tmp_path / "data", kind, DAMAGED // len(SOUND)) < DAMAGED // len(SOUND)


BEGINNINGS = st.sampled_from(
    [b"", b"PK\x03\x04", b"\x93NUMPY\x01\0", b"\0\0\x08\x02", b"\x1f\x8b\x08\0", b"label,a\n1,2\n"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


def try_any_bytes(folder: Path, count: int) -> None:
    @examples(count)
    @given(
        beginning=BEGINNINGS,
        rest=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
    )
    def each(beginning: bytes, rest: bytes) -> None:
        path = folder / "data"
        path.write_bytes(beginning + rest)
        with repeatable():
            read_or_refuse(path)

    each()


def test_any_bytes_at_all(folder: Path):
    try_any_bytes(folder, 200)


@needs_limits
def test_lies_take_little_memory():
    printed = limited.run(
        """
from tests.datasets.hostile_data import BY_HAND
from fastnn import datasets
import tempfile
path = Path(tempfile.mkdtemp()) / "data"
little_memory(150)
for name, content in BY_HAND.items():
    path.write_bytes(content)
    refused(datasets.load, path)
    refused(datasets.load_features, path, 7)
path.unlink(), path.parent.rmdir()
print(len(BY_HAND))
"""
    )
    assert int(printed) == len(BY_HAND)


@needs_limits
def test_bombs_take_little_memory():
    printed = limited.run(
        """
from tests.datasets.hostile_data import bombs
from fastnn import datasets
import tempfile
path, made = Path(tempfile.mkdtemp()) / "data", bombs()
little_memory(150)
for name, content in made.items():
    path.write_bytes(content)
    said = [refused(datasets.load, path), refused(datasets.load_features, path, 1)]
    assert any("bombs do" in text or "packed in a way" in text for text in said), (name, said)
path.unlink(), path.parent.rmdir()
print(len(made))
"""
    )
    assert int(printed) == 7


def test_what_packs_well_is_no_bomb(tmp_path: Path):
    import gzip

    path = tmp_path / "zeros.csv.gz"
    path.write_bytes(gzip.compress(b"1,0,0,0\n2,0,0,0\n" * 50_000))
    assert path.stat().st_size * 200 < 50_000 * 16
    assert datasets.load(path)[0].shape == (100_000, 3)
    np.savez_compressed(tmp_path / "zeros.npz", X=np.zeros((100_000, 16)), y=np.zeros(100_000))
    assert datasets.load(tmp_path / "zeros.npz")[0].shape == (100_000, 16)


def test_pipes_and_devices_are_refused(tmp_path: Path):
    import os

    paths = [Path("/dev/zero")] if Path("/dev/zero").exists() else []
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        paths.append(tmp_path / "pipe")
    for path in paths:
        with pytest.raises(DataError, match="is no ordinary file"):
            datasets.load(path)
