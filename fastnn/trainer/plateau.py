"""Lowers the learning rate of a training that no longer improves, as `schedules.ReduceOnPlateau` plans it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnn.callbacks import Callback
from fastnn.trainer.monitoring import Watch

if TYPE_CHECKING:
    from fastnn.schedules import ReduceOnPlateau
    from fastnn.trainer.loop import Training


class RateReducer(Callback):
    """Multiplies `training.learning_rate` by the plan's factor after `patience` epochs without improvement.

    After each reduction the count of epochs begins again; the best value stays.
    """

    def __init__(self, plan: ReduceOnPlateau) -> None:
        self.plan = plan

    def start(self, training: Training) -> None:
        """Forget any earlier training; InputError where what is to be watched is not measured."""
        monitor = self.plan.monitor
        if monitor == "auto":
            # A loss, although early stopping prefers accuracy: it tells finer differences.
            monitor = "validation_loss" if "validation_loss" in training.directions else "loss"
        self._watch = Watch.on(training, monitor, self.plan.min_improvement)
        self._waited = 0

    def epoch_end(self, training: Training) -> None:
        """Count the epochs without improvement, and lower the rate when there are too many."""
        self._waited = 0 if self._watch.improved(training) else self._waited + 1
        if self._waited >= self.plan.patience:
            lower = max(training.learning_rate * self.plan.factor, self.plan.least)
            # A rate that was below the least from the start is left alone.
            training.learning_rate = min(training.learning_rate, lower)
            self._waited = 0

    def state(self) -> dict[str, Any]:
        """Best value, and epochs since; the rate itself is the training's."""
        return {"best": self._watch.best, "waited": self._waited}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Carry on from the plateau of the training that is resumed."""
        self._watch.best, self._waited = state["best"], state["waited"]
