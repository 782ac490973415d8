"""Passes over the rows: shuffled, in parts between which Ctrl-C is seen, or several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from fastnn.backends import Array, QuickRun, Run
from fastnn.run_settings import RunSettings

# Compiled code does not see Ctrl-C, so a pass is handed over in parts of about this many seconds.
SECONDS_PER_PART = 0.2


class Passes:
    """How runs are led over the rows.

    A pass in parts gets `between`, which is called after each of them; what it raises ends the pass.
    """

    def __init__(
        self, rows: Array, settings: RunSettings, generator: np.random.Generator, *, shuffle: bool
    ) -> None:
        self._rows = rows
        self._generator, self._batch_size = generator, settings.batch_size
        # One batch of everything needs no shuffling, and is then summed in the order of the rows.
        self._shuffle = shuffle and settings.batch_size < len(rows)
        self._n_updates, self._batch_rows = settings.n_updates(len(rows)), settings.batch_rows(len(rows))
        self._part = 1

    def order(self) -> Array:
        """The rows, in the order of the next pass."""
        return self._generator.permutation(self._rows) if self._shuffle else self._rows

    def one(
        self, run: Run, order: Array, rates: Array, between: Callable[[], None]
    ) -> tuple[float, float, int]:
        """One pass: (mean loss, mean of the run's penalties, correctly classified rows).

        A loss that is no finite number ends it, and is returned.
        """
        parts = []
        for part in self.parts(run, order, rates, between):
            parts.append(part)
            if not np.isfinite(part[0]).all():  # now, not at the end of what may be a long pass
                return float(part[0][~np.isfinite(part[0])][0]), 0.0, 0
        losses, penalties, correct = zip(*parts, strict=True)
        return self._mean(losses), self._mean(penalties), sum(correct)

    def several(self, run: QuickRun, orders: Sequence[Array], rates: Sequence[Array]) -> tuple[Array, Array]:
        """As many passes in one call: (mean losses, correctly classified rows), both (n_passes,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            losses, correct = run.epochs(np.concatenate(orders), np.concatenate(rates), len(orders))
            means = (losses * self._batch_rows).sum(axis=1) / len(self._rows)
        return means, correct

    def parts(
        self, run: Run, order: Array, rates: Array, between: Callable[[], None]
    ) -> Iterator[tuple[Array, Array, int]]:
        """A pass in parts of whole batches: the same updates as at once, but Ctrl-C is seen between.

        Yields each part's (losses, penalties) by batch, and correctly classified rows.
        """
        start = 0
        while start < len(rates):
            end = min(start + self._part, len(rates))
            rows = order[start * self._batch_size : end * self._batch_size]
            clock = time.perf_counter()
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that overflows is an error of our own
                losses, n_correct = run.epoch(rows, rates[start:end], between)
            elapsed = time.perf_counter() - clock
            start, self._part = end, min(_next_part(self._part, elapsed), self._n_updates)
            between()
            yield losses, run.penalties, n_correct

    def _mean(self, parts: Sequence[Array]) -> float:
        """Over the rows. All at once, in order: it must not depend on how long the parts were."""
        values = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return float((values * self._batch_rows).sum() / len(self._rows))


def _next_part(part: int, elapsed: float) -> int:
    """Updates to hand over next, growing or shrinking towards SECONDS_PER_PART."""
    return max(1, int(part * min(8.0, SECONDS_PER_PART / max(elapsed, 1e-9))))
