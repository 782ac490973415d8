"""StopAfter: by the clock, also that of a training of before."""

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


class Restore(Callback):
    def __init__(self, other, state):
        self.other, self.saved = other, state

    def start(self, training):
        self.other.set_state(self.saved)


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


def test_state_carries_on(clock):
    stop = StopAfter(5)
    assert train(Ticker(clock), stop).history.n_epochs == 5
    assert stop.state() == {"seconds": 5}
    again = StopAfter(7)
    assert train(Ticker(clock), again, Restore(again, {"seconds": 5})).history.n_epochs == 2


def test_a_real_clock():
    history = train(StopAfter(1e-9)).history
    assert history.n_epochs == 1


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), "long", None])
def test_mistakes(seconds):
    with pytest.raises(InputError, match="seconds="):
        StopAfter(seconds)
