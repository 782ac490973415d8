"""The loop over the epochs: shuffle, run, validate, record, and let callbacks watch and steer."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.backends import Array, Backend, QuickRun, Run
from fastnn.callbacks import Callback
from fastnn.callbacks.calling import call, finish
from fastnn.errors import CallbackError, DivergedError
from fastnn.metrics import Metric
from fastnn.network import Network
from fastnn.optimizers import LBFGS
from fastnn.run_settings import RunSettings
from fastnn.schedules import Schedule
from fastnn.trainer import lbfgs, monitoring, random_state
from fastnn.trainer.passes import Passes
from fastnn.trainer.validation import Validation

# Shorter epochs are trained several at a time, where nobody looks between them, for so long at most: of an
# epoch of 4-16-3 on 150 rows the kernel takes a quarter of the time.
SECONDS_TOGETHER, MOST_TOGETHER = 5e-3, 64
# Reasons to stop that a resumed training would find again at once.
FINAL = ("early stopping", "converged")


@dataclass(frozen=True)
class Data:
    """Features, targets and weights of the rows (None: all alike), checked; and which rows to use."""

    X: Array
    y: Array
    rows: Array
    weights: Array | None = None

    @classmethod
    def whole(cls, X: Array, y: Array, weights: Array | None = None) -> Data:
        """All rows of X and y."""
        return cls(X, y, np.arange(len(X)), weights)


class Training:
    """A training under way: what callbacks see, and the loop over the epochs.

    network        being trained; its weights are current after `write_back()`
    history        what was measured so far
    epoch, epochs  the epoch just finished, from 1, and how many there will be
    learning_rate  of the next epoch, before the schedule's factor; may be assigned
    schedule       by what the learning rate is multiplied, update by update
    n_rows         rows trained on in an epoch
    n_updates      updates in an epoch
    directions     name of each recorded value that can be watched -> whether larger is better
    monitor        the one of them that train() was told to watch
    between_parts  called several times a second while an epoch runs; what it raises ends the training at once
    """

    def __init__(
        self,
        network: Network,
        backend: Backend,
        data: Data,
        held_out: Data | None,
        settings: RunSettings,
        *,
        epochs: int,
        learning_rate: float,
        schedule: Schedule,
        generator: np.random.Generator,
        shuffle: bool = True,
        metrics: Sequence[Metric] = (),
        monitor: str = "auto",
    ) -> None:
        self.network, self.history = network, network.history
        self.directions = monitoring.directions(
            classifier=network.classes is not None, validated=held_out is not None, metrics=metrics
        )
        self.monitor = monitoring.resolve(monitor, self.directions)
        self.epoch, self.epochs = 0, epochs
        self.learning_rate, self.schedule = learning_rate, schedule
        self.n_rows = len(data.rows)
        self.n_updates = settings.n_updates(self.n_rows)
        self._by_batch = settings.by_batch
        self._validation = None if held_out is None else Validation(network, backend, held_out, metrics)
        self._generator = generator
        self.between_parts: Callable[[], None] = lambda: None
        self._passes = Passes(data.rows, settings, generator, shuffle=shuffle)
        self._stopped = self._watched = False
        self._seconds = math.inf  # of the last epoch
        # The last step: Ctrl-C in another one after it would leave the run's threads.
        self._run: Run = (
            lbfgs.Run(backend, network, data.X, data.y, settings, data.weights)
            if isinstance(settings.optimizer, LBFGS)
            else backend.open_run(network, data.X, data.y, settings, data.weights)
        )

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self._run.close()

    def fit(self, callbacks: Sequence[Callback]) -> None:
        """Run the epochs, calling `callbacks` between them."""
        started: list[Callback] = []
        failure: CallbackError | DivergedError | None = None
        try:
            for callback in callbacks:
                call(callback, "start", self)
                started.append(callback)
            self._watched = any(map(_watches, callbacks))
            self._keep_if_finite()  # a resumed training's first weights came after this object was made
            while not self.stopping:
                self._next_epochs()
                for callback in callbacks:
                    call(callback, "epoch_end", self)
        except KeyboardInterrupt:
            self.interrupted()
        except (CallbackError, DivergedError) as error:
            failure = error
            self.stop("diverged" if isinstance(error, DivergedError) else "an exception")
        finally:
            failure = self._finish(started, failure)
        self.history.stop_reason = self.history.stop_reason or "epochs"
        if failure is not None:
            failure.network = self.network
            raise failure

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """(arrays, JSON values): all that decides how the training goes on after this epoch, and its history.

        The parameters are not among them: after this call they are the network's.
        """
        self.write_back()
        arrays = {f"run.{name}": array for name, array in self._run.state().items()}
        arrays |= {f"history.{name}": np.array(column) for name, column in self.history.items()}
        return arrays, {
            "epoch": self.epoch,
            "learning_rate": self.learning_rate,
            "random": random_state.to_json(self._generator),
            "columns": list(self.history),
            "settings": self.history.settings,
            "best_epoch": self.history.best_epoch,
            "stop_reason": self.history.stop_reason,
        }

    def set_state(self, arrays: Mapping[str, Array], values: Mapping[str, Any]) -> None:
        """Carry on from what `state` returned, with the network's weights as they are now.

        An end that the training's own settings brought about stays one; one that a callback, Ctrl-C or the
        number of epochs brought about does not. Raises an exception of `model_file.UNFIT` for values that
        are not such a state.
        """
        self.read_weights()
        own = self._run.state()
        self._run.set_state({name: _like(own[name], arrays[f"run.{name}"]) for name in own})
        columns = {name: _column(arrays[f"history.{name}"], values["epoch"]) for name in values["columns"]}
        self.history.carry_on(columns, values["best_epoch"])
        self.history.settings["seed"] = values["settings"]["seed"]
        random_state.restore(self._generator, values["random"])
        self.epoch = inputs.whole_number("epoch", values["epoch"], least=0)
        self.learning_rate = inputs.positive("learning_rate", values["learning_rate"])
        if values["stop_reason"] in FINAL:
            self.stop(values["stop_reason"])

    def stop(self, reason: str) -> None:
        """End training after this epoch; `reason` goes into history.stop_reason."""
        self._stopped = True
        self.history.stop_reason = reason

    @property
    def stopping(self) -> bool:
        """Whether the epoch just finished is the last."""
        return self._stopped or self.epoch >= self.epochs

    @property
    def run(self) -> Run:
        """The backend's side of it."""
        return self._run

    def interrupted(self) -> None:
        """End training because of Ctrl-C, with a warning."""
        self.stop("interrupted")
        self.history.cut(self.epoch)  # it may have come while an epoch was being recorded
        warnings.warn(
            f"training was interrupted after {self.epoch} of {self.epochs} epochs; the model keeps what "
            "it had learned",
            stacklevel=4,
        )

    def write_back(self) -> None:
        """Bring the network's weights up to date with the run."""
        self._run.write_back()

    def read_weights(self) -> None:
        """Take over the network's weights into the run, after they have been changed."""
        self._run.read_weights()

    def updates(self, rates: Array) -> Iterator[Array]:
        """Train with `rates` (n,), one an update, over the data as often as it takes, outside any epoch.

        Yields the updates' losses, part by part; whoever stops asking ends it. Nothing is recorded.
        """
        for start in range(0, len(rates), self.n_updates):
            these = rates[start : start + self.n_updates]
            parts = self._passes.parts(self._run, self._passes.order(), these, self.between_parts)
            for losses, *_ in parts:
                yield losses

    def _next_epochs(self) -> None:
        together = min(MOST_TOGETHER, self.epochs - self.epoch, SECONDS_TOGETHER / max(self._seconds, 1e-9))
        looked_at = self._watched or self._by_batch or self._validation is not None
        if together >= 2 and not looked_at and isinstance(self._run, QuickRun):
            self._several_epochs(self._run, int(together))
        else:
            start = time.perf_counter()
            rates = self._rates(self.epoch)
            self._one_epoch(self._passes.order(), rates, start)

    def _rates(self, epoch: int) -> Array:
        """Of an epoch's updates."""
        return self.learning_rate * self.schedule.factors(epoch, self.epochs, self.n_updates)

    def _several_epochs(self, run: QuickRun, count: int) -> None:
        """The same as so many times _one_epoch, with nobody looking between them."""
        start = time.perf_counter()
        rates = [self._rates(self.epoch + i) for i in range(count)]
        orders = [self._passes.order() for _ in range(count)]
        losses, correct = self._passes.several(run, orders, rates)
        self.between_parts()
        self._seconds = (time.perf_counter() - start) / count
        if not (np.isfinite(losses).all() and run.keep()):  # one after the other, to see which went wrong
            run.restore()
            run.step -= count * self.n_updates
            for order, its_rates in zip(orders, rates, strict=True):
                self._one_epoch(order, its_rates, time.perf_counter())
            return
        columns: dict[str, Sequence[float]] = {
            "loss": losses.tolist(),
            "learning_rate": [its_rates[-1] for its_rates in rates],
            "seconds": [self._seconds] * count,
        }
        if self.network.classes is not None:
            columns["accuracy"] = (correct / self.n_rows).tolist()
        self.history.record_several(**columns)
        self.epoch += count

    def _one_epoch(self, order: Array, rates: Array, start: float) -> None:
        loss, penalty, n_correct = self._passes.one(self._run, order, rates, self.between_parts)
        self._seconds = time.perf_counter() - start
        self._check("loss", loss)
        values = {"loss": loss, "learning_rate": rates[-1], "seconds": self._seconds}
        if self._by_batch:
            self._check("penalty", penalty)
            values["penalty"] = penalty
        if self.network.classes is not None:
            values["accuracy"] = n_correct / self.n_rows
        if self._validation is not None:
            self.write_back()
            values |= self._validation.measure()
            self._check("validation_loss", values["validation_loss"])
        self._keep_if_finite()
        self.history.record(**values)
        self.epoch += 1
        if isinstance(self._run, lbfgs.Run) and self._run.converged:
            self.stop("converged")

    def _finish(
        self, started: Sequence[Callback], failure: CallbackError | DivergedError | None
    ) -> CallbackError | DivergedError | None:
        """Bring good weights into the network and end the callbacks; returns the first failure of all."""
        try:
            diverged = self._put_back()
        except KeyboardInterrupt:  # in the last moment
            self.interrupted()
            diverged = self._put_back()
        failure = failure or diverged
        for late in finish(started, self):
            if failure is None:
                failure = late
            else:
                failure.add_note(str(late))
        return failure

    def _put_back(self) -> DivergedError | None:
        """Bring the last good weights into the network; the error, if they are not those of the run."""
        diverged = None
        try:
            self._keep_if_finite()  # an interrupted epoch too may have ended beyond all bounds
        except DivergedError as error:
            diverged = error
        self.write_back()
        return diverged

    def _keep_if_finite(self) -> None:
        """DivergedError, and the last good weights put back, where those of the run are not finite."""
        if not self._run.keep():
            raise self._diverged(f"the weights are no longer finite in epoch {self.epoch + 1}")

    def _check(self, name: str, value: float) -> None:
        """DivergedError, and the last good weights put back, where a value to be recorded is not finite."""
        if math.isfinite(value):
            return
        what = f"the {name.replace('_', ' ')} became {value} in epoch {self.epoch + 1}"
        if name == "validation_loss":
            raise self._diverged(what, name, "are the validation data scaled as the training data? If so, ")
        raise self._diverged(what, name)

    def _diverged(self, what: str, name: str = "loss", first: str = "") -> DivergedError:
        """The error, after the last good weights have been put back into network and run."""
        self._run.restore()
        last = f" (it was {self.history[name][-1]:.4g} in epoch {self.epoch})" if self.epoch else ""
        scale = "scale the columns of X (and a regression's y) to mean 0 and deviation 1"
        if isinstance(self._run, lbfgs.Run):
            return DivergedError(f"{what}{last}: {first}{scale}")
        return DivergedError(
            f"{what}{last}: {first}learning_rate={self.learning_rate:g} is too large for this input; take a "
            f"smaller one, set clip_norm=1, or {scale}"
        )


def _watches(callback: Callback) -> bool:
    """Whether it does anything after an epoch."""
    return getattr(callback.epoch_end, "__func__", None) is not Callback.epoch_end


def _like(known: Array, stored: Array) -> Array:
    if stored.shape != known.shape or stored.dtype != known.dtype:
        raise ValueError(f"an array is {stored.dtype} {stored.shape} instead of {known.dtype} {known.shape}")
    return stored


def _column(stored: Array, n_epochs: int) -> list[float]:
    column: list[float] = _like(np.zeros(n_epochs), stored).tolist()
    return column
