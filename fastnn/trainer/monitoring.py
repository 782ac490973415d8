"""Which of the values recorded in each epoch can be watched, which way is better, and watching one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastnn import inputs
from fastnn.errors import InputError
from fastnn.metrics import Metric

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training


def directions(*, classifier: bool, validated: bool, metrics: Iterable[Metric] = ()) -> dict[str, bool]:
    """Name of each recorded value that can be watched -> whether larger is better."""
    found = {"loss": False}
    if classifier:
        found["accuracy"] = True
    if validated:
        found |= {f"validation_{name}": larger for name, larger in found.items()}
        found |= {f"validation_{metric.name}": metric.larger_is_better for metric in metrics}
    return found


def resolve(monitor: Any, known: Mapping[str, bool]) -> str:
    """The name of a recorded value for `monitor`, or InputError.

    "auto" is "validation_accuracy" of a classifier and "validation_loss" of a regression; without validation
    data, "loss".
    """
    name = monitor if isinstance(monitor, str) else ""
    if name in known:
        return name
    if name == "auto":
        return next(name for name in ("validation_accuracy", "validation_loss", "loss") if name in known)
    if name in ("accuracy", "validation_accuracy") and "accuracy" not in known:
        raise InputError(f"monitor={monitor!r} needs a classifier; a regression has 'validation_loss'")
    if name.startswith("validation_"):
        if "validation_loss" not in known:
            raise InputError(
                f"monitor={monitor!r} needs validation data: pass validation=0.1 or (X_val, y_val)"
            )
        raise InputError(
            f"monitor={monitor!r} is not measured; pass metrics=({name.removeprefix('validation_')!r},) "
            f"too, or use {_listed(known)}"
        )
    raise InputError(f"monitor={monitor!r} is unknown; use 'auto', {_listed(known)}")


@dataclass
class Watch:
    """A recorded value under watch, and the best one so far.

    name              of the value in `training.history`
    larger_is_better  which way is better
    min_improvement   a value counts as better only if it is better by more than this
    best              None before the first value
    """

    name: str
    larger_is_better: bool
    min_improvement: float = 0.0
    best: float | None = None

    @classmethod
    def on(cls, training: Training, monitor: str = "auto", min_improvement: float = 0.0) -> Watch:
        """Watch what `monitor` names ("auto": what train() was told); InputError if it is not measured."""
        name = resolve(training.monitor if inputs.is_word(monitor, "auto") else monitor, training.directions)
        return cls(name, training.directions[name], min_improvement)

    def improved(self, training: Training) -> bool:
        """Whether the epoch just finished is the best yet, which is remembered; NaN never is."""
        value = training.history[self.name][-1]
        if math.isnan(value):
            return False
        if self.best is not None:
            gain = value - self.best if self.larger_is_better else self.best - value
            if not gain > self.min_improvement:
                return False
        self.best = value
        return True


def _listed(known: Mapping[str, bool]) -> str:
    return ", ".join(repr(name) for name in known)
