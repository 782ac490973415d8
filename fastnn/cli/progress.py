"""What `fastnn train` says: which data, which network, how the training goes and how it ended."""

from __future__ import annotations

import sys

import numpy as np

from fastnn.callbacks import Callback, EpochLines, reporter
from fastnn.cli.data import Rows, is_regression
from fastnn.history import History
from fastnn.inputs import loss_for
from fastnn.trainer.loop import Training


class Announcement(Callback):
    """Prints the network and the settings before the first epoch, when everything is decided."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def start(self, training: Training) -> None:
        """Print two lines."""
        network, settings = training.network, training.history.settings
        sizes = "-".join(str(size) for size in network.sizes)
        say(f"network  {sizes} {network.activation}, {network.dtype}, {settings['backend']} backend")
        say(
            f"training on {training.n_rows} rows, batch size {settings['batch_size']}, "
            f"learning rate {settings['learning_rate']:.3g}, --seed {self.seed}"
        )


def say(line: str) -> None:
    """Print at once, also into a file that someone watches."""
    print(line, flush=True)


def watchers(*, every: int | None, quiet: bool, seed: int) -> list[Callback]:
    """The callbacks that report on a training: a bar for people, lines for files, nothing if `quiet`."""
    if quiet:
        return []
    bar = every is None and sys.stderr.isatty()
    return [Announcement(seed), *(reporter(True) if bar else [EpochLines(every)])]


def describe_data(rows: Rows, test_rows: Rows | None, loss: str) -> str:
    """One line on the rows to train on, and one on the rows to test on."""
    kind = "a regression" if is_regression(rows.y, loss) else _outputs(rows, loss)
    scale = " (grey levels)" if rows.X.dtype == np.uint8 else ""
    line = f"data     {rows.name}: {len(rows.X)} rows, {rows.X.shape[1]} features{scale}, {kind}"
    return line if test_rows is None else f"{line}\ntest     {test_rows.name}: {len(test_rows.X)} rows"


def describe_training(history: History) -> str:
    """How long it took, and which epoch was kept."""
    line = f"trained  {history.n_epochs} epochs in {sum(history['seconds']):.3g} s"
    if history.best_epoch is None:
        return line
    return f"{line}, keeping the weights of epoch {history.best_epoch} ({history.stop_reason})"


def _outputs(rows: Rows, loss: str) -> str:
    width = int(rows.y.shape[1]) if rows.y.ndim == 2 else 1
    if (loss_for(rows.y) if loss == "auto" else loss) == "binary_cross_entropy":
        return f"{width} label{'s' if width > 1 else ''} a row"
    return f"{width if width > 1 else len(np.unique(rows.y))} classes"
