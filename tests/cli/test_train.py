"""`fastnn train` in real processes."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn

from .process import environment, fails, hide, run, succeeds

PNG = b"\x89PNG\r\n\x1a\n"


def accuracy(line: str) -> float:
    found = re.fullmatch(r"test accuracy (\d+\.\d\d) %", line)
    assert found, line
    return float(found[1])


def test_digits_end_to_end(tmp_path: Path) -> None:
    result = succeeds(
        *("train", "digits", "--epochs", 30, "--validation", 0.1, "--seed", 7, "--out", "model.safetensors"),
        *("--plot", "curves.png"),
        folder=tmp_path,
    )
    assert "1437 rows, 64 features (grey levels), 10 classes" in result.lines[0]
    assert "360 rows" in result.lines[1]
    assert "64-128-10 relu" in result.lines[2]
    assert "numpy" in result.lines[2]
    assert "1293 rows" in result.lines[3]
    assert "--seed 7" in result.lines[3]
    assert [line.split()[1] for line in result.lines if line.startswith("epoch")] == [
        f"{epoch}/30" for epoch in range(3, 31, 3)
    ]
    assert result.lines[-3:-1] == ["model written to model.safetensors", "curves written to curves.png"]
    assert accuracy(result.lines[-1]) > 93
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)

    model = fastnn.load(tmp_path / "model.safetensors", backend="numpy")
    score = model.score(*fastnn.datasets.load("digits", split="test"))
    assert accuracy(result.lines[-1]) == pytest.approx(100 * score, abs=0.006)


def test_printed_seed_repeats_the_training(tmp_path: Path) -> None:
    first = succeeds("train", "digits", "--epochs", 2, "--out", "a.safetensors", folder=tmp_path)
    found = re.search(r"--seed (\d+)", first.out)
    assert found
    second = ("train", "digits", "--epochs", 2, "--seed", found[1], "--out", "b.safetensors")
    assert succeeds(*second, folder=tmp_path).lines[-1] == first.lines[-1]
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_every_and_options_reach_the_training() -> None:
    result = succeeds(
        *("train", "digits", "--hidden", 16, "--hidden", 8, "--activation", "tanh", "--epochs", 5),
        *("--batch-size", "full", "--learning-rate", 0.5, "--dtype", "float64", "--every", 2, "--seed", 0),
    )
    assert "64-16-8-10 tanh, float64" in result.lines[2]
    assert "batch size 1437, learning rate 0.5" in result.lines[3]
    assert [line.split()[1] for line in result.lines if line.startswith("epoch")] == ["2/5", "4/5", "5/5"]


def test_optimizer_and_schedule_are_those_of_the_library(tmp_path: Path) -> None:
    names = {"optimizer": "momentum", "schedule": "cosine"}
    options = [part for name, value in names.items() for part in (f"--{name}", value)]
    training = ("train", "digits", "--epochs", 2, "--seed", 3, *options)
    succeeds(*training, "--out", "m.safetensors", folder=tmp_path)
    by_command = fastnn.load(tmp_path / "m.safetensors")
    X, y = fastnn.datasets.load("digits", split="train")
    by_hand = fastnn.train(X, y, epochs=2, seed=3, backend="numpy", **names)
    for W, V in zip(by_command.weights, by_hand.weights, strict=True):
        np.testing.assert_array_equal(W, V)
    assert "schedule='linear' is unknown; use 'constant'" in fails("train", "digits", "--schedule", "linear")
    assert "optimizer='newton' is unknown; use" in fails("train", "digits", "--optimizer", "newton")


def test_hidden_0_is_softmax_regression_and_quiet_prints_the_result_only() -> None:
    result = succeeds("train", "digits", "--hidden", 0, "--quiet", "--epochs", 5)
    assert len(result.lines) == 1
    assert accuracy(result.lines[0]) > 80


def test_early_stopping_takes_validation_rows_by_itself() -> None:
    result = succeeds("train", "digits", "--early-stopping", 2, "--epochs", 200, "--seed", 1)
    assert "training on 1293 rows" in result.lines[3]
    assert re.search(r"keeping the weights of epoch \d+ \(early stopping\)", result.out)


def test_metrics_are_measured_and_can_be_monitored() -> None:
    result = succeeds(
        *("train", "digits", "--metric", "f1", "--metric", "top_3_accuracy", "--monitor", "validation_f1"),
        *("--early-stopping", 2, "--epochs", 60, "--every", 1, "--seed", 1),
    )
    assert "training on 1293 rows" in result.lines[3]
    shown = [re.search(r"  f1 (\S+)  top_3_accuracy \S+  ", line) for line in result.lines]
    values = [float(found[1]) for found in shown if found]
    kept = re.search(r"keeping the weights of epoch (\d+) \(early stopping\)", result.out)
    assert kept
    assert len(values) == int(kept[1]) + 2
    assert values[int(kept[1]) - 1] == max(values)


def test_monitoring_the_training_rows_takes_none_for_validation() -> None:
    result = succeeds("train", "digits", "--early-stopping", 2, "--monitor", "loss", "--epochs", 2)
    assert "training on 1437 rows" in result.lines[3]


def test_rows_of_a_csv_are_held_out(work: Path) -> None:
    result = succeeds("train", "flowers.csv", "--label", "species", "--seed", 1, folder=work)
    assert "flowers.csv: 72 rows, 3 features, 3 classes" in result.lines[0]
    assert "flowers.csv, held out (--test 0.2): 18 rows" in result.lines[1]
    assert accuracy(result.lines[-1]) > 60


def test_test_0_trains_on_all_rows(work: Path) -> None:
    result = succeeds("train", "flowers.csv", "--test", 0, "--epochs", 2, folder=work)
    assert "all rows: 90 rows" in result.lines[0]
    assert "test" not in result.out


def test_regression_ends_with_r_squared(work: Path) -> None:
    result = succeeds("train", "line.csv", "--epochs", 50, "--learning-rate", 0.02, folder=work)
    assert "a regression" in result.lines[0]
    assert float(result.lines[-1].removeprefix("test R² ")) > 0.9


def test_regression_with_one_test_row_ends_with_the_loss(work: Path) -> None:
    result = succeeds("train", "line.csv", "--test", 0.001, "--epochs", 2, folder=work)
    assert result.lines[-1].startswith("test loss ")


def test_library_warnings_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_text(
        "label,a,b\n" + "".join(f"{i % 2},{i % 2 - 0.5},90\n" for i in range(20))
    )
    result = run("train", "big.csv", "--epochs", 1, folder=tmp_path)
    assert result.status == 0
    assert result.err.startswith("fastnn: warning: X has values up to 90")
    assert result.err.count("\n") == 1


def test_standardize_takes_tables_in_unlike_units(tmp_path: Path) -> None:
    rows = (f"{i % 2},{90000 + i * 7 % 100},{(i % 2 + i * 3 % 7 / 10) / 1000}\n" for i in range(200))
    (tmp_path / "unlike.csv").write_text("label,a,b\n" + "".join(rows))
    options = ("train", "unlike.csv", "--epochs", 20, "--seed", 1)
    assert "--standardize" in run(*options, folder=tmp_path).err
    result = succeeds(*options, "--standardize", "--out", "model", folder=tmp_path)
    assert not result.err
    assert accuracy(result.lines[-1]) > 95
    found = re.search(r"accuracy  (\S+) %", succeeds("evaluate", "model", "unlike.csv", folder=tmp_path).out)
    assert found
    assert float(found[1]) > 95


@pytest.mark.slow
def test_numba_backend_trains_the_same() -> None:
    pytest.importorskip("numba")
    options = ("train", "digits", "--epochs", 10, "--seed", 3, "--dtype", "float64")
    numba, numpy = succeeds(*options, "--backend", "numba"), succeeds(*options)
    assert "numba backend" in numba.lines[2]
    assert accuracy(numba.lines[-1]) == pytest.approx(accuracy(numpy.lines[-1]), abs=0.3)


def test_auto_is_numpy_where_numba_is_missing(tmp_path: Path) -> None:
    options = ("train", "digits", "--epochs", 1)
    assert "numpy backend" in succeeds(*options, FASTNN_BACKEND="", **hide("numba", tmp_path)).out


@pytest.mark.slow
def test_mnist() -> None:
    if not os.environ.get("FASTNN_DATA_DIR"):
        pytest.skip("FASTNN_DATA_DIR is not set to a folder with MNIST")
    result = succeeds("train", "mnist", "--hidden", 32, "--epochs", 1, "--seed", 0)
    assert "60000 rows, 784 features" in result.lines[0]
    assert accuracy(result.lines[-1]) > 88


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process on Windows")
def test_ctrl_c_saves_what_there_is(tmp_path: Path) -> None:
    options = ("--epochs", "1000000", "--every", "1", "--out", "m.safetensors", "--plot", "c.png")
    with subprocess.Popen(
        [sys.executable, "-m", "fastnn", "train", "digits", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
        cwd=tmp_path,
    ) as process:
        assert process.stdout
        assert any(line.startswith("epoch") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert err.startswith("fastnn: warning: training was interrupted after ")
    assert err.count("\n") == 1
    lines = out.splitlines()
    assert lines[-3:-1] == ["model written to m.safetensors", "curves written to c.png"]
    model = fastnn.load(tmp_path / "m.safetensors", backend="numpy")
    score = model.score(*fastnn.datasets.load("digits", split="test"))
    assert accuracy(lines[-1]) == pytest.approx(100 * score, abs=0.006)
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


# ---- checkpoints ------------------------------------------------------------------------------------------

RUN = ("train", "digits", "--hidden", 16, "--validation", 0.1, "--early-stopping", 50)
KEPT = ("--checkpoint", "run.fastnn")


def test_resumed_training_writes_the_same_model(tmp_path: Path) -> None:
    first = succeeds(*RUN, *KEPT, "--resume", "--epochs", 3, folder=tmp_path)
    assert "beginning run.fastnn anew" in first.lines
    seed = re.search(r"--seed (\d+)", first.out)
    assert seed
    second = succeeds(*RUN, *KEPT, "--resume", "--epochs", 6, "--out", "a.safetensors", folder=tmp_path)
    assert "resuming run.fastnn after epoch 3" in second.lines
    assert f"--seed {seed[1]}" in second.out
    whole = (*RUN, "--epochs", 6, "--seed", seed[1], "--out", "b.safetensors")
    assert succeeds(*whole, folder=tmp_path).lines[-1] == second.lines[-1]
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert "accuracy" in succeeds("evaluate", "run.fastnn", "digits", folder=tmp_path).out


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process on Windows")
def test_ctrl_c_then_resume(tmp_path: Path) -> None:
    arguments = [*map(str, (*RUN, *KEPT, "--seed", 4, "--every", 1))]
    with subprocess.Popen(
        [sys.executable, "-m", "fastnn", *arguments, "--epochs", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(),
        cwd=tmp_path,
    ) as process:
        assert process.stdout
        assert any(re.match(r"epoch +2/", line) for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    epoch = fastnn.trainer.checkpoint.read(tmp_path / "run.fastnn").epoch
    resumed = succeeds(
        *arguments, "--resume", "--epochs", epoch + 2, "--out", "a.safetensors", folder=tmp_path
    )
    assert f"resuming run.fastnn after epoch {epoch}" in resumed.lines
    succeeds(*RUN, "--seed", 4, "--epochs", epoch + 2, "--out", "b.safetensors", folder=tmp_path)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_checkpoints_that_cannot_be_used(tmp_path: Path) -> None:
    assert "--resume needs --checkpoint FILE" in fails("train", "digits", "--resume")
    assert "--checkpoint nowhere/x cannot be written" in fails(
        "train", "digits", "--checkpoint", "nowhere/x", folder=tmp_path
    )
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for options in ((), ("--resume",)):
        message = fails("train", "digits", "--checkpoint", "table.csv", *options, folder=tmp_path)
        assert "table.csv" in message
    assert (tmp_path / "table.csv").read_text() == "a,b\n1,2\n"
    succeeds(*RUN, *KEPT, "--epochs", 1, "--seed", 1, folder=tmp_path)
    message = fails(*RUN, *KEPT, "--resume", "--hidden", 8, folder=tmp_path)
    assert "layers was [64, 16, 10] and is [64, 16, 8, 10]" in message
    same = ("train", "digits", "--checkpoint", "x", "--out", "x")
    assert "would overwrite another file of this command" in fails(*same, folder=tmp_path)


def test_regularisation_reaches_the_training(tmp_path: Path) -> None:
    options: dict[str, float | str] = {
        "dropout": 0.2,
        "input_dropout": 0.1,
        "l2": 0.001,
        "l1": 0.0001,
        "weight_decay": 0.01,
        "max_norm": 2.0,
        "label_smoothing": 0.1,
        "clip_norm": 0.5,
        "clip_value": 0.1,
        "class_weight": "balanced",
    }
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    succeeds(
        *("train", "digits", "--epochs", 2, "--seed", 5, "--out", "a.safetensors", *words), folder=tmp_path
    )
    X, y = fastnn.datasets.load("digits", split="train")
    expected = fastnn.train(X, y, epochs=2, seed=5, backend="numpy", **options)  # type: ignore[arg-type]
    model = fastnn.load(tmp_path / "a.safetensors")
    for W, wanted in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(W, wanted)


def test_regularisation_mistakes_name_the_option() -> None:
    assert "dropout=1.5" in fails("train", "digits", "--dropout", 1.5)
    assert "class_weight='even'" in fails("train", "digits", "--class-weight", "even")
