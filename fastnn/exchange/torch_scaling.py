"""The layer that scales the input in `to_torch`. Imports torch, so it is imported in functions only."""

from __future__ import annotations

from typing import Any

import torch

from fastnn.backends import Array


class Scaling(torch.nn.Module):  # type: ignore[misc]
    """Features as a model's first layer takes them: x times `scale`, or (x − mean)/deviation.

    scale            a number, in the dtype of the results; 1 where a mean and a deviation are given
    mean, deviation  (n_features,) float64, or None
    pixels           whether the model was trained on uint8
    """

    def __init__(
        self, scale: float, mean: Array | None, deviation: Array | None, *, pixels: bool, dtype: Any
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.register_buffer("scale", torch.tensor(scale, dtype=dtype))
        self.register_buffer("mean", None if mean is None else torch.tensor(mean))
        self.register_buffer("deviation", None if deviation is None else torch.tensor(deviation))

    def forward(self, X: Any) -> Any:
        """(n, n_features) of any dtype to the same shape in the dtype of the weights."""
        if self.mean is None:
            return X.to(self.scale.dtype) * self.scale
        # In the mean's float64, as fastnn does: where it is large, float32 would lose what is left.
        return ((X.to(self.mean.dtype) - self.mean) / self.deviation).to(self.scale.dtype)

    def extra_repr(self) -> str:
        """What `print(model)` says of it."""
        return f"scale={self.scale.item():g}" if self.mean is None else f"n_features={len(self.mean)}"
