"""What the columns of a data set's X are called."""

import gzip

import numpy as np
import pytest

from fastnn import datasets
from fastnn.errors import DataError, InputError


@pytest.mark.parametrize(
    ("text", "label", "names"),
    [
        ("label,a,b\n1,2,3\n", None, ["a", "b"]),
        ('a;"b ""c""";label\n1;2;3\n', None, ["a", 'b "c"']),
        ("a,b,c\n1,2,3\n", "b", ["a", "c"]),
        ("a,b,c\n1,2,3\n", -1, ["a", "b"]),
        ("\n1,2,3\n4,5,6\n", None, None),
    ],
)
def test_of_csv_files(tmp_path, text, label, names):
    path = tmp_path / "table.csv"
    path.write_text(text)
    assert datasets.feature_names(path, label=label) == names
    X, _ = datasets.load(path, label=label)
    assert names is None or X.shape[1] == len(names)
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert datasets.feature_names(tmp_path / "table.csv.gz", label=label) == names


def test_of_all_others_there_are_none(tmp_path):
    assert datasets.feature_names("digits") is None
    np.savez(tmp_path / "x.npz", X=np.eye(3), y=np.arange(3))
    assert datasets.feature_names(tmp_path / "x.npz") is None
    assert datasets.feature_names(tmp_path) is None


def test_files_without_them_are_refused(tmp_path):
    (tmp_path / "empty.csv").write_text("\n\n")
    with pytest.raises(DataError, match="the file is empty"):
        datasets.feature_names(tmp_path / "empty.csv")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="label='c': no such column"):
        datasets.feature_names(tmp_path / "t.csv", label="c")
    with pytest.raises(DataError, match="no such file"):
        datasets.feature_names(tmp_path / "nothing.csv")
