"""CSV tables: every layout met in the wild, types by content, and mistakes named by line and column."""

import gzip
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.datasets.csv_table import read_csv, read_csv_features
from fastnn.errors import DataError, FastnnError, InputError


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


X = np.array([[0, 255], [7, 200], [9, 128]])
Y = [5, 0, 4]
LAYOUTS: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "header": ("label,p0,p1\n5,0,255\n0,7,200\n4,9,128\n", {}),
    "no header": ("5,0,255\n0,7,200\n4,9,128\n", {}),
    "no end of line": ("5,0,255\n0,7,200\n4,9,128", {}),
    "CRLF": ("label,p0,p1\r\n5,0,255\r\n0,7,200\r\n4,9,128\r\n", {}),
    "old Mac": ("label,p0,p1\r5,0,255\r0,7,200\r4,9,128\r", {}),
    "byte order mark": (b"\xef\xbb\xbflabel,p0,p1\n5,0,255\n0,7,200\n4,9,128\n", {}),
    "blank lines": ("\nlabel,p0,p1\n5,0,255\n\n0,7,200\n4,9,128\n  \n\n", {}),
    "quoted": ('"label","p0","p1"\n"5","0","255"\n0,"7",200\n4,9,"128"\n', {}),
    "quoted header only": ('"label","p,0","p1"\n5,0,255\n0,7,200\n4,9,128\n', {}),
    "semicolons": ("label;p0;p1\n5;0;255\n0;7;200\n4;9;128\n", {}),
    "tabs": ("label\tp0\tp1\n5\t0\t255\n0\t7\t200\n4\t9\t128\n", {}),
    "blanks around": ("label, p0, p1\n5, 0, 255\n0 ,7 ,200\n 4, 9,128\n", {}),
    "gzipped": (gzip.compress(b"label,p0,p1\n5,0,255\n0,7,200\n4,9,128\n"), {}),
    "label named, in the middle": ("p0,label,p1\n0,5,255\n7,0,200\n9,4,128\n", {}),
    "label named, upper case": ("p0,p1,Label\n0,255,5\n7,200,0\n9,128,4\n", {}),
    "another name": ("p0,digit,p1\n0,5,255\n7,0,200\n9,4,128\n", {"label": "digit"}),
    "number": ("0,5,255\n7,0,200\n9,4,128\n", {"label": 1}),
    "number as text": ("p0,digit,p1\n0,5,255\n7,0,200\n9,4,128\n", {"label": "1"}),
    "last": ("a,b,c\n0,255,5\n7,200,0\n9,128,4\n", {"label": -1}),
    "names are numbers": ("label,0,1\n5,0,255\n0,7,200\n4,9,128\n", {}),
    "first name only": ("digit,0,1\n5,0,255\n0,7,200\n4,9,128\n", {}),
    "numpy.savetxt": ("5.0e+00,0.0e+00,2.55e+02\n0.0,7.0,200.0\n4.0,9.0,128.0\n", {}),
}


@pytest.mark.parametrize(("content", "options"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(tmp_path: Path, content: str | bytes, options: dict[str, Any]):
    features, labels = read_csv(write(tmp_path, content), **options)
    np.testing.assert_array_equal(features, X)
    np.testing.assert_array_equal(labels, Y)
    assert features.dtype == np.uint8
    assert labels.dtype == np.int64


TYPES: dict[str, tuple[str, bool | None, Any, Any]] = {
    "grey levels": ("1,0,255\n", None, np.uint8, np.int64),
    "256": ("1,0,256\n", None, np.float64, np.int64),
    "negative": ("1,-1,255\n", None, np.float64, np.int64),
    "fractions": ("1,0.5,255\n", None, np.float64, np.int64),
    "flags": ("1,0,1\n", None, np.float64, np.int64),
    "small counts": ("1,0,127\n", None, np.float64, np.int64),
    "flags, said to be pixels": ("1,0,1\n", True, np.uint8, np.int64),
    "grey levels, said to be numbers": ("1,0,255\n", False, np.float64, np.int64),
    "float target": ("1.5,0,255\n", None, np.uint8, np.float64),
    "text label": ("cat,0,255\n", None, np.uint8, np.dtype("<U3")),
    "huge label": ("99999999999999999999,0,255\n", None, np.uint8, np.float64),
}


@pytest.mark.parametrize(("content", "pixels", "x_type", "y_type"), TYPES.values(), ids=TYPES)
def test_types(tmp_path: Path, content: str, pixels: bool | None, x_type: Any, y_type: Any):
    features, labels = read_csv(write(tmp_path, content * 2), pixels=pixels)
    assert features.dtype == x_type
    assert labels.dtype == y_type
    assert features.shape == (2, 2)


IRIS = "sepal_length,sepal_width,species\n5.1,3.5,setosa\n4.9,3,setosa\n7.0,3.2,versicolor\n"


@pytest.mark.parametrize("label", ["species", -1, 2, "-1"])
def test_text_labels(tmp_path: Path, label: str | int):
    features, labels = read_csv(write(tmp_path, IRIS), label=label)
    np.testing.assert_array_equal(features, [[5.1, 3.5], [4.9, 3], [7, 3.2]])
    assert labels.tolist() == ["setosa", "setosa", "versicolor"]


MISTAKES: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "empty": ("", {}, "empty"),
    "blank": ("\n\n", {}, "empty"),
    "header alone": ("label,p0\n", {}, "no rows"),
    "one column": ("label\n1\n", {}, "one column only"),
    "too few cells": ("label,p0,p1\n1,2,3\n4,5\n", {}, r"line 3: 2 cells, the first line has 3"),
    "too few cells, quoted": ('a,b,label\n1,2,3\n"4",5\n', {}, r"line 3: 2 cells, the first line has 3"),
    "too many cells": ("1,2,3\n\n4,5,6,7\n", {}, r"line 3: 4 cells, the first line has 3"),
    "missing": ("label,p0,p1\n1,2,3\n4,,6\n", {}, r"line 3, column 2 \('p0'\): missing value"),
    "only value missing": ("label,p0\n1,2\n4,\n", {}, r"line 3, column 2 \('p0'\): missing value"),
    "only value blank": ("label,p0\n1,2\n4, \n", {}, r"line 3, column 2 \('p0'\): missing value"),
    "NaN": ("1,2.5,3\n4,nan,6\n", {}, "line 2, column 2: missing value"),
    "NA": ("1,2,3\n4,NA,6\n", {}, "line 2, column 2: missing value"),
    "infinite": ("1,2.5,3\n4,1e999,6\n", {}, "line 2, column 2: '1e999' is not a finite"),
    "not a number": ("1,2,3\n4,five,6\n", {}, "line 2, column 2: 'five' is not a number"),
    "not a number, first row": ("1,five,3\n4,5,6\n", {}, "line 1, column 2: 'five'"),
    "decimal comma": ("1;2,5;3\n4;5;6\n", {}, "line 1, column 2: '2,5' is not a number"),
    "underscore": ("1,1_000,3\n4,5,6\n", {}, "line 1, column 2: '1_000'"),
    "iris without label=": (IRIS, {}, r"column 3 \('species'\): 'setosa' .* label='species'"),
    "missing label": ("label,p0\n1,2\n,3\n", {}, r"line 3, column 1 \('label'\): missing label"),
    "infinite label": ("label,p0\n1,2\ninf,3\n", {}, "line 3, column 1 .*not a finite"),
    "no such name": ("label,p0\n1,2\n", {"label": "digit"}, "label='digit': no such .* label, p0"),
    "no header to name": ("1,2\n", {"label": "digit"}, "label='digit': .* no header"),
    "no such number": ("1,2\n", {"label": 2}, "label=2: .* 2 columns, numbered 0 to 1"),
    "features only": ("pixel0,pixel1\n1,2\n", {}, "no column is named 'label'"),
    "pandas index": (",label,p0\n0,1,2\n", {}, "column 1: has no name .*index=False"),
    "latin-1": ("label,p0\n1,2\nJürgen,3\n".encode("latin-1"), {}, "line 3: not UTF-8"),
    "open quote": ('1,2\n"3,4' + "x" * 200_000, {}, "line 2"),
    "not pixels": ("1,2,300\n", {"pixels": True}, "whole numbers 0..255, .* from 2.* to 300"),
}


@pytest.mark.parametrize(("content", "options", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(tmp_path: Path, content: str | bytes, options: dict[str, Any], message: str):
    path = write(tmp_path, content)
    with pytest.raises(FastnnError, match=message) as caught:
        read_csv(path, **options)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_label_is_the_callers_mistake(tmp_path: Path):
    with pytest.raises(InputError):
        read_csv(write(tmp_path, "label,p0\n1,2\n"), label="digit")


FEATURES: dict[str, tuple[str, Any, list[int] | None]] = {
    "no label": ("0,255\n7,200\n", None, None),
    "no label, header": ("p0,p1\n0,255\n7,200\n", None, None),
    "label first": ("5,0,255\n4,7,200\n", None, [5, 4]),
    "label named": ("p0,p1,label\n0,255,5\n7,200,4\n", None, [5, 4]),
    "label said": ("p0,p1,digit\n0,255,5\n7,200,4\n", "digit", [5, 4]),
}


@pytest.mark.parametrize(("content", "label", "expected"), FEATURES.values(), ids=FEATURES)
def test_features_for_prediction(tmp_path: Path, content: str, label: Any, expected: list[int] | None):
    features, labels = read_csv_features(write(tmp_path, content), 2, label)
    np.testing.assert_array_equal(features, [[0, 255], [7, 200]])
    assert (None if labels is None else labels.tolist()) == expected


@pytest.mark.parametrize("label", [None, 0])
def test_wrong_number_of_features(tmp_path: Path, label: int | None):
    with pytest.raises(DataError, match="has 2 columns; 4 features are needed"):
        read_csv_features(write(tmp_path, "1,2\n"), 4, label)


def test_kaggles_size_is_read_in_seconds(tmp_path: Path):
    """42,000 × 785: about 1.7 s on one old core; the bound only catches a reader gone slow by far."""
    rows = np.random.default_rng(0).integers(0, 256, (420, 785))
    block = "\n".join(",".join(map(str, row)) for row in rows.tolist()) + "\n"
    path = write(tmp_path, "label," + ",".join(f"pixel{i}" for i in range(784)) + "\n" + block * 100)
    start = time.perf_counter()
    features, labels = read_csv(path)
    assert time.perf_counter() - start < 20
    assert features.shape == (42000, 784)
    assert features.dtype == np.uint8
    np.testing.assert_array_equal(features[-420:], rows[:, 1:])
    np.testing.assert_array_equal(labels[:420], rows[:, 0])
