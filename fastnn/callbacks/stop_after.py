"""Stops a training when its time is up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fastnn import inputs
from fastnn.callbacks.base import Callback

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training


class StopAfter(Callback):
    """Stop at the end of the epoch in which `seconds` of wall-clock time have passed since the start.

    A resumed training has the whole time again: a job with a time limit gets on by as much each time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = inputs.positive("seconds", seconds)
        self._started = time.monotonic()

    def start(self, training: Training) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def epoch_end(self, training: Training) -> None:
        """Stop if the time is up."""
        if time.monotonic() - self._started >= self.seconds:
            training.stop(f"{self.seconds:g} seconds passed")
