"""train(): validation while it runs, what it tells, and that it stops when told."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import CallbackError
from tests.checks import assert_same_bits


def test_validation_fraction_is_held_out(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(X, y, epochs=3, validation=0.25, seed=0, backend=backend_name)
    names = ("loss", "accuracy", "learning_rate", "seconds", "validation_loss", "validation_accuracy")
    assert set(model.history) == set(names)
    assert all(len(column) == 3 for column in model.history.values())


def test_validation_data_of_ones_own(blobs):
    X, y = blobs
    names = np.array(["cat", "dog", "eel"])[y]
    model = fastnn.train(X[:200], names[:200], epochs=4, validation=(X[200:], names[200:]), seed=0)
    assert model.history["validation_accuracy"][-1] == pytest.approx(model.score(X[200:], names[200:]))
    assert model.history["validation_loss"][-1] == pytest.approx(model.loss(X[200:], names[200:]))


@pytest.mark.parametrize("monitor", ["validation_accuracy", "validation_loss"])
def test_early_stopping_keeps_the_best_epoch(generator, backend_name, monitor):
    X, y = generator.normal(size=(120, 30)), generator.integers(0, 2, 120)  # nothing to learn but noise
    X_val, y_val = generator.normal(size=(80, 30)), generator.integers(0, 2, 80)
    model = fastnn.train(
        X,
        y,
        epochs=300,
        validation=(X_val, y_val),
        early_stopping=7,
        monitor=monitor,
        seed=0,
        backend=backend_name,
    )
    history = model.history
    assert history.stop_reason == "early stopping"
    best = max(history[monitor]) if monitor == "validation_accuracy" else min(history[monitor])
    assert history.best_epoch == 1 + history[monitor].index(best)
    assert history.n_epochs == history.best_epoch + 7
    loss, accuracy = model.evaluate(X_val, y_val)
    assert (accuracy if monitor == "validation_accuracy" else loss) == pytest.approx(best, rel=1e-6)


def test_early_stopping_restores_the_best_even_when_epochs_run_out(blobs):
    X, y = blobs
    model = fastnn.train(
        X, y, epochs=3, validation=(X, y), early_stopping=50, monitor="validation_loss", seed=0
    )
    assert model.history.stop_reason == "epochs"
    assert model.loss(X, y) == pytest.approx(min(model.history["validation_loss"]), rel=1e-6)


def test_lines_every_n_epochs(blobs, capsys):
    X, y = blobs
    fastnn.train(X, y, epochs=7, verbose=3, seed=0, validation=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["3/7", "6/7", "7/7"]
    assert all("loss" in line and "accuracy" in line and "samples/s" in line for line in lines)


def test_silent_and_bar(blobs, capsys):
    X, y = blobs
    fastnn.train(X, y, epochs=3, seed=0)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    fastnn.train(X, y, epochs=3, seed=0, verbose=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err
    assert "loss" in captured.err
    assert "samples/s" in captured.err


class Recorder(Callback):
    def __init__(self, stop_at=None):
        self.calls, self.stop_at = [], stop_at

    def start(self, training):
        self.calls.append("start")

    def epoch_end(self, training):
        self.calls.append(training.epoch)
        if training.epoch == self.stop_at:
            training.stop("enough")

    def finish(self, training):
        self.calls.append("finish")


def test_callbacks_watch_and_stop(blobs):
    X, y = blobs
    recorder = Recorder(stop_at=2)
    model = fastnn.train(X, y, epochs=9, callbacks=[recorder])
    assert recorder.calls == ["start", 1, 2, "finish"]
    assert model.history.stop_reason == "enough"
    assert model.history.n_epochs == 2


class Raiser(Callback):
    def epoch_end(self, training):
        raise RuntimeError("mine")


def test_an_exception_in_a_callback_comes_through_after_finish(blobs):
    X, y = blobs
    recorder = Recorder()
    with pytest.raises(CallbackError, match=r"Raiser\.epoch_end raised RuntimeError: mine"):
        fastnn.train(X, y, epochs=9, callbacks=[recorder, Raiser()])
    assert recorder.calls == ["start", 1, "finish"]


class Interrupter(Callback):
    def epoch_end(self, training):
        if training.epoch == 2:
            raise KeyboardInterrupt


def test_ctrl_c_between_epochs_keeps_the_model(blobs, backend_name):
    X, y = blobs
    with pytest.warns(UserWarning, match="interrupted after 2 of 50 epochs"):
        model = fastnn.train(X, y, epochs=50, callbacks=[Interrupter()], seed=0, backend=backend_name)
    assert model.history.stop_reason == "interrupted"
    assert_same_bits(model, fastnn.train(X, y, epochs=2, seed=0, backend=backend_name))


@pytest.mark.skipif(os.name == "nt", reason="SIGINT of one's own process is not deliverable on Windows")
def test_ctrl_c_inside_a_long_epoch_is_seen_soon(generator, backend_name):
    X, y = generator.normal(size=(40_000, 100)).astype(np.float32), generator.integers(0, 5, 40_000)
    fastnn.train(
        X[:100], y[:100], epochs=1, hidden=(300, 300), backend=backend_name
    )  # compiled before the clock
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="interrupted"):
        fastnn.train(X, y, epochs=10_000, hidden=(300, 300), backend=backend_name)
    assert time.perf_counter() - start < 10
