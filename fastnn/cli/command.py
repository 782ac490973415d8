"""The command line that trains the same model again, which `fastnn train` keeps in the model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastnn.callbacks import Callback
from fastnn.trainer.loop import Training
from fastnn.trainer.record_of_training import Origin

# What does not decide the model: where it is written to, what is printed, how many threads compute it.
NOT_TOLD = ("out", "plot", "checkpoint", "checkpoint_every", "resume", "every", "quiet", "threads")


class Recording(Callback):
    """Puts the command line, and what is known of the data, into the record of a training that begins.

    words   of the command line
    data    what is known of the data beside their digests
    """

    def __init__(self, words: Sequence[str], data: Mapping[str, str | int]) -> None:
        self.words, self.data = tuple(words), dict(data)

    def start(self, training: Training) -> None:
        """Change the record: what the command line says need not be told as a call from Python too."""
        origin = training.history.origin or Origin()
        training.history.origin = replace(
            origin, command=self.words, arguments={}, data={**self.data, **origin.data}
        )


def words_of(command: Callable[..., Any], given: Mapping[str, Any]) -> list[str]:
    """`fastnn train DATA` and those of the options in `given` that are not the defaults of `command`."""
    data = str(given["data"])
    words = ["fastnn", command.__name__, f"./{data}" if data.startswith("-") else data]
    for name, parameter in inspect.signature(command).parameters.items():
        value = given[name]
        if name not in (*NOT_TOLD, "data") and value != parameter.default and value not in (None, []):
            words += _option(f"--{name.replace('_', '-')}", value)
    return words


def _option(name: str, value: Any) -> list[str]:
    if value is True:
        return [name]
    if isinstance(value, list):
        return [word for item in value for word in _option(name, item)]
    text = str(value)
    return [f"{name}={text}"] if text.startswith("-") else [name, text]
