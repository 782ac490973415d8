"""StopAfter: by the clock."""

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback, StopAfter, stop_after
from fastnn.errors import InputError


class Clock:
    """Stands in for the module time: moves when told."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


class Ticker(Callback):
    """Each epoch takes a second."""

    def __init__(self, clock):
        self.clock = clock

    def epoch_end(self, training):
        self.clock.now += 1


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(stop_after, "time", clock)
    return clock


def train(*callbacks):
    return fastnn.train(np.eye(4), [0, 1, 0, 1], epochs=20, callbacks=callbacks)


def test_it_stops_at_the_end_of_the_epoch(clock):
    history = train(Ticker(clock), StopAfter(2.5)).history
    assert history.n_epochs == 3
    assert history.stop_reason == "2.5 seconds passed"


def test_the_clock_starts_with_the_training(clock):
    stop = StopAfter(2.5)
    clock.now += 1000
    assert train(Ticker(clock), stop).history.n_epochs == 3


def test_a_resumed_training_has_the_time_again_and_needs_no_clock(clock, tmp_path):
    data = {"checkpoint": tmp_path / "run.fastnn", "epochs": 20, "seed": 1}
    X, y = np.eye(4), [0, 1, 0, 1]
    ticker = Ticker(clock)
    fastnn.train(X, y, callbacks=[ticker, StopAfter(5)], **data)
    model = fastnn.train(X, y, callbacks=[ticker, StopAfter(7)], resume=True, **data)
    assert model.history.n_epochs == 12
    assert fastnn.train(X, y, resume=True, **data).history.n_epochs == 20


def test_a_real_clock():
    history = train(StopAfter(1e-9)).history
    assert history.n_epochs == 1


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), "long", None])
def test_mistakes(seconds):
    with pytest.raises(InputError, match="seconds="):
        StopAfter(seconds)
