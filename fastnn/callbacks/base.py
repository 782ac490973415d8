"""The protocol of callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnn.errors import InputError

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training


class Callback:
    """Base of callbacks: override what is needed; each gets the `fastnn.trainer.loop.Training` under way.

    A callback may read `training.history`, `training.epoch` and `training.network` (after
    `training.write_back()`), change `training.learning_rate`, and call `training.stop(reason)`. If it changes
    the network's weights, `training.read_weights()` makes the training go on from them. An exception in it
    ends the training; the other callbacks still finish, and `fastnn.errors.CallbackError` has the model.
    """

    def start(self, training: Training) -> None:
        """Called once, before the first epoch; of a resumed training, before its next one."""

    def epoch_end(self, training: Training) -> None:
        """Called after every epoch, once its values are in `training.history`."""

    def finish(self, training: Training) -> None:
        """Called once, when training ends, also by Ctrl-C or an error; the network holds the last weights."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep so that this callback can carry on: names -> JSON values or arrays."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Carry on from what `state` returned; called after `start` when a training is resumed."""


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
