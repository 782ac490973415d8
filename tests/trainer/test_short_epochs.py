"""Epochs that are trained several at a time, because nobody looks between them: nothing else changes."""

import numpy as np
import pytest

pytest.importorskip("numba")

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError
from fastnn.trainer import loop
from tests.checks import assert_same_bits


class Looks(Callback):
    """Does nothing after an epoch, but after each one."""

    def epoch_end(self, training):
        pass


class Starts(Callback):
    """Does nothing after an epoch, nor is it asked to."""

    def start(self, training):
        self.training = training


@pytest.fixture
def table(generator):
    X = generator.normal(size=(90, 4))
    return X, np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])


@pytest.fixture
def groups(monkeypatch):
    """How many epochs were trained together, call by call."""
    found, several = [], loop.Training._several_epochs

    def noted(self, run, count):
        found.append(count)
        several(self, run, count)

    monkeypatch.setattr(loop.Training, "_several_epochs", noted)
    monkeypatch.setattr(loop, "SECONDS_TOGETHER", 1.0)
    monkeypatch.setattr(loop, "MOST_TOGETHER", 7)
    return found


def assert_same_training(one, other):
    assert_same_bits(one, other)
    assert list(one.history) == list(other.history)
    for name in one.history:
        if name != "seconds":
            assert one.history[name] == other.history[name]
    assert one.history.stop_reason == other.history.stop_reason


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam", "batch_size": 16},
        {"schedule": "cosine", "batch_size": 7},
        {"dropout": 0.3, "batch_size": 32},
        {"batch_size": None},
        {"sample_weight": np.linspace(0, 2, 90), "batch_size": 32},
        {"activation": "tanh", "dtype": "float64", "threads": 2, "batch_size": 32},
    ],
)
def test_the_same_model_and_history(options, table, groups):
    options = {"hidden": 6, "epochs": 30, "seed": 2, "backend": "numba"} | options
    watched = fastnn.train(*table, callbacks=[Looks()], **options)
    assert not groups
    assert_same_training(watched, fastnn.train(*table, callbacks=[Starts()], **options))
    assert groups == [7, 7, 7, 7]
    assert len(watched.history["loss"]) == 30


def test_regressions_have_no_accuracy(table, groups):
    X, _ = table
    model = fastnn.train(X, X[:, 0], epochs=9, seed=0, hidden=3, backend="numba")
    assert groups == [7]
    assert set(model.history) == {"loss", "learning_rate", "seconds"}
    assert all(len(model.history[name]) == 9 for name in model.history)


def test_one_after_the_other_where_somebody_looks(table, groups):
    options = {"epochs": 5, "seed": 0, "hidden": 3, "backend": "numba"}
    fastnn.train(*table, validation=0.2, **options)
    fastnn.train(*table, early_stopping=3, monitor="loss", **options)
    instance = Starts()
    instance.epoch_end = lambda training: None
    fastnn.train(*table, callbacks=[instance], **options)
    fastnn.train(*table, **options | {"backend": "numpy"})
    assert not groups


@pytest.mark.parametrize("learning_rate", [3.0, 30.0, 1e38])
def test_a_training_that_runs_away_ends_as_one_epoch_by_epoch(learning_rate, table, groups):
    X, _ = table
    options = {"hidden": (), "learning_rate": learning_rate, "epochs": 400, "seed": 0, "backend": "numba"}
    ends = []
    for callbacks in ([Looks()], []):
        with pytest.raises(DivergedError) as caught:
            fastnn.train(X, X[:, 0], callbacks=callbacks, **options)
        ends.append(caught.value)
    assert str(ends[0]) == str(ends[1])
    assert_same_training(ends[0].network, ends[1].network)
    assert bool(groups) == (learning_rate < 1e38)  # the first epoch is always alone


def test_long_epochs_are_not_trained_together(table, groups, monkeypatch):
    monkeypatch.setattr(loop, "SECONDS_TOGETHER", 0.0)
    fastnn.train(*table, epochs=5, seed=0, hidden=3, backend="numba")
    assert not groups


def test_what_comes_between_ends_it(table, groups):
    """As train_many's look at Ctrl-C does, which comes several times a second."""

    class Ends(Callback):
        def start(self, training):
            self.training, training.between_parts = training, self.look

        def look(self):
            if self.training.epoch == 8:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted after 8 of 50 epochs"):
        model = fastnn.train(*table, epochs=50, seed=0, hidden=3, backend="numba", callbacks=[Ends()])
    assert model.history.n_epochs == 8
