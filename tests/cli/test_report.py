"""`fastnn report` on saved models, in real processes; and the command line that a model keeps."""

import csv
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli.app import COMMANDS
from fastnn.cli.command import words_of
from tests.report.parsing import Page, foreign_parts

from .process import fails, hide, succeeds

pytest.importorskip("matplotlib")


def report(*arguments: object, folder: Path) -> Page:
    """Make a report, insist on a page that needs nothing else, and read it."""
    result = succeeds("report", *arguments, "--out", "report.html", folder=folder)
    assert result.lines == ["report written to report.html"]
    document = (folder / "report.html").read_text(encoding="utf-8")
    assert foreign_parts(document) == []
    return Page(document)


@pytest.fixture
def folder(work: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with the models and tables in it."""
    for file in work.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def command_in(page: Page) -> list[str]:
    return shlex.split(" ".join(text for tags, text in page.texts if "pre" in tags))


def test_the_command_in_a_report_writes_the_same_file(folder: Path) -> None:
    before = (folder / "digits.safetensors").read_bytes()
    page = report("digits.safetensors", "digits", folder=folder)
    words = command_in(page)
    assert words[:3] == ["fastnn", "train", "digits"]
    assert words[-2:] == ["--out", "digits.safetensors"]
    (folder / "digits.safetensors").unlink()
    succeeds(*words[1:], folder=folder)
    assert (folder / "digits.safetensors").read_bytes() == before
    assert "on digits, test part" in page.within("header")
    assert "Mistakes" in page.headings


def test_a_table_is_reported_on_the_rows_that_were_held_out(folder: Path) -> None:
    said = succeeds("train", "flowers.csv", "--seed", 5, "--out", "m.safetensors", folder=folder).lines[-1]
    page = report("m.safetensors", "flowers.csv", folder=folder)
    assert "flowers.csv, held out (--test 0.2)" in page.within("header")
    assert "These rows were held out when the model was trained." in page.text
    assert said.removeprefix("test ") in page.within("header")
    assert "rows 18" in page.within("header")
    assert "red, big" in page.text
    names = page.within("th")
    assert all(f" {name} " in f" {names} " for name in "abc")


def test_other_rows_than_those_are_said_to_be_all(folder: Path) -> None:
    with (folder / "flowers.csv").open("a", newline="") as file:
        csv.writer(file).writerow(["green", 0.5, 0.5, 0.5])
    page = report("flowers.safetensors", "flowers.csv", folder=folder)
    assert "flowers.csv, all rows" in page.within("header")
    assert "the model may have been trained on some of them" in page.text
    page = report("flowers.safetensors", "flowers.csv", "--split", "all", folder=folder)
    assert "the model may have been trained on some of them" in page.text


def test_regression_and_mistakes_counted(folder: Path) -> None:
    page = report("line.safetensors", "line.csv", "--count", 3, folder=folder)
    assert "Largest errors" in page.headings
    assert "The 3 rows of 20 whose predictions are farthest off" in page.within("caption")


def test_what_cannot_work_ends_in_one_line(folder: Path) -> None:
    model = ("report", "digits.safetensors", "digits")
    assert "--out" in fails(*model, folder=folder)
    assert "would overwrite another file" in fails(*model, "--out", "digits.safetensors", folder=folder)
    assert "cannot be written" in fails(*model, "--out", "no/where.html", folder=folder)
    assert "features" in fails("report", "line.safetensors", "flowers.csv", "--out", "x.html", folder=folder)
    assert not (folder / "x.html").exists()


def test_without_matplotlib(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    hidden = hide("matplotlib", tmp_path_factory.mktemp("hidden"))
    message = fails("report", "digits.safetensors", "digits", "--out", "x.html", folder=folder, **hidden)
    assert 'pip install "fastnn[plot]"' in message


# ---- the command line that a model keeps ------------------------------------------------------------------


def kept(path: Path) -> list[str]:
    origin = fastnn.load(path, backend="numpy").history.origin
    assert origin is not None
    return list(origin.command)


def test_options_that_decide_the_model_are_kept_and_no_others(tmp_path: Path) -> None:
    options = ["--hidden", "8", "--hidden", "4", "--standardize", "--epochs", "2", "--dropout", "0.1"]
    idle = ["--quiet", "--every", "1", "--plot", "x.png", "--checkpoint", "run", "--threads", "1", "--resume"]
    common = ["--seed", "3", "--out", "m.safetensors"]
    succeeds("train", "digits", *options, *idle[:-3], "--resume", *common, folder=tmp_path)
    told = kept(tmp_path / "m.safetensors")
    assert told[:3] == ["fastnn", "train", "digits"]
    text = " ".join(told[3:])
    for option in ("--hidden 8 --hidden 4", "--standardize", "--epochs 2", "--dropout 0.1", "--seed 3"):
        assert option in text
    assert "--backend numpy" in text
    assert not any(option in told for option in [*idle, "--out"] if option.startswith("--"))
    assert kept(tmp_path / "run") == told


def test_data_and_values_that_look_like_options(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = np.c_[generator.normal(size=(40, 2)), np.arange(40) % 2]
    np.savetxt(tmp_path / "-x y.csv", rows, delimiter=",", fmt=["%.3f", "%.3f", "%d"])
    succeeds(
        *("train", "--quiet", "--epochs", 1, "--label=-1", "--seed", 1, "--out", "a", "--", "-x y.csv"),
        folder=tmp_path,
    )
    told = kept(tmp_path / "a")
    assert told[2] == "./-x y.csv"
    assert "--label=-1" in told
    succeeds(*told[1:], "--out", "b", folder=tmp_path)
    assert (
        fastnn.load(tmp_path / "b").weights[0].tobytes() == fastnn.load(tmp_path / "a").weights[0].tobytes()
    )


def test_every_option_is_either_told_or_said_to_decide_nothing() -> None:
    from inspect import signature

    from fastnn.cli.command import NOT_TOLD

    train = COMMANDS["train"]
    parameters = signature(train).parameters
    assert set(NOT_TOLD) <= set(parameters)
    given = {name: parameter.default for name, parameter in parameters.items()} | {"data": "digits"}
    assert words_of(train, given) == ["fastnn", "train", "digits"]
    names = set(re.findall(r"^ +(--[a-z0-9-]+)", succeeds("train", "--help").out, re.MULTILINE))
    for name in set(parameters) - {"data", *NOT_TOLD}:
        changed = words_of(train, given | {name: "other"})
        assert changed[3:] == [f"--{name.replace('_', '-')}", "other"]
        assert changed[3] in names
