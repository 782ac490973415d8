"""Shows how a training goes: a bar for people, lines for log files."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from fastnn import inputs
from fastnn.callbacks.base import Callback

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training

# Lines in a log file where a terminal would have the bar.
LOG_LINES = 10


class ProgressBar(Callback):
    """A bar on stderr, one step an epoch: time left, loss, accuracy, validation metric, samples per second.

    In a notebook it is a widget, where ipywidgets is installed. Where stderr goes into a file there are about
    ten lines instead, for a bar moves by carriage returns.
    """

    def start(self, training: Training) -> None:
        """Open the bar."""
        self._bar: Any = None
        self._lines: EpochLines | None = None
        bar, is_widget = _bar_class()
        if not (is_widget or _shows_carriage_returns()):
            self._lines = EpochLines(stream=sys.stderr)
            self._lines.start(training)
            return
        # All in 80 columns, also for 1000 epochs: a short bar, then what is learned. A widget has its own.
        shape = "{bar}" if is_widget else "{bar:6}"
        layout = f"{{n_fmt}}/{{total_fmt}} |{shape}| {{elapsed}}<{{remaining}}{{postfix}}"
        self._bar = bar(total=training.epochs, initial=training.epoch, bar_format=layout, file=sys.stderr)

    def epoch_end(self, training: Training) -> None:
        """Move the bar on."""
        if self._lines is not None:
            self._lines.epoch_end(training)
            return
        self._bar.set_postfix_str(_short_summary(training), refresh=False)
        self._bar.update(training.epoch - self._bar.n)

    def finish(self, training: Training) -> None:
        """Close the bar where it stands."""
        if self._lines is not None:
            self._lines.finish(training)
        if self._bar is not None:
            self._bar.close()


class EpochLines(Callback):
    """A line every `every` epochs (None: about ten in all) and for the last, on `stream` (None: stdout)."""

    def __init__(self, every: int | None = None, *, stream: TextIO | None = None) -> None:
        self.every = None if every is None else inputs.whole_number("verbose", every)
        self._stream = stream

    def start(self, training: Training) -> None:
        """Nothing has been printed yet."""
        self._printed = training.epoch
        self._turn = self.every or max(1, round(training.epochs / LOG_LINES))

    def epoch_end(self, training: Training) -> None:
        """Print this epoch's line if it is its turn."""
        if training.epoch % self._turn == 0:
            self._print(training)

    def finish(self, training: Training) -> None:
        """Print the last epoch's line if its turn had not come."""
        if training.epoch > self._printed:
            self._print(training)

    def _print(self, training: Training) -> None:
        self._printed = training.epoch
        width = len(str(training.epochs))
        line = f"epoch {training.epoch:{width}}/{training.epochs}  {_summary(training)}"
        print(line, file=self._stream, flush=True)


@contextmanager
def count_bar(total: int, unit: str, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """A bar on stderr for things that are done one by one: gives the function that is told how many more."""
    if not shown:
        yield lambda count: None
        return
    bar, _ = _bar_class()
    with bar(total=total, unit=unit, file=sys.stderr) as opened:
        yield opened.update


def reporter(verbose: bool | int) -> list[Callback]:
    """The callback `verbose` asks for: False or 0 none, True the bar, a number N a line every N epochs."""
    if isinstance(verbose, bool | np.bool_):
        return [ProgressBar()] if verbose else []
    if verbose == 0:
        return []
    return [EpochLines(verbose)]


def _bar_class() -> tuple[Any, bool]:
    """(tqdm's class for where we are, whether it is a notebook's widget)."""
    with warnings.catch_warnings():
        # In a notebook without ipywidgets tqdm warns, and gives the bar made of text, which is what we want.
        warnings.simplefilter("ignore")
        from tqdm.asyncio import tqdm_asyncio
        from tqdm.auto import tqdm
    return tqdm, tqdm is not tqdm_asyncio


def _shows_carriage_returns() -> bool:
    """Whether a line on stderr can be overwritten: in a terminal, and in a notebook without widgets."""
    return "ipykernel.zmqshell" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


def _summary(training: Training) -> str:
    """The epoch in a line: everything that was measured."""
    last = training.history.last()
    parts = [f"loss {last['loss']:.4f}"]
    if "accuracy" in last:
        parts.append(f"accuracy {100 * last['accuracy']:.2f} %")
    if "validation_accuracy" in last:
        parts.append(f"validation {100 * last['validation_accuracy']:.2f} %")
    elif "validation_loss" in last:
        parts.append(f"validation loss {last['validation_loss']:.4f}")
    known = ("validation_loss", "validation_accuracy")
    metrics = [name for name in last if name.startswith("validation_") and name not in known]
    parts += [f"{name.removeprefix('validation_')} {last[name]:.5g}" for name in metrics]
    return "  ".join([*parts, _rate(training)])


def _short_summary(training: Training) -> str:
    """For the bar: of the validation data only what is monitored."""
    last = training.history.last()
    parts = [f"loss {last['loss']:.3f}"]
    if "accuracy" in last:
        parts.append(f"acc {100 * last['accuracy']:.1f}%")
    wanted = (training.monitor, "validation_accuracy", "validation_loss")
    shown = next((name for name in wanted if name.startswith("validation_") and name in last), None)
    if shown is not None:
        value = last[shown]
        parts.append(f"val {100 * value:.1f}%" if shown == "validation_accuracy" else f"val {value:.3f}")
    return " ".join([*parts, _rate(training)])


def _rate(training: Training) -> str:
    rate = training.n_rows / training.history["seconds"][-1]
    number = f"{rate / 1e6:.2f} M" if rate >= 1e6 else f"{rate / 1e3:.0f} k" if rate >= 1e4 else f"{rate:.0f}"
    return f"{number} samples/s"
