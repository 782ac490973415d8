"""What the words and numbers of train()'s options come to for given data: batch size, rate, threads."""

from __future__ import annotations

import warnings

from fastnn import inputs, optimizers
from fastnn.backends import Array
from fastnn.cpus import granted_cpus
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.optimizers import Optimizer
from fastnn.trainer import defaults
from fastnn.trainer.loop import Data

# Each thread has buffers of its own; far more than any machine's CPUs is a mistake.
MOST_THREADS = 256


def threads(wanted: int | None, backend_name: str) -> int | None:
    """A number of threads that have a CPU each, or None: chosen by the backend.

    Threads that share a CPU wait for each other: 20-64-64-2 in batches of 32 took ten times as long on eight
    threads as on one, on two CPUs.
    """
    if wanted is None:
        return None
    number = inputs.whole_number("threads", wanted)
    if number > MOST_THREADS:
        raise InputError(
            f"threads={wanted!r} is too many; use {MOST_THREADS} at most, or None to have it chosen"
        )
    if backend_name == "numpy":
        warnings.warn(
            "threads has no effect with backend='numpy': its threads are those of NumPy's BLAS, set for "
            "instance by OPENBLAS_NUM_THREADS",
            stacklevel=3,
        )
    return number if number <= granted_cpus() else None


def optimizer(wanted: str | Optimizer, learning_rate: float | str, X: Array) -> Optimizer:
    """The optimizer called so; "auto" looks at the type of X and whether a learning rate is given."""
    return defaults.optimizer(X, learning_rate) if inputs.is_word(wanted, "auto") else optimizers.get(wanted)


def epochs(wanted: int | str, n_updates: int) -> int:
    """Passes over the data, of so many updates each."""
    if inputs.is_word(wanted, "auto"):
        return defaults.epochs(n_updates)
    if isinstance(wanted, str):
        raise InputError(f"epochs={wanted!r} must be a whole number, 1 or more, or 'auto'")
    return inputs.whole_number("epochs", wanted)


def batch_size(wanted: int | str | None, optimizer: Optimizer, n_rows: int) -> int:
    """Rows an update, of so many."""
    if wanted is None or inputs.is_word(wanted, "full") or isinstance(optimizer, optimizers.LBFGS):
        return n_rows
    if inputs.is_word(wanted, "auto"):
        return defaults.batch_size(n_rows)
    if isinstance(wanted, str):
        raise InputError(
            f"batch_size={wanted!r} must be a whole number, None or 'full' for all rows, or 'auto'"
        )
    return min(inputs.whole_number("batch_size", wanted), n_rows)


def learning_rate(
    wanted: float | str, optimizer: Optimizer, network: Network, data: Data, batch_size: int
) -> float:
    """The step size; "auto" looks at the network's weights and `data`."""
    if inputs.is_word(wanted, "auto"):
        rows = data.rows if data.weights is None else data.rows[data.weights[data.rows] > 0]
        return defaults.learning_rate(optimizer, network, data.X, data.y, batch_size, rows)
    if isinstance(wanted, str):
        raise InputError(f"learning_rate={wanted!r} must be a number above 0, or 'auto'")
    return inputs.positive("learning_rate", wanted)
