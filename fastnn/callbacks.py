"""What may watch and steer a training between its epochs: the protocol, early stopping, progress."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import inputs
from fastnn.errors import InputError

if TYPE_CHECKING:
    from fastnn.trainer import Training

# Which way is better, by the name of what is monitored.
MONITORS = {"validation_accuracy": +1, "validation_loss": -1}


class Callback:
    """Base of callbacks: override any of the three; each gets the `fastnn.trainer.Training` under way.

    A callback may read `training.history`, `training.epoch` and `training.network` (after
    `training.write_back()`), change `training.learning_rate`, and call `training.stop(reason)`.
    """

    def start(self, training: Training) -> None:
        """Called once, before the first epoch."""

    def epoch_end(self, training: Training) -> None:
        """Called after every epoch, once its values are in `training.history`."""

    def finish(self, training: Training) -> None:
        """Called once, when training ends, also by Ctrl-C; the network holds the last weights."""


class EarlyStopping(Callback):
    """Stop when `monitor` has not improved for `patience` epochs; keep the weights of the best epoch.

    monitor   "validation_accuracy" (larger is better) or "validation_loss" (smaller is better)
    """

    def __init__(self, patience: int, monitor: str = "validation_accuracy") -> None:
        self.patience = inputs.whole_number("early_stopping", patience)
        self.monitor = inputs.choice("monitor", monitor, tuple(MONITORS))
        self._direction = MONITORS[monitor]

    def start(self, training: Training) -> None:
        """Forget any earlier training."""
        self._best = -np.inf
        self._best_weights: list[Any] = []

    def epoch_end(self, training: Training) -> None:
        """Remember the weights if this epoch is the best yet; stop if the best is too long ago."""
        value = self._direction * training.history[self.monitor][-1]
        if value > self._best:
            self._best = value
            training.history.best_epoch = training.epoch
            training.write_back()
            self._best_weights = [array.copy() for array in _arrays(training)]
        elif training.epoch - (training.history.best_epoch or 0) >= self.patience:
            training.stop("early stopping")

    def finish(self, training: Training) -> None:
        """Put the best epoch's weights back."""
        for array, best in zip(_arrays(training), self._best_weights, strict=False):
            array[...] = best


class ProgressBar(Callback):
    """A tqdm bar on stderr, one step an epoch, with loss, accuracy and samples per second."""

    def start(self, training: Training) -> None:
        """Open the bar."""
        from tqdm import tqdm

        # Everything in 80 columns: a short bar, then what is being learned.
        layout = "{n_fmt}/{total_fmt} |{bar:12}| {elapsed}<{remaining}{postfix}"
        self._bar = tqdm(total=training.epochs, bar_format=layout, file=sys.stderr)

    def epoch_end(self, training: Training) -> None:
        """Move the bar on."""
        self._bar.set_postfix_str(_short_summary(training), refresh=False)
        self._bar.update()

    def finish(self, training: Training) -> None:
        """Close the bar where it stands."""
        self._bar.close()


class EpochLines(Callback):
    """A line on stdout every `every` epochs, and for the last one."""

    def __init__(self, every: int) -> None:
        self.every = inputs.whole_number("verbose", every)

    def start(self, training: Training) -> None:
        """Nothing has been printed yet."""
        self._printed = 0

    def epoch_end(self, training: Training) -> None:
        """Print this epoch's line if it is its turn."""
        if training.epoch % self.every == 0:
            self._print(training)

    def finish(self, training: Training) -> None:
        """Print the last epoch's line if its turn had not come."""
        if training.epoch > self._printed:
            self._print(training)

    def _print(self, training: Training) -> None:
        self._printed = training.epoch
        width = len(str(training.epochs))
        print(f"epoch {training.epoch:{width}}/{training.epochs}  {_summary(training)}", flush=True)


def reporter(verbose: bool | int) -> list[Callback]:
    """The callback `verbose` asks for: False or 0 none, True the bar, a number N a line every N epochs."""
    if isinstance(verbose, bool | np.bool_):
        return [ProgressBar()] if verbose else []
    if verbose == 0:
        return []
    return [EpochLines(verbose)]


def checked(callbacks: Any) -> list[Callback]:
    """The user's callbacks as a list, or InputError."""
    try:
        found = list(callbacks)
    except TypeError:
        raise InputError(
            f"callbacks={callbacks!r} must be a list of fastnn.callbacks.Callback objects"
        ) from None
    for callback in found:
        if not isinstance(callback, Callback):
            raise InputError(f"callbacks holds {callback!r}, which is not a fastnn.callbacks.Callback object")
    return found


def _arrays(training: Training) -> list[Any]:
    return [*training.network.weights, *training.network.biases]


def _summary(training: Training) -> str:
    return "  ".join(f"{name} {value}" for name, value in _figures(training, decimals=2)) + _rate(training)


def _short_summary(training: Training) -> str:
    short = {"accuracy": "acc", "validation": "val", "validation loss": "val"}
    figures = _figures(training, decimals=1)
    return " ".join(f"{short.get(name, name)} {value}" for name, value in figures) + _rate(training)


def _figures(training: Training, decimals: int) -> list[tuple[str, str]]:
    """What the last epoch measured, as (name, value) to be shown."""
    last = training.history.last()
    figures = [("loss", f"{last['loss']:.{decimals + 2}f}")]
    if "accuracy" in last:
        figures.append(("accuracy", f"{100 * last['accuracy']:.{decimals}f} %"))
    if "validation_accuracy" in last:
        figures.append(("validation", f"{100 * last['validation_accuracy']:.{decimals}f} %"))
    elif "validation_loss" in last:
        figures.append(("validation loss", f"{last['validation_loss']:.{decimals + 2}f}"))
    return figures


def _rate(training: Training) -> str:
    return f"  {_rounded(training.n_rows / training.history['seconds'][-1])} samples/s"


def _rounded(rate: float) -> str:
    return f"{rate / 1e6:.2f} M" if rate >= 1e6 else f"{rate / 1e3:.0f} k" if rate >= 1e4 else f"{rate:.0f}"
