"""Writes the record of a training into a CSV file as it grows."""

from __future__ import annotations

import csv
from os import PathLike, fspath
from typing import TYPE_CHECKING, TextIO

from fastnn.callbacks.base import Callback
from fastnn.errors import InputError

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training


class CSVLog(Callback):
    """A CSV file with a row for each epoch: its number, then everything in the history, under a header.

    The file is written anew when training starts, and each row is on disk when its epoch ends. A resumed
    training first writes the epochs of before, so that the file always equals the history.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        try:
            self.path = fspath(path)
        except TypeError:
            raise InputError(f"CSVLog({path!r}) must get the path of a file") from None
        self._file: TextIO | None = None

    def start(self, training: Training) -> None:
        """Open the file; InputError where it cannot be written."""
        try:
            self._file = open(self.path, "w", newline="", encoding="utf-8")  # noqa: SIM115 - closed by finish
        except OSError as error:
            raise InputError(f"CSVLog({self.path!r}) cannot be written: {error.strerror}") from None
        self._rows = 0
        self._catch_up(training)

    def epoch_end(self, training: Training) -> None:
        """Write the epoch's row."""
        self._catch_up(training)

    def finish(self, training: Training) -> None:
        """Write what an interruption kept out, and close the file."""
        if self._file is not None:
            with self._file:
                self._catch_up(training)

    def _catch_up(self, training: Training) -> None:
        """Write all rows the file does not have yet."""
        history, file = training.history, self._file
        if file is None or history.n_epochs == self._rows:
            return
        writer = csv.writer(file, lineterminator="\n")
        if self._rows == 0:
            writer.writerow(["epoch", *history])
        for row in range(self._rows, history.n_epochs):
            writer.writerow([row + 1, *(column[row] for column in history.values())])
        file.flush()
        self._rows = history.n_epochs
