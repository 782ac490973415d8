"""How the learning rate changes during training: factors by which it is multiplied, update by update.

fastnn.train(X, y, schedule="cosine")
fastnn.train(X, y, schedule=fastnn.schedules.Cosine(warm_up=2), learning_rate=0.2)

A schedule of one's own is a class derived from Schedule with a `factors` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from fastnn import inputs
from fastnn.backends import Array
from fastnn.errors import InputError

if TYPE_CHECKING:
    from fastnn.callbacks import Callback

# "update": the factor changes from update to update; "epoch": once an epoch, for all of its updates.
Per = Literal["update", "epoch"]


def _between(name: str, value: Any) -> float:
    number = inputs.positive(name, value)
    if number >= 1:
        raise InputError(f"{name}={value!r} must be a number between 0 and 1")
    return number


def _per(value: Any) -> str:
    return inputs.choice("per", value, ("update", "epoch"))


@dataclass(frozen=True)
class Schedule:
    """Base of the schedules: frozen, checked when made; here factor 1 throughout.

    knows_epochs   whether the factors depend on how many epochs there will be: then a training cannot be
                   resumed with another number of them
    """

    knows_epochs: ClassVar[bool] = True

    def factors(self, epoch: int, epochs: int, n_updates: int) -> Array:
        """(n_updates,) factors for the updates of `epoch`, counted from 0, of `epochs`."""
        return np.ones(n_updates)

    def callback(self) -> Callback | None:
        """A new callback, for a schedule that has to see how the training goes; None for all others."""
        return None

    def _keep(self, **checked: Any) -> None:
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate as it is."""

    knows_epochs: ClassVar[bool] = False


@dataclass(frozen=True)
class Step(Schedule):
    """Every so many epochs the rate is multiplied by `factor`: factor^⌊epoch/every⌋."""

    knows_epochs: ClassVar[bool] = False

    every: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        self._keep(every=inputs.whole_number("every", self.every), factor=_between("factor", self.factor))

    def factors(self, epoch: int, epochs: int, n_updates: int) -> Array:
        """The same for all updates of an epoch."""
        return np.full(n_updates, self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """factor^t, t being the epochs passed: whole ones (per="epoch", the default), or parts of one too."""

    knows_epochs: ClassVar[bool] = False

    factor: float = 0.95
    per: Per = "epoch"

    def __post_init__(self) -> None:
        self._keep(factor=_between("factor", self.factor), per=_per(self.per))

    def factors(self, epoch: int, epochs: int, n_updates: int) -> Array:
        """`factor` smaller with every epoch, at once or bit by bit."""
        steps, total = _steps(self.per, epoch, epochs, n_updates)
        return self.factor ** (steps * (epochs / total))


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """t^−power, t counting from 1: epochs (per="epoch", the default) or updates.

    scikit-learn's SGDClassifier(learning_rate="invscaling", power_t=0.5) counts updates; its MLPClassifier
    counts rows, but only looks at them once an epoch.
    """

    knows_epochs: ClassVar[bool] = False

    power: float = 0.5
    per: Per = "epoch"

    def __post_init__(self) -> None:
        self._keep(power=inputs.positive("power", self.power), per=_per(self.per))

    def factors(self, epoch: int, epochs: int, n_updates: int) -> Array:
        """1, 2^−power, 3^−power, …"""
        steps, _ = _steps(self.per, epoch, epochs, n_updates)
        return (steps + 1) ** -self.power


@dataclass(frozen=True)
class Cosine(Schedule):
    """Up in a straight line for `warm_up` epochs, then down half a wave: final + (1 − final)(1 + cos πs)/2.

    warm_up   epochs, also parts of one, but fewer than the training has; 0 for none
    final     factor that is reached when training ends
    per       "update" (the default) or "epoch"

    s goes from 0 to 1. The first factor of a warm-up of n updates is 1/(n + 1): no update is wasted on 0.
    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5,
    without restarts.
    """

    warm_up: float = 0.0
    final: float = 0.0
    per: Per = "update"

    def __post_init__(self) -> None:
        warm_up, final = inputs.not_negative("warm_up", self.warm_up), inputs.fraction("final", self.final)
        self._keep(warm_up=warm_up, final=final, per=_per(self.per))

    def factors(self, epoch: int, epochs: int, n_updates: int) -> Array:
        """From almost 0 to 1 in the warm-up, from 1 to `final` after it."""
        if self.warm_up >= epochs:
            raise InputError(
                f"schedule has warm_up={self.warm_up:g} epochs, and the training is epochs={epochs}; "
                "make the warm-up shorter, or train longer"
            )
        steps, total = _steps(self.per, epoch, epochs, n_updates)
        warm = self.warm_up * total / epochs
        s = (steps - warm) / (total - warm)
        falling = self.final + (1 - self.final) * (1 + np.cos(np.pi * s)) / 2
        return np.where(steps < warm, (steps + 1) / (warm + 1), falling)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """In straight lines from `start` up to 1 and down to `end`; allows rates that would be too large alone.

    warm_up   share of the training in which the rate rises
    start     factor of the first update
    end       factor that is reached when training ends
    per       "update" (the default) or "epoch"

    Source: Smith, Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018; the shares and factors are those of the libraries fastai and PyTorch.
    """

    warm_up: float = 0.3
    start: float = 0.04
    end: float = 4e-6
    per: Per = "update"

    def __post_init__(self) -> None:
        names = ("warm_up", "start", "end")
        self._keep(**{name: _between(name, getattr(self, name)) for name in names}, per=_per(self.per))

    def factors(self, epoch: int, epochs: int, n_updates: int) -> Array:
        """A triangle with its tip at `warm_up`."""
        steps, total = _steps(self.per, epoch, epochs, n_updates)
        corners = [0, self.warm_up * total, total]
        return np.interp(steps, corners, [self.start, 1, self.end])


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """The rate is multiplied by `factor` whenever `monitor` has not improved for `patience` epochs.

    monitor          a recorded value, such as "validation_loss"; "auto" is "validation_loss" with validation
                     data and "loss" without
    least            the rate is not made smaller than this
    min_improvement  an epoch counts as better only if it is better by more than this

    How the training goes decides, so `factors` are 1, and a callback changes `training.learning_rate`.
    """

    knows_epochs: ClassVar[bool] = False

    patience: int = 5
    factor: float = 0.5
    monitor: str = "auto"
    least: float = 1e-6
    min_improvement: float = 1e-4

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str):
            raise InputError(
                f"monitor={self.monitor!r} must be the name of a recorded value, such as 'loss', or 'auto'"
            )
        self._keep(
            patience=inputs.whole_number("patience", self.patience),
            factor=_between("factor", self.factor),
            least=inputs.not_negative("least", self.least),
            min_improvement=inputs.not_negative("min_improvement", self.min_improvement),
        )

    def callback(self) -> Callback:
        """What lowers the rate."""
        from fastnn.trainer.plateau import RateReducer

        return RateReducer(self)


BY_NAME: Mapping[str, Schedule] = {
    "constant": Constant(),
    "step": Step(),
    "exponential": Exponential(),
    "inverse_scaling": InverseScaling(),
    "cosine": Cosine(),
    "one_cycle": OneCycle(),
    "plateau": ReduceOnPlateau(),
}


def get(schedule: str | Schedule) -> Schedule:
    """The schedule called so, or the object itself; InputError for anything else."""
    if isinstance(schedule, Schedule):
        return schedule
    return BY_NAME[inputs.choice("schedule", schedule, tuple(BY_NAME))]


def rates(schedule: str | Schedule, learning_rate: float, epochs: int, n_updates: int) -> Array:
    """(epochs·n_updates,) learning rates of a whole training with `n_updates` updates an epoch.

    Nothing is trained, so a schedule that looks at the training ("plateau") is drawn as one that never does.
    """
    schedule, learning_rate = get(schedule), inputs.positive("learning_rate", learning_rate)
    epochs, n_updates = inputs.whole_number("epochs", epochs), inputs.whole_number("n_updates", n_updates)
    factors = [schedule.factors(epoch, epochs, n_updates) for epoch in range(epochs)]
    return learning_rate * np.concatenate(factors)


def _steps(per: Per, epoch: int, epochs: int, n_updates: int) -> tuple[Array, int]:
    """((n_updates,) steps gone before each update of `epoch`, those of the whole training), as floats."""
    if per == "epoch":
        return np.full(n_updates, float(epoch)), epochs
    return np.arange(n_updates) + float(epoch * n_updates), epochs * n_updates
