"""Every mistake ends in one line on stderr and status 2, before anything is written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .process import environment, fails, hide

MISTAKES = [
    (["trian"], "No such command 'trian'"),
    (["train"], "Missing argument 'DATA' (see fastnn train --help)"),
    (["train", "digits", "--hiden", "3"], "--hidden"),
    (["train", "digits", "--epochs", "0"], "epochs=0 must be a whole number, 1 or more"),
    (["train", "digits", "--epochs", "many"], "--epochs 'many' must be a whole number, or auto"),
    (["train", "digits", "--activation", "swish"], "use 'relu', 'leaky_relu', 'elu'"),
    (["train", "digits", "--batch-size", "big"], "a whole number, or full or auto"),
    (["train", "digits", "--learning-rate", "fast"], "a number, or auto"),
    (["train", "digits", "--learning-rate", "-1"], "above 0"),
    (["train", "digits", "--learning-rate", "1e30"], "too large"),
    (["train", "digits", "--backend", "cuda"], "'auto', 'numba' or 'numpy'"),
    (["train", "digits", "--dtype", "float16"], "'float32' or 'float64'"),
    (["train", "digits", "--validation", "2"], "between 0 and 1"),
    (["train", "digits", "--monitor", "speed", "--early-stopping", "2"], "'validation_loss'"),
    (["train", "digits", "--monitor", "validation_f1", "--early-stopping", "2"], "is not measured"),
    (["train", "digits", "--metric", "r2"], "'r2' is not for a classifier"),
    (["train", "digits", "--metric", "f7"], "'roc_auc'"),
    (["train", "digits", "--test", "0.5"], "has a test part of its own"),
    (["train", "digits", "--label", "x"], "only a CSV file has a label column"),
    (["train", "flowers.csv", "--test", "1"], "from 0 to below 1"),
    (["train", "flowers.csv", "--label", "color"], "columns species, a, b, c"),
    (["train", "nowhere.csv"], "digits, mnist, fashion-mnist"),
    (["train", "bad.csv"], "bad.csv, line 3, column 2"),
    (["train", "ids.csv"], "--loss squared_error"),
    (["train", "digits", "--out", "nowhere/model.safetensors"], "cannot be written: No such file"),
    (["train", "digits", "--out", "."], "is a folder"),
    (["train", "flowers.csv", "--out", "flowers.csv"], "would overwrite another file"),
    (["train", "digits", "--out", "a.png", "--plot", "a.png"], "would overwrite another file"),
    (["train", "digits", "--out", os.devnull], "no ordinary file"),
    (["train", "digits", "--plot", "nowhere/curves.png"], "cannot be written"),
    (["train", "digits", "--plot", "curves.txt"], ".png, .svg or .pdf"),
    (["evaluate", "nowhere.safetensors", "digits"], "does not exist"),
    (["evaluate", "damaged.safetensors", "digits"], "damaged"),
    (["evaluate", "flowers.safetensors", "digits"], "the model takes 3"),
    (["evaluate", "digits.safetensors", "digits", "--split", "dev"], "'train', 'test', 'all'"),
    (["evaluate", "flowers.safetensors", "flowers.csv", "--split", "test"], "no split inside"),
    (["predict", "digits.safetensors", "wrong.npz"], "63 features per sample, 64 are needed"),
    (["predict", "digits.safetensors", "nowhere.csv"], "no such file"),
    (["predict", "flowers.safetensors", "flowers.csv", "--out", "nowhere/p.csv"], "cannot be written"),
    (["predict", "flowers.safetensors", "flowers.csv", "--out", "flowers.csv"], "overwrite another file"),
    (["predict", "line.safetensors", "line.csv", "--proba"], "needs a classifier"),
    (["show", "flowers.safetensors", "flowers.csv"], "3 features are not a square image"),
    (["show", "line.safetensors", "line.csv"], "needs a classifier"),
    (["show", "digits.safetensors", "digits", "--count", "0"], "'--count'"),
]

# Runs every mistake in one process: starting one for each takes half a minute.
DRIVER = """
import contextlib, io, json, sys
from fastnn.cli import main
results = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    results.append((status, err.getvalue()))
json.dump(results, sys.stdout)
"""


@pytest.fixture(scope="module")
def outcomes(broken: Path) -> dict[str, tuple[int, str]]:
    """Status and stderr of every mistake, by its arguments; the folder must stay as it was."""
    before = {path: path.read_bytes() for path in broken.iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([arguments for arguments, _ in MISTAKES]),
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=broken,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path: path.read_bytes() for path in broken.iterdir()} == before
    results = json.loads(done.stdout)
    return {
        " ".join(arguments): tuple(result) for (arguments, _), result in zip(MISTAKES, results, strict=True)
    }


@pytest.mark.parametrize(("arguments", "expected"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_mistakes_end_in_one_line(
    outcomes: dict[str, tuple[int, str]], arguments: list[str], expected: str
) -> None:
    status, err = outcomes[" ".join(arguments)]
    assert status == 2
    assert err.startswith("fastnn: ")
    assert err.count("\n") == 1
    assert expected in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "bad.csv"],
        ["train", "digits", "--epochs", "0"],
        ["evaluate", "damaged.safetensors", "digits"],
        ["predict", "digits.safetensors", "wrong.npz"],
    ],
    ids=" ".join,
)
def test_the_same_in_a_process_of_its_own(
    broken: Path, outcomes: dict[str, tuple[int, str]], arguments: list[str]
) -> None:
    assert outcomes[" ".join(arguments)] == (2, fails(*arguments, folder=broken) + "\n")


@pytest.mark.parametrize(
    "arguments",
    [["train", "digits", "--plot", "c.png"], ["show", "digits.safetensors", "digits", "--out", "s.png"]],
    ids=["train", "show"],
)
def test_missing_matplotlib_is_told_before_the_work(work: Path, tmp_path: Path, arguments: list[str]) -> None:
    line = fails(*arguments, folder=work, **hide("matplotlib", tmp_path))
    assert 'pip install "fastnn[plot]"' in line


def test_missing_numba(tmp_path: Path) -> None:
    line = fails("train", "digits", "--backend", "numba", **hide("numba", tmp_path))
    assert "backend='numpy'" in line


def test_unknown_backend_in_the_environment() -> None:
    assert "FASTNN_BACKEND='cuda'" in fails("train", "digits", FASTNN_BACKEND="cuda")


@pytest.fixture(scope="module")
def broken(work: Path) -> Path:
    """The working folder, with files that nothing can be done with."""
    (work / "bad.csv").write_text("label,a\n1,0.5\n2,x\n1,0.25\n")
    (work / "ids.csv").write_text("label,a\n" + "".join(f"{i},{i / 20}\n" for i in range(20)))
    (work / "damaged.safetensors").write_bytes((work / "digits.safetensors").read_bytes()[:500])
    np.savez(work / "wrong.npz", X=np.zeros((4, 63)))
    return work
