"""Stops a training when its time is up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnn import inputs
from fastnn.callbacks.base import Callback

if TYPE_CHECKING:
    from fastnn.trainer import Training


class StopAfter(Callback):
    """Stop at the end of the epoch in which `seconds` of wall-clock time have passed since the start.

    A resumed training counts the time it took before, but not the time between.
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

    def state(self) -> dict[str, Any]:
        """Seconds on the clock."""
        return {"seconds": time.monotonic() - self._started}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Count the seconds of before too."""
        self._started = time.monotonic() - state["seconds"]
