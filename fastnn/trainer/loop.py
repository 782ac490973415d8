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
from fastnn.trainer.validation import Validation

# Compiled code does not see Ctrl-C, so an epoch is handed over in parts of about this many seconds.
SECONDS_PER_PART = 0.2
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
        self._batch_rows, self._by_batch = settings.batch_rows(self.n_rows), settings.by_batch
        self._validation = None if held_out is None else Validation(network, backend, held_out, metrics)
        self._generator, self._shuffle = generator, shuffle
        self.between_parts: Callable[[], None] = lambda: None
        self._rows, self._batch_size = data.rows, settings.batch_size
        self._run: Run = (
            lbfgs.Run(backend, network, data.X, data.y, settings, data.weights)
            if isinstance(settings.optimizer, LBFGS)
            else backend.open_run(network, data.X, data.y, settings, data.weights)
        )
        self._part = 1
        self._stopped = self._watched = False
        self._seconds = math.inf  # of the last epoch
        apart = self._validation is not None or self._by_batch
        self._quick = self._run if isinstance(self._run, QuickRun) and not apart else None

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
            for losses, *_ in self._parts(self._order(), rates[start : start + self.n_updates]):
                yield losses

    def _next_epochs(self) -> None:
        together = min(MOST_TOGETHER, self.epochs - self.epoch, SECONDS_TOGETHER / max(self._seconds, 1e-9))
        if self._quick is None or self._watched or together < 2:
            start = time.perf_counter()
            rates = self._rates(self.epoch)
            self._one_epoch(self._order(), rates, start)
        else:
            self._several_epochs(self._quick, int(together))

    def _rates(self, epoch: int) -> Array:
        """Of an epoch's updates."""
        return self.learning_rate * self.schedule.factors(epoch, self.epochs, self.n_updates)

    def _several_epochs(self, run: QuickRun, count: int) -> None:
        """The same as so many times _one_epoch, with nobody looking between them."""
        start = time.perf_counter()
        rates = [self._rates(self.epoch + i) for i in range(count)]
        orders = [self._order() for _ in range(count)]
        with np.errstate(over="ignore", invalid="ignore"):
            losses, correct = run.epochs(np.concatenate(orders), np.concatenate(rates), count)
            means = (losses * self._batch_rows).sum(axis=1) / self.n_rows
        self.between_parts()
        self._seconds = (time.perf_counter() - start) / count
        if not (np.isfinite(means).all() and run.keep()):  # one after the other, to see which went wrong
            run.restore()
            run.step -= losses.size
            for order, its_rates in zip(orders, rates, strict=True):
                self._one_epoch(order, its_rates, time.perf_counter())
            return
        columns = {"loss": means, "learning_rate": [r[-1] for r in rates], "seconds": [self._seconds] * count}
        if self.network.classes is not None:
            columns["accuracy"] = correct / self.n_rows
        self.history.record_several(**columns)
        self.epoch += count

    def _one_epoch(self, order: Array, rates: Array, start: float) -> None:
        loss, penalty, n_correct = self._pass_over(order, rates)
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

    def _order(self) -> Array:
        # One batch of everything needs no shuffling, and is then summed in the order of the rows.
        keep = self._batch_size >= self.n_rows or not self._shuffle
        return self._rows if keep else self._generator.permutation(self._rows)

    def _pass_over(self, order: Array, rates: Array) -> tuple[float, float, int]:
        """One epoch: (mean loss, mean penalty if `by_batch`, correctly classified rows)."""
        parts = []
        for part in self._parts(order, rates):
            parts.append(part)
            if not np.isfinite(part[0]).all():  # now, not at the end of what may be a long epoch
                return float(part[0][~np.isfinite(part[0])][0]), 0.0, 0
        losses, penalties, correct = zip(*parts, strict=True)
        return self._mean(losses), self._mean(penalties) if self._by_batch else 0.0, sum(correct)

    def _mean(self, parts: Sequence[Array]) -> float:
        """Over the rows. All at once, in order: it must not depend on how long the parts were."""
        values = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return float((values * self._batch_rows).sum() / self.n_rows)

    def _parts(self, order: Array, rates: Array) -> Iterator[tuple[Array, Array, int]]:
        """Train in parts of whole batches: the same updates as at once, but Ctrl-C is seen between."""
        start = 0
        while start < len(rates):
            end = min(start + self._part, len(rates))
            rows = order[start * self._batch_size : end * self._batch_size]
            clock = time.perf_counter()
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that overflows is an error of our own
                losses, n_correct = self._run.epoch(rows, rates[start:end], self.between_parts)
            elapsed = time.perf_counter() - clock
            start, self._part = end, min(_next_part(self._part, elapsed), self.n_updates)
            self.between_parts()
            yield losses, self._run.penalties, n_correct


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


def _next_part(part: int, elapsed: float) -> int:
    """Updates to hand over next, growing or shrinking towards SECONDS_PER_PART."""
    return max(1, int(part * min(8.0, SECONDS_PER_PART / max(elapsed, 1e-9))))
