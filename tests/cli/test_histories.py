"""Histories from files: what CSVLog wrote comes back, and what it did not write is refused."""

from pathlib import Path

import pytest

import fastnn
from fastnn.cli import histories
from fastnn.errors import DataError, InputError, ModelFileError
from fastnn.network import Network


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Network]:
    """A folder with log.csv, run.fastnn and model.safetensors of one training, and its model."""
    folder = tmp_path_factory.mktemp("histories")
    X, y = fastnn.datasets.load("digits", split="test")
    model = fastnn.train(
        X,
        y,
        hidden=(),
        epochs=3,
        validation=0.2,
        metrics=("f1",),
        early_stopping=2,
        seed=0,
        backend="numpy",
        checkpoint=folder / "run.fastnn",
        callbacks=[fastnn.callbacks.CSVLog(folder / "log.csv")],
    )
    model.save(folder / "model.safetensors")
    return folder, model


@pytest.mark.parametrize("name", ["log.csv", "run.fastnn", "model.safetensors"])
def test_every_kind_of_file_gives_the_history(trained: tuple[Path, Network], name: str) -> None:
    folder, model = trained
    history = histories.read(folder / name)
    # How long an epoch took is not kept in a model.
    columns = {name: column for name, column in model.history.items() if name != "seconds"}
    assert {name: column for name, column in history.items() if name != "seconds"} == columns
    assert history.epochs == [1, 2, 3]
    if name != "log.csv":
        assert history.best_epoch == model.history.best_epoch


def test_a_model_without_history_is_refused(tmp_path: Path) -> None:
    import numpy as np

    Network([np.eye(3)], [np.zeros(3)]).save(tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="holds no history, so there are no curves to draw"):
        histories.read(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="does not exist"):
        histories.read(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no record of a training: its first line must be epoch,loss"),
        (b"loss,epoch\n1,1\n", "is no record of a training"),
        (b"epoch,loss,loss\n1,1,1\n", "is no record of a training"),
        (b"epoch,loss\n", "holds no epochs yet"),
        (b"epoch,loss\n1,0.5\n2\n", "line 3: must be 2 numbers"),
        (b"epoch,loss\n1,0.5\n2,x\n", "line 3: must be 2 numbers"),
        (b"epoch,loss\n1,0.5\n3,0.4\n", "its epochs must be 1, 2, 3 and so on"),
        (b"\xff\xfe\x00", "is not text in columns"),
        (b'epoch,loss\n1,"' + b"a" * 200_000 + b'"\n', "cannot be read: it is not text in columns"),
    ],
)
def test_other_csv_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        histories.read(tmp_path / "log.csv")
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        histories.read(tmp_path / "log.csv")
