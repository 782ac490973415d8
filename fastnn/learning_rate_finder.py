"""Finding a learning rate by trying all of them: the range test.

found = fastnn.find_learning_rate(X, y, hidden=(128,), optimizer="adam", seed=0)
model = fastnn.train(X, y, hidden=(128,), optimizer="adam", seed=0, learning_rate=found.suggestion)

Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3 (first in 2015).
"""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import inputs, optimizers
from fastnn.backends import Array
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError, InputError
from fastnn.trainer.loop import Training
from fastnn.training import train

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The numbers of the rule were chosen by measurement, see `suggested`.
# Deviation of the bell curve that smooths the losses, as a share of the updates.
WIDTH = 1 / 15
# The floor of the valley is where the loss has made so much of its whole fall.
FLOOR = 0.5
# The test ends when the loss is so many of its whole falls above its lowest value.
ENOUGH = 3.0
# Of the running mean that decides about the end: a bell curve would have to know the losses to come.
INERTIA = 0.9
FEWEST_UPDATES = 20

# What says how a training is watched and kept; here nothing is watched, and nothing must be written.
WITHOUT_MEANING = {
    "epochs": 1,
    "early_stopping": None,
    "verbose": False,
    "checkpoint": None,
    "checkpoint_every": 1,
    "resume": False,
}


@dataclass(frozen=True, eq=False, repr=False)
class RangeTest:
    """What `find_learning_rate` saw.

    rates       (n,) learning rates that were tried, one an update, smallest first
    losses      (n,) loss of the mini-batch of each update, before it
    smoothed    (n,) the same without most of the noise: from each loss that of the first weights on the same
                mini-batch is taken, the differences are smoothed, and the first weights' mean is added
    suggestion  the learning rate to train with
    """

    rates: Array
    losses: Array
    smoothed: Array
    suggestion: float

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw loss against learning rate, the suggestion marked; `path` as in `fastnn.plots`."""
        from fastnn.plots import learning_rate_curve

        return learning_rate_curve(self, path)

    def __repr__(self) -> str:
        lowest = int(self.smoothed.argmin())
        return (
            f"RangeTest(suggestion={self.suggestion:g}: {len(self.rates)} updates with rates from "
            f"{self.rates[0]:.2g} to {self.rates[-1]:.2g}, loss from {self.smoothed[0]:.3g} to its lowest "
            f"{self.smoothed[lowest]:.3g} at {self.rates[lowest]:.2g})"
        )


def find_learning_rate(
    X: Any,
    y: Any,
    *,
    smallest: float = 1e-6,
    largest: float = 10.0,
    n_updates: int = 300,
    **train_options: Any,
) -> RangeTest:
    """Train a fresh network with a learning rate that grows from update to update, and see when it learns.

    X, y           as in `fastnn.train`
    smallest       learning rate of the first update
    largest        of the last one; the test ends before it where the loss grows beyond all bounds
    n_updates      in between, the rates being equally far apart in their logarithm; the data are gone through
                   as often as that takes, and twice: the first weights' losses are subtracted
    train_options  as in `fastnn.train`: what is to be trained (hidden, optimizer, batch_size, dropout, seed,
                   …). What says how a training is watched and kept (epochs, early_stopping, verbose,
                   callbacks, checkpoint, …) has no meaning here and is passed over, so that the same options
                   can be given to both. The optimizer "auto" is plain gradient descent here, as it is in
                   `fastnn.train` where a learning rate is given.

    Returns a `RangeTest` with `.suggestion`, `.plot()`, and the numbers behind them. Nothing is changed: the
    network is thrown away, a Generator given as `seed` is copied, no file is written. The same seed gives the
    same result. Raises InputError for arguments that cannot work, and DivergedError if the loss does not fall
    at any rate.
    """
    for name in ("learning_rate", "schedule"):
        if name in train_options:
            raise InputError(f"{name}={train_options[name]!r} has no place here: all rates are tried")
    optimizer = train_options.get("optimizer")
    if inputs.is_word(optimizer, "lbfgs") or isinstance(optimizer, optimizers.LBFGS):
        raise InputError("optimizer='lbfgs' finds its steps itself and has no learning rate; use another one")
    rates = _rates(smallest, largest, n_updates)
    generator = inputs.generator(train_options.get("seed"))

    def losses_at(rates: Array, first: Array | None = None) -> Array:
        test = _Test(rates, first)
        options = train_options | WITHOUT_MEANING | {"seed": copy.deepcopy(generator), "callbacks": [test]}
        # The usual end of a range test is a network beyond all bounds.
        with suppress(DivergedError):
            train(X, y, learning_rate=smallest, **options)
        return test.result()

    # The same batches and dropout masks in both, for both have the same seed.
    first = losses_at(np.zeros(len(rates)))
    if np.isfinite(first).all():
        losses = losses_at(rates, first)
        smoothed = first.mean() + _smoothed(losses - first[: len(losses)], WIDTH * n_updates)
        if smoothed.min() < first.mean():
            rates = rates[: len(losses)]
            return RangeTest(rates, losses, smoothed, suggested(rates, smoothed, float(first.mean())))
    raise DivergedError(
        f"the loss does not fall at any learning rate from {smallest:g} to {largest:g}; pass a smaller "
        "smallest=, or scale the columns of X (and a regression's y) to mean 0 and deviation 1"
    )


def suggested(rates: Array, smoothed: Array, start: float) -> float:
    """The middle of the valley's floor: the geometric mean of its first and its last learning rate.

    The floor is where the smoothed loss has made at least half of its whole fall, from `start`, the first
    weights' loss, to its least value. Left of it the rate is too small to learn much in an update, right of
    it the steps are too large.

    Chosen by measurement: iris (raw and standardised), wine, breast cancer, diabetes, digits, 5000 images of
    MNIST and a made-up regression; SGD with and without momentum, Adam, RMSprop; six seeds each. The score
    (images after 8 epochs, small tables after 20) was 0.021 below that of the best of 25 rates on average and
    0.15 at worst. A tenth of the rate of the least loss gave 0.036 and 0.37, the steepest descent 0.038 and
    0.48.
    """
    least = smoothed.min()
    floor = np.flatnonzero(smoothed <= least + (1 - FLOOR) * (start - least))
    # Two digits, for there is no more in it.
    return float(f"{np.sqrt(rates[floor[0]] * rates[floor[-1]]):.2g}")


class _Test(Callback):
    """Uses a training for the range test and ends it before its first epoch.

    rates  (n,) one an update
    first  (n,) losses of the first weights on the same batches; None: they are what is looked for
    """

    def __init__(self, rates: Array, first: Array | None) -> None:
        self.rates, self.first = rates, first
        self.losses: list[float] = []
        self.interrupted = False

    def start(self, training: Training) -> None:
        """Train until the loss is far above its lowest value; keep the losses up to there."""
        training.stop("range test")
        end = None if self.first is None else _End(self.first)
        try:
            for part in training.updates(self.rates):
                for loss in part:
                    # Decided loss by loss: how long the parts are depends on the clock.
                    if end is not None and end.reached(float(loss)):
                        return
                    self.losses.append(float(loss))
        except KeyboardInterrupt:
            # The training would end with a warning about its epochs.
            self.interrupted = True

    def result(self) -> Array:
        """The losses, or KeyboardInterrupt if that is how they ended."""
        if self.interrupted:
            raise KeyboardInterrupt
        return np.array(self.losses)


class _End:
    """Sees, loss by loss, when a running mean of the loss (less the first weights') has risen too far."""

    def __init__(self, first: Array) -> None:
        self.first, self.start = first, float(first.mean())
        self.count, self.total, self.least = 0, 0.0, self.start

    def reached(self, loss: float) -> bool:
        """Whether this loss, the next one, is beyond the end."""
        if not np.isfinite(loss):
            return True
        self.total = INERTIA * self.total + (1 - INERTIA) * (loss - float(self.first[self.count]))
        self.count += 1
        # Without the bias of having started at 0.
        mean = self.start + self.total / (1 - INERTIA**self.count)
        self.least = min(self.least, mean)
        # Where there is no fall yet, the size of the loss says what is far.
        return mean > self.least + ENOUGH * max(abs(self.least), self.start - self.least)


def _rates(smallest: float, largest: float, n_updates: int) -> Array:
    smallest, largest = inputs.positive("smallest", smallest), inputs.positive("largest", largest)
    if smallest >= largest:
        raise InputError(f"smallest={smallest:g} must be below largest={largest:g}")
    return np.geomspace(smallest, largest, inputs.whole_number("n_updates", n_updates, least=FEWEST_UPDATES))


def _smoothed(values: Array, width: float) -> Array:
    """(n,) means of the neighbours, weighted by a bell curve of deviation `width`."""
    places = np.arange(len(values))
    weights = np.exp(-0.5 * ((places[:, np.newaxis] - places) / width) ** 2)
    return weights @ values / weights.sum(axis=1)
