"""`fastnn predict` of pictures: a line for each, errors that lose no others, what the network saw."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import fastnn

pytest.importorskip("PIL", reason="Pillow is not installed")

from tests.images.pictures import penned, pixels, placed

from .process import fails, hide, run, succeeds


@pytest.fixture(scope="module")
def album(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 0.png … 9.png, blank.png, broken.png, and the model of the shipped digits."""
    folder = tmp_path_factory.mktemp("album")
    X, y = fastnn.datasets.load("digits", split="test")
    for label in range(10):
        ink = penned(X[list(y).index(label)].reshape(8, 8), 12)
        page = placed(ink, 180, 160, 40, 30)
        pixels(1 - page if label % 2 else page).save(folder / f"{label}.png")
    pixels(np.ones((50, 50))).save(folder / "blank.png")
    (folder / "broken.png").write_bytes((folder / "1.png").read_bytes()[:200])
    (folder / "digits.safetensors").write_bytes((work / "digits.safetensors").read_bytes())
    return folder


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_line_for_each_picture(album: Path) -> None:
    names = [f"{label}.png" for label in range(10)]
    result = succeeds("predict", "digits.safetensors", *names, folder=album)
    header, *rows = rows_of(result.out)
    assert header == ["file", "prediction", *map(str, range(10))]
    assert [row[0] for row in rows] == names
    model = fastnn.load(album / "digits.safetensors", backend="numpy")
    pictures = np.stack([fastnn.images.digit(album / name, model).ravel() for name in names])
    assert [row[1] for row in rows] == [str(label) for label in model.predict(pictures)]
    assert sum(row[1] == row[0][0] for row in rows) >= 9
    shares = np.array([row[2:] for row in rows], float)
    np.testing.assert_allclose(shares, model.predict_proba(pictures), atol=5.1e-5)


def test_what_fails_loses_no_other_picture(album: Path, tmp_path: Path) -> None:
    names = ["0.png", "broken.png", "blank.png", "nowhere.jpg", "1.png"]
    result = run("predict", "digits.safetensors", *names, folder=album)
    assert result.status == 2
    assert [row[0] for row in rows_of(result.out)] == ["file", "0.png", "1.png"]
    errors = result.err.splitlines()
    assert [line.split(": ")[:2] for line in errors] == [["fastnn", name] for name in names[1:4]]
    assert "the picture cannot be read" in errors[0]
    assert "no digit found" in errors[1]
    assert "no such file" in errors[2]

    written = run("predict", "digits.safetensors", *names, "--out", tmp_path / "labels.csv", folder=album)
    assert (written.status, written.out, written.err) == (2, "", result.err)
    assert (tmp_path / "labels.csv").read_text() == result.out


def test_nothing_is_written_where_every_picture_fails(album: Path, tmp_path: Path) -> None:
    line = fails("predict", "digits.safetensors", "blank.png", "--out", tmp_path / "labels.csv", folder=album)
    assert "blank.png: no digit found" in line
    assert list(tmp_path.iterdir()) == []


def test_show_draws_what_the_network_saw(album: Path, tmp_path: Path) -> None:
    plain = succeeds("predict", "digits.safetensors", "3.png", "4.png", folder=album)
    result = succeeds("predict", "digits.safetensors", "3.png", "4.png", "--show", folder=album)
    assert result.out.startswith(plain.out)
    drawing = result.out[len(plain.out) :].splitlines()
    assert drawing[0] == ""
    assert set("".join(drawing[1:9])) <= set(" ░▒▓█")
    assert "█" in result.out
    assert drawing[9].split() == ["3.png", "4.png"]
    assert drawing[10].count("%") == 2
    assert all(len(line) <= 80 for line in result.lines)
    written = succeeds(
        "predict", "digits.safetensors", "3.png", "4.png", "--show", "--out", tmp_path / "x.csv", folder=album
    )
    assert written.lines == drawing[1:]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["digits.safetensors", "1.png", "rows.csv"], "rows.csv is no picture; give one file of rows"),
        (["digits.safetensors", "rows.csv", "rows.csv"], "rows.csv is no picture; give one file of rows"),
        (["digits.safetensors", "rows.csv", "--show"], "--show draws pictures"),
        (["digits.safetensors", "1.png", "--label", "x"], "only a CSV file has a label column"),
        (["digits.safetensors", "1.png", "--out", "1.png"], "would overwrite another file"),
        (["flowers.safetensors", "1.png"], "784 features (28×28, as MNIST) or 64 (8×8, as digits); this one"),
        (["line.safetensors", "1.png"], "one class an image"),
        (["digits.safetensors"], "Missing argument 'FILE'"),
    ],
    ids=str,
)
def test_mistakes(album: Path, work: Path, arguments: list[str], expected: str) -> None:
    (album / "rows.csv").write_text(",".join(["0"] * 64) + "\n")
    for name in ("flowers", "line"):
        (album / f"{name}.safetensors").write_bytes((work / f"{name}.safetensors").read_bytes())
    before = (album / "1.png").read_bytes()
    assert expected in fails("predict", *arguments, folder=album)
    assert (album / "1.png").read_bytes() == before


def test_missing_pillow_is_one_line(album: Path, tmp_path: Path) -> None:
    line = fails("predict", "digits.safetensors", "1.png", "2.png", folder=album, **hide("PIL", tmp_path))
    assert 'pip install "fastnn[images]"' in line
