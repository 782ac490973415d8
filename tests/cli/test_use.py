"""`fastnn evaluate`, `predict`, `show` and `info` on saved models, in real processes."""

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import backends

from .process import environment, hide, run, succeeds


def table(lines: list[str]) -> list[list[str]]:
    return [line.split() for line in lines]


def test_evaluate_digits(work: Path) -> None:
    lines = succeeds("evaluate", "digits.safetensors", "digits", folder=work).lines
    assert "64-128-10 relu, numpy backend" in lines[0]
    assert lines[1] == "data   digits, test part: 360 rows"
    model = fastnn.load(work / "digits.safetensors", backend="numpy")
    X, y = fastnn.datasets.load("digits", split="test")
    loss, accuracy = model.evaluate(X, y)
    assert lines[3].startswith(f"accuracy  {100 * accuracy:.2f} % (")
    assert lines[4] == f"loss      {loss:.4f}"

    start = lines.index("class  precision   recall  support")
    assert sum(int(row[-1]) for row in table(lines[start + 1 : start + 11])) == 360
    matrix = np.array(table(lines[-10:]), int)[:, 1:]
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (y, model.predict(X)), 1)
    np.testing.assert_array_equal(matrix, expected)


def test_evaluate_can_take_another_split(work: Path) -> None:
    lines = succeeds("evaluate", "digits.safetensors", "digits", "--split", "train", folder=work).lines
    assert lines[1] == "data   digits, training part: 1437 rows"


def test_evaluate_string_labels_and_regression(work: Path) -> None:
    flowers = succeeds("evaluate", "flowers.safetensors", "flowers.csv", folder=work).out
    assert "flowers.csv, all rows: 90 rows" in flowers
    assert "red, big" in flowers
    line = succeeds("evaluate", "line.safetensors", "line.csv", folder=work).out
    assert re.search(r"^R² +0\.\d{4}$", line, re.MULTILINE)
    assert "mean absolute error" in line


def test_predict_round_trip_of_quoted_labels(work: Path, tmp_path: Path) -> None:
    target = tmp_path / "predictions.csv"
    silent = succeeds(
        "predict", "flowers.safetensors", "flowers.csv", "--proba", "--out", target, folder=work
    )
    assert silent.out == ""
    with target.open(newline="") as file:
        header, *rows = csv.reader(file)
    model = fastnn.load(work / "flowers.safetensors", backend="numpy")
    assert model.classes is not None
    X, _ = fastnn.datasets.load(work / "flowers.csv")
    assert header == ["row", "prediction", *model.classes]
    assert [row[0] for row in rows] == [str(i) for i in range(1, 91)]
    assert [row[1] for row in rows] == model.predict(X).tolist()
    np.testing.assert_array_equal(np.array([row[2:] for row in rows], "float32"), model.predict_proba(X))
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.csv"]


@pytest.mark.parametrize("kind", ["npz", "idx", "csv"])
def test_predict_reads_images_of_every_format(work: Path, tmp_path: Path, kind: str) -> None:
    X, _ = fastnn.datasets.load("digits", split="test")
    X = X[:7]
    path = tmp_path / f"images.{kind}"
    if kind == "npz":
        np.savez(path, X=X.reshape(-1, 8, 8))
    elif kind == "idx":
        path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 8]) + X.tobytes())
    else:
        np.savetxt(path, X, fmt="%d", delimiter=",")
    result = succeeds("predict", "digits.safetensors", path, folder=work)
    model = fastnn.load(work / "digits.safetensors", backend="numpy")
    rows = list(csv.reader(io.StringIO(result.out)))
    assert rows[0] == ["row", "prediction"]
    assert rows[1:] == [[str(i), str(label)] for i, label in enumerate(model.predict(X), 1)]


def test_predict_regression(work: Path) -> None:
    lines = succeeds("predict", "line.safetensors", "line.csv", folder=work).lines
    assert lines[0] == "row,prediction"
    assert len(lines) == 101
    float(lines[1].split(",")[1])


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """labels.npz, whose rows have several labels, and a model of it; labels.safetensors."""
    folder = tmp_path_factory.mktemp("labels")
    X = np.random.default_rng(0).normal(size=(80, 4))
    np.savez(folder / "labels.npz", X=X, y=(X[:, :3] > 0).astype(int))
    lines = succeeds("train", "labels.npz", "--seed", 1, "--out", "labels.safetensors", folder=folder).lines
    assert lines[0] == "data     labels.npz: 64 rows, 4 features, 3 labels a row"
    return folder


def test_evaluate_several_labels_a_row(labels: Path) -> None:
    lines = succeeds("evaluate", "labels.safetensors", "labels.npz", folder=labels).lines
    assert re.fullmatch(r"accuracy  \d+\.\d\d % \(\d+ of 80 rows with every label right\)", lines[3])
    assert lines[-4] == "label  precision   recall  support"


def test_predict_several_labels_a_row(labels: Path) -> None:
    X = np.load(labels / "labels.npz")["X"]
    np.save(labels / "X.npy", X)
    model = fastnn.load(labels / "labels.safetensors", backend="numpy")
    text = succeeds("predict", "labels.safetensors", "X.npy", folder=labels).out
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["row", "prediction_0", "prediction_1", "prediction_2"]
    np.testing.assert_array_equal(np.array(rows[1:], int)[:, 1:], model.predict(X))
    text = succeeds("predict", "labels.safetensors", "X.npy", "--proba", folder=labels).out
    header, *rows = csv.reader(io.StringIO(text))
    assert header[4:] == ["probability_0", "probability_1", "probability_2"]
    np.testing.assert_array_equal(np.array([row[4:] for row in rows], "float32"), model.predict_proba(X))


def test_show_says_that_it_needs_one_class_an_image(labels: Path) -> None:
    result = run("show", "labels.safetensors", "labels.npz", folder=labels)
    assert (result.status, result.out) == (2, "")
    assert "fastnn show needs one class an image; this model gives several labels" in result.err


def test_show_in_the_terminal(work: Path) -> None:
    result = succeeds("show", "digits.safetensors", "digits", "--count", 3, "--seed", 0, folder=work)
    assert "3 shown" in result.lines[0]
    assert set("".join(result.lines[1:9])) <= set(" ░▒▓█")
    assert result.lines[9].count("predicted") == 3
    assert "\x1b" not in result.out
    assert all(len(line) <= 80 for line in result.lines)
    assert result == succeeds("show", "digits.safetensors", "digits", "--count", 3, "--seed", 0, folder=work)


def test_show_wrong_images_only(work: Path) -> None:
    result = succeeds("show", "digits.safetensors", "digits", "--wrong", "--count", 200, folder=work)
    found = re.search(r"only (\d+) of the images are classified wrongly", result.lines[0])
    assert found
    assert result.out.count("predicted") == int(found[1])
    pairs = re.findall(r"predicted (\d)", result.out), re.findall(r"true (\d)  !", result.out)
    assert len(pairs[0]) == len(pairs[1])
    assert all(predicted != true for predicted, true in zip(*pairs, strict=True))


def test_show_says_when_nothing_is_wrong(work: Path, tmp_path: Path) -> None:
    X, _ = fastnn.datasets.load("digits", split="test")
    model = fastnn.load(work / "digits.safetensors", backend="numpy")
    np.savez(tmp_path / "easy.npz", X=X, y=model.predict(X))
    result = succeeds("show", "digits.safetensors", tmp_path / "easy.npz", "--wrong", folder=work)
    assert result.lines == ["easy.npz, all rows (360 rows): every image is classified correctly"]


def test_show_as_a_picture(work: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    target = tmp_path / "samples.png"
    options = ("--wrong", "--count", 7, "--out", target)
    result = succeeds("show", "digits.safetensors", "digits", *options, folder=work)
    assert result.lines[-1] == f"picture written to {target}"
    pixels = image.imread(target)[..., :3]
    assert pixels.shape == (528, 1020, 3)
    red = (pixels[..., 0] > 0.7) & (pixels[..., 1:] < 0.2).all(axis=-1)
    dark = (pixels < 0.1).all(axis=-1)
    assert red.sum() > 500
    assert 0.02 < dark.mean() < 0.5


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_show_uses_colour_on_a_terminal_unless_no_color(work: Path, no_color: str) -> None:
    import pty

    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "fastnn", "show", "digits.safetensors", "digits", "--count", "1"]
    subprocess.run(command, stdout=terminal, env=environment(NO_COLOR=no_color), cwd=work, check=True)
    os.close(terminal)
    chunks = []
    # At the end Linux reports an error, others an empty read.
    while True:
        try:
            chunk = os.read(controller, 65536)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(controller)
    assert ("▀" in b"".join(chunks).decode()) == (no_color == "")


def test_info_names_everything_a_bug_report_needs(tmp_path: Path) -> None:
    out = succeeds("info", FASTNN_DATA_DIR=str(tmp_path)).out
    for text in (
        fastnn.__version__,
        np.__version__,
        "Numba",
        "CPU",
        "backend",
        "auto means numpy",
        "vectors of" if "numba" in backends.available() else "NumPy's",
        str(tmp_path),
    ):
        assert text in out
    hidden = succeeds("info", FASTNN_BACKEND="", **hide("numba", tmp_path)).out
    assert "does not import: No module named 'numba'" in hidden
    assert "auto means numpy" in hidden
    assert "NumPy's" in hidden


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_closed_pipe_is_silent(work: Path, unbuffered: str) -> None:
    # 1437 rows of ten probabilities are more than a pipe holds.
    X, _ = fastnn.datasets.load("digits", split="train")
    np.savez(work / "many.npz", X=X)
    command = [sys.executable, "-m", "fastnn", "predict", "digits.safetensors", "many.npz", "--proba"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED=unbuffered),
        cwd=work,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b"row,prediction,0,")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize("place", ["fastnn.model_file.load", "fastnn.cli.app.run"])
def test_ctrl_c_outside_training_is_one_line(place: str) -> None:
    module, _, function = place.rpartition(".")
    code = f"""
import sys, {module}
from fastnn.cli import main
def interrupted(*_, **__): raise KeyboardInterrupt
{module}.{function} = interrupted
sys.exit(main(["evaluate", "m.safetensors", "digits"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "fastnn: interrupted\n")


def test_an_ascii_locale_does_no_harm(work: Path) -> None:
    result = run("evaluate", "line.safetensors", "line.csv", folder=work, PYTHONIOENCODING="ascii")
    assert result.status == 0, result
