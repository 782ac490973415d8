"""What happens between two epochs of a fit, as scikit-learn does it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn.backends import Array
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError
from fastnn.network import Network
from fastnn.run_settings import RunSettings
from fastnn.sklearn.conventions import Losses
from fastnn.sklearn.random_stream import Shuffler
from fastnn.sklearn.solvers import Rate, rescaled
from fastnn.sklearn.stopping import Progress
from fastnn.trainer.loop import Data, Training

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


@dataclass(frozen=True)
class Task:
    """What to train, on what, and how.

    options    the parameters of the estimator
    held_out   validation data, or None
    stream     of random numbers, after weights and split have been drawn
    once       one epoch, as partial_fit wants it
    """

    options: Mapping[str, Any]
    network: Network
    data: Data
    held_out: Data | None
    stream: np.random.RandomState
    once: bool


class Watch(Callback):
    """Records, prints, keeps the best weights, moves the learning rate, and ends the training.

    epoch   how many there have been
    """

    def __init__(
        self, task: Task, settings: RunSettings, shuffler: Shuffler, progress: Progress, rate: Rate
    ) -> None:
        self._options, self._settings = task.options, settings
        self._shuffler, self._progress, self._rate = shuffler, progress, rate
        self._losses = Losses(task.network, task.data.y, task.data.weights)
        self._validation_losses, self._validation_rows = None, np.arange(0)
        if task.held_out is not None:
            self._validation_losses = Losses(task.network, task.held_out.y, task.held_out.weights)
            self._validation_rows = task.held_out.rows
        self._stops_by_score = bool(task.options["early_stopping"])
        self._shuffles_unseen = task.options["shuffle"] and settings.batch_size >= len(task.data.rows)
        self._best: tuple[int, list[Array]] | None = None
        self.epoch = 0

    def epoch_end(self, training: Training) -> None:
        """Everything between two epochs."""
        self.epoch = training.epoch
        if self._shuffles_unseen:  # one batch of all rows: only those who use the stream later would know
            self._shuffler.permutation(self._shuffler.rows)
        self._record(training)
        before = self._rate.now
        self._rate.epoch_ends(self._progress.n_seen)
        if self._progress.n_unimproved >= self._options["n_iter_no_change"]:
            self._not_improving(training)
        if self._rate.now != before:
            training.learning_rate = self._rate.now
            training.run.set_state(rescaled(training.run.state(), before / self._rate.now))

    def finish(self, training: Training) -> None:
        """With early stopping the best weights come back."""
        if self._best is not None:
            epoch, arrays = self._best
            for array, best in zip(_arrays(training.network), arrays, strict=True):
                array[...] = best
            training.read_weights()
            training.history.best_epoch = epoch

    def diverged(self, error: DivergedError) -> None:
        """With early stopping a warning, for the best weights are there; else a ValueError."""
        if self._best is None:
            raise ValueError(f"{NOT_FINITE} ({error})") from error
        self.epoch += 1
        nan = float("nan")
        self._progress.add_loss(nan, self._options["tol"], watched=False)
        self._progress.add_score(nan, nan, self._options["tol"], watched=True)
        warnings.warn(
            f"Training diverged, and keeps the weights of its best epoch: {error}",
            ConvergenceWarning,
            stacklevel=2,
        )

    def state_to_carry(self, training: Training) -> Mapping[str, Array]:
        """The optimizer's arrays, where they belong to the weights that the network has now."""
        return {} if self._best is not None and self._best[0] != self.epoch else training.run.state()

    def _record(self, training: Training) -> None:
        options, history, progress = self._options, training.history, self._progress
        loss = self._losses.stated_by_batch(history["loss"][-1], self._shuffler.rows, self._settings)
        progress.n_seen += training.n_rows
        progress.add_loss(loss + history["penalty"][-1], options["tol"], watched=not self._stops_by_score)
        if options["verbose"]:
            print(f"Iteration {training.epoch}, loss = {progress.losses[-1]:.8f}")
        if self._validation_losses is None:
            return
        best = progress.add_score(
            history["validation_score" if "validation_score" in history else "validation_accuracy"][-1],
            self._validation_losses.stated(history["validation_loss"][-1], self._validation_rows),
            options["tol"],
            watched=self._stops_by_score,
        )
        if options["verbose"]:
            print(f"Validation score: {progress.scores[-1]:f}")
        if best and self._stops_by_score:
            training.write_back()
            self._best = training.epoch, [array.copy() for array in _arrays(training.network)]

    def _not_improving(self, training: Training) -> None:
        """Lower the rate where it is adaptive and can be; else stop."""
        lowered = self._rate.lower()
        if self._options["verbose"]:
            self._explain(lowered)
        if lowered:
            self._progress.n_unimproved = 0
        else:
            training.stop("early stopping")

    def _explain(self, lowered: bool) -> None:
        what = "Validation score" if self._stops_by_score else "Training loss"
        options = self._options
        then = "Stopping."
        if lowered:
            then = f"Setting learning rate to {self._rate.now:f}"
        elif self._rate.rule == "adaptive":
            then = "Learning rate too small. Stopping."
        print(
            f"{what} did not improve more than tol={options['tol']:f} for {options['n_iter_no_change']} "
            f"consecutive epochs. {then}"
        )


def _arrays(network: Network) -> Sequence[Array]:
    return [*network.weights, *network.biases]
