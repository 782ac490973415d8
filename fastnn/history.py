"""The per-epoch record of a training: history["loss"] is a list with one number an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnn.trainer.record_of_training import Origin


class History(Mapping[str, list[float]]):
    """What was measured after each epoch, by name; a mapping from name to list.

    Always there: "loss" (mean over the epoch's rows, each taken before its update), "learning_rate" (of the
    epoch's last update) and "seconds" (time of the epoch alone, without validation; the mean of those that
    were trained in one call, for they were short). For classifiers "accuracy"; with validation data
    "validation_loss" and "validation_accuracy", and "validation_" with its name for each of the `metrics`.
    Losses are weighted means where the rows have weights; accuracies count all rows alike.

    settings      the training settings as they were resolved (batch_size, learning_rate, backend, …)
    stop_reason   why training ended: "epochs", "early stopping", "interrupted", "diverged", "an exception",
                  or a callback's own words
    best_epoch    the epoch (from 1) whose weights were kept, when early stopping chose one, else None
    origin        what was called and on which data: an `Origin`, or None where nothing is known of it

    A model's file holds all of it but "seconds".
    """

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self._columns: dict[str, list[float]] = {}
        self.settings: dict[str, Any] = dict(settings or {})
        self.stop_reason = ""
        self.best_epoch: int | None = None
        self.origin: Origin | None = None
        self._epochs: list[int] | None = None

    def record(self, **values: float) -> None:
        """Append one epoch's values; every epoch must bring the same names."""
        self.record_several(**{name: [value] for name, value in values.items()})

    def record_several(self, **columns: Sequence[float]) -> None:
        """Append the values of several epochs, each name's in a list."""
        if self._columns and columns.keys() != self._columns.keys():
            raise ValueError(f"epochs bring {sorted(columns)}, the history has {sorted(self._columns)}")
        for name, values in columns.items():
            self._columns.setdefault(name, []).extend(map(float, values))

    def carry_on(
        self,
        columns: Mapping[str, list[float]],
        best_epoch: int | None,
        epochs: Sequence[int] | None = None,
    ) -> None:
        """Begin where another record ended, such as that of the training which is resumed.

        epochs   the numbers of its epochs where they are not 1, 2, 3, …
        """
        self._columns = {name: [float(value) for value in column] for name, column in columns.items()}
        self.best_epoch = best_epoch
        self._epochs = None if epochs is None else list(epochs)

    def cut(self, n_epochs: int) -> None:
        """Forget all but the first epochs, also what was recorded of one in part."""
        for column in self._columns.values():
            del column[n_epochs:]
        if n_epochs == 0:
            self._columns.clear()

    def append(self, later: History) -> None:
        """Go on with what another record holds, and end as it did."""
        for epoch in range(later.n_epochs):
            self.record(**{name: column[epoch] for name, column in later.items()})
        self.stop_reason = later.stop_reason

    @property
    def n_epochs(self) -> int:
        """Epochs recorded so far."""
        return len(next(iter(self._columns.values()), []))

    @property
    def epochs(self) -> list[int]:
        """The number of each recorded epoch: 1, 2, 3, …; of a very long training a file holds but some."""
        return list(range(1, self.n_epochs + 1)) if self._epochs is None else list(self._epochs)

    def last(self) -> dict[str, float]:
        """The latest epoch's values by name."""
        return {name: column[-1] for name, column in self._columns.items()}

    def __getitem__(self, name: str) -> list[float]:
        try:
            return self._columns[name]
        except KeyError:
            raise KeyError(
                f"{name!r} was not recorded; there is {', '.join(self._columns) or 'nothing'}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"History({self.n_epochs} epochs: {', '.join(self._columns)})"
