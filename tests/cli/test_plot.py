"""`fastnn plot KIND …`: every kind writes its picture, and every mistake ends in one line."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import plots
from fastnn.cli import main
from fastnn.cli.plot import KINDS

from .process import environment, fails, hide, succeeds

image = pytest.importorskip("matplotlib.image")

DIGITS = ["digits.safetensors", "digits"]
GOOD = {
    "curves": ["curves", "digits.safetensors"],
    "curves of a checkpoint": ["curves", "two.fastnn"],
    "curves of a CSV file": ["curves", "log.csv"],
    "confusion": ["confusion", *DIGITS],
    "confusion of strings": ["confusion", "flowers.safetensors", "flowers.csv", "--label", "species"],
    "samples": ["samples", *DIGITS, "--count", "3"],
    "mistakes": ["mistakes", *DIGITS],
    "weights": ["weights", "digits.safetensors", "--count", "5"],
    "weights of a shape": ["weights", "digits.safetensors", "--shape", "4x16"],
    "roc": ["roc", *DIGITS, "--positive", "8"],
    "calibration": ["calibration", "flowers.safetensors", "flowers.csv", "--positive", "red, big"],
    "residuals": ["residuals", "line.safetensors", "line.csv"],
    "learning-rate": ["learning-rate", "digits", "--hidden", "0"],
}
MISTAKES = [
    (["plot", "circles"], "No such command 'circles'"),
    (["plot", "confusion", *DIGITS], "Missing option '--out' (see fastnn plot confusion --help)"),
    (["plot", "curves", "digits.safetensors", "--out", "a.txt"], ".png, .svg or .pdf"),
    (["plot", "curves", "log.csv", "--out", "nowhere/a.png"], "cannot be written"),
    (["plot", "curves", "nowhere.csv", "--out", "a.png"], "nowhere.csv cannot be read: No such file"),
    (["plot", "curves", "flowers.csv", "--out", "a.png"], "is no record of a training"),
    (["plot", "curves", "digits.safetensors", "--out", "digits.safetensors"], "must end in"),
    (["plot", "confusion", "line.safetensors", "line.csv", "--out", "a.png"], "needs a classifier"),
    (["plot", "samples", "flowers.safetensors", "flowers.csv", "--out", "a.png"], "3 features are not a"),
    (["plot", "samples", *DIGITS, "--shape", "8", "--out", "a.png"], "--shape '8' must be height and width"),
    (["plot", "samples", *DIGITS, "--shape", "0x8", "--out", "a.png"], "must be a whole number, 1 or more"),
    (["plot", "weights", "digits.safetensors", "--shape", "8x9", "--out", "a.png"], "72 pixels"),
    (["plot", "weights", "digits.safetensors", "--count", "101", "--out", "a.png"], "use up to 100"),
    (["plot", "roc", *DIGITS, "--out", "a.png"], "has 10 classes: say which by positive= (--positive)"),
    (["plot", "roc", *DIGITS, "--positive", "ten", "--out", "a.png"], "positive='ten' is none of"),
    (["plot", "residuals", *DIGITS, "--out", "a.png"], "needs a regression"),
    (["plot", "residuals", "line.safetensors", "line.csv", "--output", "1", "--out", "a.png"], "below 1"),
    (["plot", "learning-rate", "digits", "--optimizer", "lbfgs", "--out", "a.png"], "no learning rate"),
    (["plot", "learning-rate", "digits", "--batch-size", "big", "--out", "a.png"], "a whole number, or full"),
]  # fmt: skip
# Runs all commands in one process: starting one for each takes half a minute.
DRIVER = """
import contextlib, io, json, sys
from fastnn.cli import main
results = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    results.append((status, out.getvalue(), err.getvalue()))
json.dump(results, sys.stdout)
"""


def run_all(commands: list[list[str]], folder: Path) -> list[tuple[int, str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(commands),
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [tuple(result) for result in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def folder(work: Path) -> Path:
    """The working folder, with two.safetensors, two.fastnn and log.csv of one training of two epochs."""
    X, y = fastnn.datasets.load("digits", split="train")
    model = fastnn.train(
        X,
        y,
        hidden=(4,),
        epochs=2,
        validation=0.1,
        seed=0,
        backend="numpy",
        checkpoint=work / "two.fastnn",
        callbacks=[fastnn.callbacks.CSVLog(work / "log.csv")],
    )
    model.save(work / "two.safetensors")
    return work


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, tuple[int, str, str]]:
    """What each of GOOD ended with; its picture is picture_0.png, picture_1.png, …"""
    commands = [
        ["plot", *arguments, "--out", f"picture_{i}.png"] for i, arguments in enumerate(GOOD.values())
    ]
    return dict(zip(GOOD, run_all(commands, folder), strict=True))


def picture(folder: Path, name: str) -> np.ndarray:
    return image.imread(folder / f"picture_{list(GOOD).index(name)}.png")[..., :3]


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_writes_its_picture(outcomes: dict, folder: Path, name: str) -> None:
    status, out, err = outcomes[name]
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"picture written to picture_{list(GOOD).index(name)}.png"
    pixels = picture(folder, name)
    assert pixels.shape[1] >= 480
    assert 0.02 < pixels.std() < 0.5


def test_all_kinds_are_tried() -> None:
    assert {arguments[0] for arguments in GOOD.values()} == set(KINDS)


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("confusion", plots.confusion_matrix),
        ("mistakes", plots.confident_mistakes),
        ("samples", lambda *of: plots.sample_predictions(*of, 3)),
        ("roc", lambda *of: plots.roc(*of, positive=8)),
    ],
)
def test_the_picture_is_that_of_the_function(
    outcomes: dict, folder: Path, name: str, draw: Callable, tmp_path: Path
) -> None:
    model = fastnn.load(folder / "digits.safetensors", backend="numpy")
    draw(model, *fastnn.datasets.load("digits", split="test")).savefig(tmp_path / "p.png")
    np.testing.assert_array_equal(picture(folder, name), image.imread(tmp_path / "p.png")[..., :3])


def test_curves_are_the_same_from_model_checkpoint_and_csv_file(
    outcomes: dict, folder: Path, tmp_path: Path
) -> None:
    plots.learning_curves(fastnn.load(folder / "two.safetensors"), tmp_path / "p.png")
    expected = image.imread(tmp_path / "p.png")[..., :3]
    np.testing.assert_array_equal(picture(folder, "curves of a checkpoint"), expected)
    np.testing.assert_array_equal(picture(folder, "curves of a CSV file"), expected)


def test_learning_rate_says_what_it_suggests(outcomes: dict) -> None:
    X, y = fastnn.datasets.load("digits", split="train")
    found = fastnn.find_learning_rate(X, y, hidden=(), seed=0, backend="numpy")
    assert outcomes["learning-rate"][1].splitlines()[0] == f"suggestion: --learning-rate {found.suggestion:g}"


def test_mistakes_end_in_one_line_and_write_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    results = run_all([arguments for arguments, _ in MISTAKES], folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    for (arguments, expected), (status, out, err) in zip(MISTAKES, results, strict=True):
        assert status == 2, arguments
        assert out == ""
        assert err.startswith("fastnn: ")
        assert err.count("\n") == 1
        assert expected in err


def test_missing_matplotlib_is_told_before_the_work(work: Path, tmp_path: Path) -> None:
    line = fails("plot", "confusion", *DIGITS, "--out", "c.png", folder=work, **hide("matplotlib", tmp_path))
    assert 'pip install "fastnn[plot]"' in line


def help_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*arguments]) == 0
    return out.getvalue()


def test_without_a_kind_it_lists_them() -> None:
    result = succeeds("plot")
    listed = result.out.partition("Commands:")[2].partition("Examples:")[0]
    assert all(f"  {kind} " in listed for kind in KINDS)
    assert "..." not in listed  # cut descriptions


@pytest.mark.parametrize("kind", KINDS)
def test_help_has_examples_and_fits(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage, _, examples = help_of(monkeypatch, "plot", kind, "--help").partition("Examples:")
    assert f"plot {kind}" in usage
    assert f"    fastnn plot {kind}" in examples
    assert all(len(line) <= 80 for line in usage.splitlines())
