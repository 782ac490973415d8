"""load() and load_features(): names, paths, splits, and what is said when they do not fit."""

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn import datasets
from fastnn.datasets import load, load_features
from fastnn.errors import DataError, InputError

from .idx_bytes import four_files, idx_bytes


def fill(folder: Path, files: dict[str, bytes], packed: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / (f"{name}.gz" if packed else name)).write_bytes(
            gzip.compress(content) if packed else content
        )
    return folder


def test_names():
    assert datasets.names() == ("digits", "mnist", "fashion-mnist")


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_idx_files(tmp_path: Path, packed: bool):
    folder = fill(tmp_path / "idx", four_files(), packed)
    assert datasets.splits(folder) == ("train", "test")
    for split, n in ((None, 6), ("train", 6), ("test", 4), ("all", 10)):
        X, y = load(str(folder), split)
        assert X.shape == (n, 6)
        assert X.dtype == np.uint8
        assert y.shape == (n,)
        assert y.dtype == np.int64


def test_kaggles_spelling_of_the_idx_files(tmp_path: Path):
    files = {name.replace("-idx", ".idx"): content for name, content in four_files().items()}
    assert load(fill(tmp_path / "idx", files))[0].shape == (6, 6)


def test_a_folder_with_one_half(tmp_path: Path):
    files = four_files()
    folder = fill(tmp_path / "idx", {name: files[name] for name in files if name.startswith("t10k")})
    assert datasets.splits(folder) == ("test",)
    assert load(folder, "test")[0].shape == (4, 6)
    with pytest.raises(InputError, match="holds only test"):
        load(folder)


def test_a_folder_of_something_else(tmp_path: Path):
    with pytest.raises(DataError, match="must hold train-images-idx3-ubyte"):
        load(tmp_path)


def test_lengths_differ(tmp_path: Path):
    files = four_files() | {"train-labels-idx1-ubyte": idx_bytes(np.zeros(5, np.uint8))}
    with pytest.raises(DataError, match="holds 5 labels for the 6 images"):
        load(fill(tmp_path / "idx", files))


def test_csv_has_no_split(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("label,a,b\n1,2,300\n0,3,4\n")
    assert datasets.splits(path) == ("all",)
    for split in (None, "all"):
        X, y = load(path, split)
        np.testing.assert_array_equal(X, [[2, 300], [3, 4]])
        np.testing.assert_array_equal(y, [1, 0])
    for split in ("train", "test"):
        with pytest.raises(InputError, match=r"no split inside.*fastnn\.datasets\.split"):
            load(path, split)


def test_csv_options(tmp_path: Path):
    path = tmp_path / "iris.data"  # content decides, not the name
    path.write_text("a,b,species\n200,3,x\n1,2,y\n")
    X, y = load(path, label="species", pixels=False)
    assert X.dtype == np.float64
    assert y.tolist() == ["x", "y"]


MISTAKES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "unknown name": (
        "minst",
        {},
        "'minst': the data sets are digits, mnist, fashion-mnist; a path may be a CSV",
    ),
    "no file": (Path("absent.csv"), {}, "absent.csv"),
    "neither": (3, {}, "name_or_path=3 must be the name of a file"),
    "split": ("digits", {"split": "dev"}, "split='dev' is unknown; use 'train', 'test', 'all'"),
    "label": ("digits", {"label": "x"}, "label='x': only a CSV"),
}


@pytest.mark.parametrize(("data", "options", "message"), MISTAKES.values(), ids=MISTAKES)
def test_wrong_arguments(data: Any, options: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message) as caught:
        load(data, **options)
    assert "\n" not in str(caught.value)


FILES = {
    "empty": (b"", "the file is empty"),
    "image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a format fastnn reads"),
    "pickle": (b"\x80\x04\x95\x00\x00", "not a format fastnn reads"),
    "zip": (b"PK\x05\x06" + bytes(18), "it holds no arrays"),
    "broken gzip": (gzip.compress(b"1,2\n3,4\n")[:-4], "damaged or cut off"),
    "one IDX file": (idx_bytes(np.zeros((2, 2), np.uint8)), "a single IDX file has no labels"),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_unusable_files(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path):
    path = tmp_path / "secret.csv"
    path.write_text("1,2\n")
    path.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        load(path)


def test_features_of_an_idx_file(tmp_path: Path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(images)))
    X = load_features(path, 12)
    np.testing.assert_array_equal(X, images.reshape(2, 12))
    assert X.dtype == np.uint8
    assert load_features(path, 12, pixels=False).dtype == np.float32
    with pytest.raises(InputError, match="only a CSV"):
        load_features(path, 12, label=0)
    with pytest.raises(DataError, match="is a folder"):
        load_features(tmp_path, 12)


def test_features_of_a_csv(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("p0,p1\n0,0\n")  # a black image: only the caller knows that these are pixels
    assert load_features(path, 2).dtype == np.float64
    assert load_features(path, 2, pixels=True).dtype == np.uint8
