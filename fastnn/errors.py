"""The exceptions a user can meet: each message is one line that names what was wrong and what would work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastnn.network import Network


# What a message keeps of a longer one: what is wrong stands at its beginning, what would work at its end.
LONGEST, END = 1000, 300


class FastnnError(Exception):
    """Base of every error fastnn raises on purpose.

    Its message is one line of printable characters, whatever names and values of a user's, or of a file's,
    went into it: line ends, terminal codes and the like become spaces, and the middle of a very long one "…".
    """

    def __init__(self, message: object = "") -> None:
        text = "".join(letter if letter.isprintable() else " " for letter in str(message))
        super().__init__(text if len(text) <= LONGEST else f"{text[: LONGEST - END]} … {text[-END:]}")


class InputError(FastnnError, ValueError):
    """An argument is wrong: its message names the argument, what came, and what would work."""


class DataError(FastnnError, ValueError):
    """A data file is missing, damaged, or not in a format fastnn reads."""


class DownloadError(DataError):
    """A data set could not be downloaded from any of its mirrors."""


class ModelFileError(FastnnError, ValueError):
    """A model file is missing, damaged, or was not written by fastnn."""


class CheckpointError(ModelFileError):
    """A checkpoint is missing or damaged, or was written by a training that this one does not continue."""


class DivergedError(FastnnError, ArithmeticError):
    """Training produced a loss or weights that are not finite numbers.

    network   the model with the last good weights: those at the end of the last epoch whose loss was finite
              (or of the best epoch, where early stopping kept one), and the history up to there
    """

    network: Network | None = None


class CallbackError(FastnnError, RuntimeError):
    """A callback or a metric of the user's raised an exception, which is this one's `__cause__`.

    network   the model trained so far, with its history
    """

    network: Network | None = None


class SomeFailedError(FastnnError, RuntimeError):
    """Of the trainings of one `train_many` some failed; the first one's error is this one's `__cause__`.

    results   in the order of the settings: the model, or the error in its place
    """

    results: Sequence[Network | Exception | None] = ()


class MissingDependencyError(FastnnError, ImportError):
    """An optional package is needed for what was asked; the message says how to install it."""
