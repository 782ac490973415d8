"""What keeps a network from fitting too closely or running away, as one checked record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.errors import InputError


@dataclass(frozen=True)
class Regularisation:
    """Each 0 or None where it is not wanted. Biases are clipped with the rest, but never pulled towards 0.

    l2, l1           the loss gets + ½ l2 ΣW² + l1 Σ|W|
    weight_decay     a step of rate α also takes α·weight_decay of W away (beside the optimizer's own)
    dropout          shares of the inputs of each layer set to 0 in training: (of X, of A1, of A2, …)
    max_norm         largest length of a unit's incoming weights (a column of W)
    label_smoothing  share ε of the certainty in labels that is spread over all classes
    clip_norm        largest length of all gradients together
    clip_value       largest absolute value of an element of a gradient
    """

    l2: float = 0.0
    l1: float = 0.0
    weight_decay: float = 0.0
    dropout: tuple[float, ...] = ()
    max_norm: float | None = None
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None

    @property
    def drops(self) -> bool:
        """Whether anything is dropped at all."""
        return any(self.dropout)

    def penalties_divided_by(self, divisor: float) -> Regularisation:
        """The same with l2 and l1 divided by `divisor`."""
        return replace(self, l2=self.l2 / divisor, l1=self.l1 / divisor)

    @classmethod
    def checked(
        cls,
        *,
        n_hidden: int,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        **options: Any,
    ) -> Regularisation:
        """From what a user wrote, or InputError; `n_hidden` is the number of hidden layers."""
        values: dict[str, Any] = {}
        for name in ("l2", "l1", "weight_decay"):
            values[name] = inputs.not_negative(name, options.get(name, 0.0))
        for name in ("max_norm", "clip_norm", "clip_value"):
            limit = options.get(name)
            values[name] = None if limit is None else inputs.positive(name, limit)
        values["label_smoothing"] = inputs.fraction("label_smoothing", options.get("label_smoothing", 0.0))
        rates = (inputs.fraction("input_dropout", input_dropout), *_per_layer(dropout, n_hidden))
        return cls(dropout=rates, **values)


def _per_layer(dropout: float | Sequence[float], n_hidden: int) -> list[float]:
    if not isinstance(dropout, list | tuple | np.ndarray):
        return [inputs.fraction("dropout", dropout)] * n_hidden
    if len(dropout) != n_hidden:
        raise InputError(
            f"dropout has {len(dropout)} shares for {n_hidden} hidden layers; pass one number, or one a layer"
        )
    return [inputs.fraction("dropout", share) for share in dropout]
