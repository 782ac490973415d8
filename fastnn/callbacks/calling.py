"""Calls callbacks, so that an exception in one costs neither the model nor the others their turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from fastnn.callbacks.base import Callback
from fastnn.errors import CallbackError, FastnnError
from fastnn.inputs.options import first_line

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training


def call(callback: Callback, what: Literal["start", "epoch_end", "finish"], training: Training) -> None:
    """One of the callback's three functions; an exception in it becomes a CallbackError."""
    try:
        getattr(callback, what)(training)
    except Exception as error:
        # Before the first epoch there is nothing to lose, and our own errors say what is wrong.
        if what == "start" and isinstance(error, FastnnError):
            raise
        raise CallbackError(
            f"{type(callback).__name__}.{what} raised {type(error).__name__}: {first_line(error)} "
            f"(after epoch {training.epoch} of {training.epochs})"
        ) from error


def finish(callbacks: Sequence[Callback], training: Training) -> list[CallbackError]:
    """End all callbacks, whatever some of them raise; Ctrl-C in one interrupts the training."""
    errors = []
    for callback in callbacks:
        try:
            call(callback, "finish", training)
        except KeyboardInterrupt:
            training.interrupted()
        except CallbackError as error:
            errors.append(error)
    return errors
