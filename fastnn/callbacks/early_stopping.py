"""Stops a training that no longer improves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnn import inputs
from fastnn.backends import Array, state_names
from fastnn.callbacks.base import Callback
from fastnn.trainer.monitoring import Watch

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training


class EarlyStopping(Callback):
    """Stop when `monitor` has not improved for `patience` epochs; keep the weights of the best epoch.

    patience         epochs in a row without improvement after which training ends
    monitor          a recorded value, such as "validation_loss" or "validation_f1"; "auto" is what train()
                     monitors
    min_improvement  an epoch counts as better only if it is better by more than this
    """

    def __init__(self, patience: int, monitor: str = "auto", min_improvement: float = 0.0) -> None:
        self.patience = inputs.whole_number("early_stopping", patience)
        self.monitor = monitor
        self.min_improvement = inputs.not_negative("min_improvement", min_improvement)

    def start(self, training: Training) -> None:
        """Forget any earlier training."""
        self._watch = Watch.on(training, self.monitor, self.min_improvement)
        self._best_epoch: int | None = None
        self._best_weights: list[Array] = []

    def epoch_end(self, training: Training) -> None:
        """Remember the weights if this epoch is the best yet; stop if the best is too long ago."""
        if self._watch.improved(training):
            self._best_epoch = training.epoch
            training.write_back()
            self._best_weights = [array.copy() for array in _arrays(training)]
        elif training.epoch - (self._best_epoch or 0) >= self.patience:
            training.stop("early stopping")
        training.history.best_epoch = self._best_epoch

    def finish(self, training: Training) -> None:
        """Put the best epoch's weights back."""
        for array, best in zip(_arrays(training), self._best_weights, strict=False):
            array[...] = best
        # A callback that finishes later may call write_back(): it must find these weights in the run.
        training.read_weights()

    def state(self) -> dict[str, Any]:
        """Best value, best epoch, and the weights it had."""
        names = state_names(len(self._best_weights) // 2)
        return {
            "best": self._watch.best,
            "best_epoch": self._best_epoch,
            **dict(zip(names, self._best_weights, strict=True)),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Carry on from the best epoch of the training that is resumed."""
        self._watch.best, self._best_epoch = state["best"], state["best_epoch"]
        names = state_names(sum(name.startswith("weights.") for name in state))
        self._best_weights = [state[name].copy() for name in names]


def _arrays(training: Training) -> list[Array]:
    return [*training.network.weights, *training.network.biases]
