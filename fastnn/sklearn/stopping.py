"""The record of a fit in scikit-learn's terms, and when it has stopped to improve."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Grows from epoch to epoch, and from one warm start or partial_fit to the next.

    losses              mean loss with penalty of each epoch
    scores              on the validation data, of each epoch that had some
    validation_losses   likewise, without penalty
    best_loss, best_score
                        so far; infinite before the first
    n_unimproved        epochs in a row that did not improve by `tol`
    n_seen              rows trained on
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    n_unimproved: int = 0
    n_seen: int = 0

    def add_loss(self, loss: float, tol: float, *, watched: bool) -> None:
        """One more epoch; `watched`: the losses decide when to stop."""
        if watched:
            self._count(loss <= self.best_loss - tol)
        self.losses.append(loss)
        self.best_loss = min(self.best_loss, loss)

    def add_score(self, score: float, loss: float, tol: float, *, watched: bool) -> bool:
        """The same epoch's validation: True if its score is the best yet. NaN never improves."""
        if watched:
            self._count(score >= self.best_score + tol)
        self.scores.append(score)
        self.validation_losses.append(loss)
        if not score > self.best_score:
            return False
        self.best_score = score
        return True

    def _count(self, improved: bool) -> None:
        self.n_unimproved = 0 if improved else self.n_unimproved + 1
