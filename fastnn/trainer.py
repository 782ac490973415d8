"""The loop over the epochs: shuffle, run, validate, record, and let callbacks watch and steer."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastnn.backends import Array, Backend, RunSettings
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError
from fastnn.network import Network

# Compiled code does not see Ctrl-C, so an epoch is handed over in parts of about this many seconds.
SECONDS_PER_PART = 0.2


@dataclass(frozen=True)
class Data:
    """Features and targets, checked and encoded, and the indices of the rows to use."""

    X: Array
    y: Array
    rows: Array

    @classmethod
    def whole(cls, X: Array, y: Array) -> Data:
        """All rows of X and y."""
        return cls(X, y, np.arange(len(X)))


class Training:
    """A training under way: what callbacks see, and the loop over the epochs.

    network        being trained; its weights are current after `write_back()`
    history        what was measured so far
    epoch, epochs  the epoch just finished, from 1, and how many there will be
    learning_rate  of the next epoch; may be assigned
    n_rows         rows trained on in an epoch
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
        generator: np.random.Generator,
    ) -> None:
        self.network, self.history = network, network.history
        self.epoch, self.epochs = 0, epochs
        self.learning_rate = learning_rate
        self.n_rows = len(data.rows)
        self._backend, self._held_out, self._generator = backend, held_out, generator
        self._rows, self._batch_size = data.rows, settings.batch_size
        self._run = backend.open_run(network, data.X, data.y, settings)
        self._part = settings.batch_size
        self._stopped = False

    def __enter__(self) -> Training:
        return self

    def __exit__(self, *_: object) -> None:
        self._run.close()

    def fit(self, callbacks: Sequence[Callback]) -> None:
        """Run the epochs, calling `callbacks` between them."""
        started: list[Callback] = []
        try:
            for callback in callbacks:
                callback.start(self)
                started.append(callback)
            while self.epoch < self.epochs and not self._stopped:
                self._one_epoch()
                for callback in callbacks:
                    callback.epoch_end(self)
        except KeyboardInterrupt:
            self.stop("interrupted")
            warnings.warn(
                f"training was interrupted after {self.epoch} of {self.epochs} epochs; the model keeps what "
                "it had learned",
                stacklevel=3,
            )
        finally:
            self.write_back()
            for callback in started:
                callback.finish(self)
        self.history.stop_reason = self.history.stop_reason or "epochs"
        # The last update of an epoch comes after its last loss.
        if not all(np.isfinite(W).all() for W in self.network.weights):
            raise self._diverged("the weights are no longer finite")

    def stop(self, reason: str) -> None:
        """End training after this epoch; `reason` goes into history.stop_reason."""
        self._stopped = True
        self.history.stop_reason = reason

    def write_back(self) -> None:
        """Bring the network's weights up to date with the run."""
        self._run.write_back()

    def _one_epoch(self) -> None:
        start = time.perf_counter()
        loss, n_correct = self._pass_over(self._order())
        seconds = time.perf_counter() - start
        if not np.isfinite(loss):
            raise self._diverged(f"the loss became {loss} in epoch {self.epoch + 1}")
        values = {"loss": loss, "seconds": seconds}
        if self.network.classes is not None:
            values["accuracy"] = n_correct / self.n_rows
        if self._held_out is not None:
            values |= self._validate(self._held_out)
        self.history.record(**values)
        self.epoch += 1

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"{what}: learning_rate={self.learning_rate:g} is too large for this input; take a smaller one, "
            "or scale the columns of X (and a regression's y) to mean 0 and deviation 1"
        )

    def _order(self) -> Array:
        # One batch of everything needs no shuffling, and is then summed in the order of the rows.
        return self._rows if self._batch_size >= self.n_rows else self._generator.permutation(self._rows)

    def _pass_over(self, order: Array) -> tuple[float, int]:
        """One epoch in parts of whole batches: the same updates as in one, but Ctrl-C is seen between."""
        total, n_correct, start = 0.0, 0, 0
        while start < len(order):
            part = order[start : start + self._part]
            clock = time.perf_counter()
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that overflows is an error of our own
                loss, correct = self._run.epoch(part, self.learning_rate)
            elapsed = time.perf_counter() - clock
            total, n_correct, start = total + loss * len(part), n_correct + correct, start + len(part)
            self._part = min(_next_part(self._part, self._batch_size, elapsed), self._batch_size + len(order))
        return total / len(order), n_correct

    def _validate(self, held_out: Data) -> dict[str, float]:
        self.write_back()
        loss, n_correct = self._backend.evaluate(self.network, held_out.X, held_out.y)
        values = {"validation_loss": loss}
        if self.network.classes is not None:
            values["validation_accuracy"] = n_correct / len(held_out.X)
        return values


def _next_part(part: int, batch_size: int, elapsed: float) -> int:
    """Rows to hand over next: whole batches, growing or shrinking towards SECONDS_PER_PART."""
    factor = min(8.0, SECONDS_PER_PART / max(elapsed, 1e-9))
    return max(1, int(part * factor) // batch_size) * batch_size
