"""CSVLog: a file that equals the history at the end of each epoch."""

import csv
import os

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback, CSVLog
from fastnn.errors import CallbackError, InputError


@pytest.fixture
def data(generator):
    return generator.normal(size=(60, 4)), np.arange(60) % 3


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def assert_equals_history(path, history):
    rows = rows_of(path)
    assert list(rows[0]) == ["epoch", *history]
    assert [int(row["epoch"]) for row in rows] == list(range(1, history.n_epochs + 1))
    for name in history:
        assert [float(row[name]) for row in rows] == history[name]


def test_a_row_for_each_epoch(data, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("of an older training\n")
    model = fastnn.train(*data, epochs=4, validation=0.3, metrics="f1", callbacks=[CSVLog(path)])
    assert_equals_history(path, model.history)
    assert "validation_f1" in rows_of(path)[0]
    assert b"\r" not in path.read_bytes()


class Reader(Callback):
    """Reads the file after each epoch, while it is open."""

    def __init__(self, path):
        self.path, self.seen = path, []

    def epoch_end(self, training):
        self.seen.append(len(rows_of(self.path)))


def test_each_row_is_there_when_its_epoch_ends(data, tmp_path):
    reader = Reader(tmp_path / "log.csv")
    fastnn.train(*data, epochs=3, callbacks=[CSVLog(str(reader.path)), reader])
    assert reader.seen == [1, 2, 3]


class Resume(Callback):
    """Puts the record of a training of before into this one, as a checkpoint does before anything starts."""

    def __init__(self, history, epochs):
        self.before, self.epochs = history, epochs

    def start(self, training):
        for epoch in range(self.epochs):
            training.history.record(**{name: column[epoch] for name, column in self.before.items()})
        training.epoch = self.epochs


@pytest.mark.parametrize("first", ["resume", "log"])
def test_a_resumed_training_goes_on_after_the_saved_epochs(data, tmp_path, first):
    path = tmp_path / "log.csv"
    before = fastnn.train(*data, epochs=5, callbacks=[CSVLog(path)])
    # It ended in epoch 5, but was saved after epoch 3: rows 4 and 5 are made again.
    callbacks = [Resume(before.history, 3), CSVLog(path)]
    after = fastnn.train(*data, epochs=6, callbacks=callbacks if first == "resume" else callbacks[::-1])
    assert after.history["loss"][:3] == before.history["loss"][:3]
    assert after.history.n_epochs == 6
    assert_equals_history(path, after.history)


class Interrupter(Callback):
    def epoch_end(self, training):
        raise KeyboardInterrupt


def test_an_interrupted_epoch_is_in_it(data, tmp_path):
    path = tmp_path / "log.csv"
    with pytest.warns(UserWarning, match="interrupted after 1"):
        model = fastnn.train(*data, callbacks=[Interrupter(), CSVLog(path)])
    assert_equals_history(path, model.history)


def test_one_object_logs_one_training_after_the_other(data, tmp_path):
    log = CSVLog(tmp_path / "log.csv")
    for epochs in (3, 2):
        model = fastnn.train(*data, epochs=epochs, callbacks=[log])
        assert_equals_history(log.path, model.history)


@pytest.mark.parametrize(
    ("name", "message"), [("nowhere/log.csv", "No such file or directory"), (".", "directory")]
)
def test_a_path_that_cannot_be_written_is_told_at_the_start(data, tmp_path, name, message):
    with pytest.raises(InputError, match=rf"CSVLog\(.*\) cannot be written: .*{message}") as caught:
        fastnn.train(*data, callbacks=[CSVLog(tmp_path / name)])
    assert "\n" not in str(caught.value)


def test_no_path_at_all():
    with pytest.raises(InputError, match=r"CSVLog\(3\) must get the path of a file"):
        CSVLog(3)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_keeps_the_model(data):
    with pytest.raises(CallbackError, match=r"CSVLog\.epoch_end raised OSError: .*No space left") as caught:
        fastnn.train(*data, epochs=3, callbacks=[CSVLog("/dev/full")])
    assert caught.value.network.history.n_epochs == 1
