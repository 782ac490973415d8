"""Everything that training and predicting may call, called once, so that it is compiled and in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.backends.numba_directly import Directly
from fastnn.backends.numba_run import Run
from fastnn.backends.numpy_losses import LOSSES
from fastnn.kernels.activations import CODES
from fastnn.kernels.helpers import Pace
from fastnn.kernels.shards import SHARD_ROWS
from fastnn.optimizers import SGD, Adam, Optimizer, RMSprop
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings


def use_everything(dtype: np.dtype[Any], evaluate: Callable[..., Any], predict: Callable[..., Any]) -> None:
    """Train, evaluate and predict, with networks and settings that together need every kernel of a type."""

    def use(network: _Shape, X: Array, settings: RunSettings) -> None:
        y = np.zeros(len(X), np.int64)
        if network.loss_name != "cross_entropy":
            y = np.zeros((len(X), 4), dtype)
        run = Run(network, X, y, settings)
        run.epoch(np.arange(len(X)), np.full(-(-len(X) // settings.batch_size), 0.1))
        run.close()
        evaluate(network, X, y)
        predict(network, X)
        outputs = np.empty((len(X), len(network.biases[-1])), dtype)
        Directly(network, Pace()).together(X, outputs, threads=1)(0, 1)

    def images(n_rows: int, value: int = 1) -> Array:
        return np.full((n_rows, 4), value, np.uint8)

    networks = [("cross_entropy", activation) for activation in CODES] + [(loss, "relu") for loss in LOSSES]
    for loss_name, activation in networks:
        for X in (images(4), np.ones((4, 4), dtype)):
            use(_Shape(dtype, loss_name, activation), X, RunSettings(batch_size=4))
    # What depends on rows and settings: zeros to skip, batches in shards, other updates than plain ones.
    wide, batch = _Shape(dtype, width=64), 2 * SHARD_ROWS
    use(wide, images(64, value=0), RunSettings(batch_size=64))
    for network in (wide, _Shape(dtype)):
        use(network, images(batch), RunSettings(batch_size=batch))
    regularisation = Regularisation(dropout=(0.1, 0.1), clip_norm=1.0, max_norm=1.0)
    optimizers: tuple[Optimizer, ...] = (SGD(momentum=0.9), Adam(), RMSprop())
    for optimizer in optimizers:
        use(wide, images(64), RunSettings(64, optimizer=optimizer, regularisation=regularisation))


class _Shape:
    """A network, only there to have its kernels compiled."""

    def __init__(
        self,
        dtype: np.dtype[Any],
        loss_name: str = "cross_entropy",
        activation: str = "relu",
        width: int = 4,
    ) -> None:
        generator = np.random.default_rng(0)
        self.weights = [generator.standard_normal(shape).astype(dtype) for shape in ((4, width), (width, 4))]
        self.biases = [np.zeros(n, dtype) for n in (width, 4)]
        self.activations: tuple[str, ...] = (activation,)
        self.loss_name, self.huber_delta = loss_name, 1.0
        self.input_scale: float | None = None
        self.prepared: Any = None
