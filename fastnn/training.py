"""train(): check, split, shuffle, run epochs, stop; the arithmetic is a backend's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import backends, defaults, inputs
from fastnn.backends import RunSettings
from fastnn.callbacks import MONITORS, Callback, EarlyStopping, checked, reporter
from fastnn.datasets.preparation import split_indices
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.network import Network
from fastnn.trainer import Data, Training

# Each thread has buffers of its own; far more than any machine's CPUs is a mistake.
MOST_THREADS = 256


def train(
    X: Any,
    y: Any,
    *,
    hidden: int | Sequence[int] = (128,),
    activation: str = "relu",
    loss: str = "auto",
    epochs: int = 20,
    batch_size: int | str | None = "auto",
    learning_rate: float | str = "auto",
    validation: float | tuple[Any, Any] | None = None,
    early_stopping: int | None = None,
    monitor: str = "auto",
    backend: str = "auto",
    threads: int | None = None,
    dtype: Any = "float32",
    seed: int | np.random.Generator | None = None,
    verbose: bool | int = False,
    callbacks: Sequence[Callback] = (),
) -> Network:
    """Train a multilayer perceptron by mini-batch gradient descent and return it.

    X               (n, n_features) numbers, or images (n, height, width). uint8 is scaled by 1/255 (the model
                    remembers it); anything else is used as given.
    y               (n,) class labels (ints, strings or bools) or a one-hot matrix (n, n_classes): a
                    classifier. Floats (n,) or (n, n_outputs): a regression.
    hidden          widths of the hidden layers; () is softmax (or linear) regression.
    activation      "relu", "tanh", "logistic" or "identity", in every hidden layer.
    loss            "auto", "cross_entropy" (softmax) or "squared_error" (half the sum over outputs).
    epochs          passes over the data.
    batch_size      rows an update; None or "full" is full-batch gradient descent; "auto" see Notes.
    learning_rate   step size α of W −= α dW, the gradient being a mean over the batch; "auto" see Notes.
    validation      None, a fraction of the rows (stratified by class), or (X_val, y_val).
    early_stopping  patience in epochs: stop when `monitor` has not improved for so long, and keep the weights
                    of its best epoch. Needs validation data.
    monitor         "validation_accuracy" (what "auto" means for classifiers) or "validation_loss" (for
                    regressions).
    backend         "numba", "numpy", or "auto": what FASTNN_BACKEND says, else Numba where it imports.
    threads         of the Numba backend; None chooses. The result does not depend on it.
    dtype           "float32" or "float64".
    seed            an int or a numpy Generator fixes weights, split and order: the same seed gives the same
                    model, bit for bit. None draws fresh ones.
    verbose         False or 0 silent, True a progress bar, a number N a line every N epochs.
    callbacks       `fastnn.callbacks.Callback` objects.

    Returns the trained Network, with its record in `.history`. Ctrl-C ends training with a warning and
    returns what there is. Raises InputError for arguments that cannot work and DivergedError if the loss
    stops being a number.

    Notes: the defaults were chosen by measurement: `python benchmarks/defaults.py` trains on MNIST, digits
    and the small tables of scikit-learn over a grid of batch sizes and learning rates. `fastnn.defaults` says
    what "auto" is: small batches for small tables, and a step as large as data and network allow.
    """
    float_type = inputs.float_dtype(dtype)
    epochs = inputs.whole_number("epochs", epochs)
    generator = inputs.generator(seed)
    X = inputs.features(X, dtype=float_type)
    targets = inputs.targets(y, len(X), loss=loss, dtype=float_type)
    inputs.warn_if_badly_scaled(X)

    backend_name, arithmetic = backends.get(backend)
    network = Network.initialise(
        (X.shape[1], *inputs.hidden_widths(hidden), targets.n_outputs),
        generator=generator,
        dtype=float_type,
        activation=activation,
        loss=targets.loss,
        classes=targets.classes,
        input_scale=1 / 255 if X.dtype == np.uint8 else None,
        backend=backend_name,
    )
    if targets.classes is None:
        network.biases[-1][:] = targets.values.mean(
            axis=0
        )  # so that the first errors are of the size of y's spread
    data, held_out = _split(network, Data.whole(X, targets.values), validation, generator)
    settings = RunSettings(
        batch_size=_batch_size(batch_size, len(data.rows)), threads=_threads(threads, backend_name)
    )
    rate = _learning_rate(learning_rate, network, data)
    watchers = [
        *_early_stopping(early_stopping, monitor, network, held_out),
        *reporter(verbose),
        *checked(callbacks),
    ]
    network.history = History(
        {
            "backend": backend_name,
            "batch_size": settings.batch_size,
            "learning_rate": rate,
            "epochs": epochs,
            "seed": seed if isinstance(seed, int) else None,
        }
    )
    with Training(
        network,
        arithmetic,
        data,
        held_out,
        settings,
        epochs=epochs,
        learning_rate=rate,
        generator=generator,
    ) as training:
        training.fit(watchers)
    return network


def _split(
    network: Network, data: Data, validation: Any, generator: np.random.Generator
) -> tuple[Data, Data | None]:
    """(data to train on, validation data or None)."""
    if validation is None:
        return data, None
    if isinstance(validation, tuple | list):
        if len(validation) != 2:
            raise InputError(f"validation has {len(validation)} parts; pass a fraction or (X_val, y_val)")
        X_val = network.checked_features(validation[0], "validation X")
        return data, Data.whole(X_val, network.checked_targets(validation[1], len(X_val), "validation y"))
    fraction = inputs.positive("validation", validation)
    if fraction >= 1:
        raise InputError(f"validation={validation!r} must be a fraction between 0 and 1, or (X_val, y_val)")
    rows, chosen = split_indices(data.y, fraction, generator, stratify=network.classes is not None)
    return Data(data.X, data.y, rows), Data.whole(data.X[chosen], data.y[chosen])


def _early_stopping(
    patience: int | None, monitor: str, network: Network, held_out: Data | None
) -> list[EarlyStopping]:
    inputs.choice("monitor", monitor, ("auto", *MONITORS))
    if monitor == "auto":
        monitor = "validation_loss" if network.classes is None else "validation_accuracy"
    if monitor == "validation_accuracy" and network.classes is None:
        raise InputError(
            "monitor='validation_accuracy' needs a classifier; a regression has 'validation_loss'"
        )
    if patience is None:
        return []
    if held_out is None:
        raise InputError(
            f"early_stopping={patience!r} needs validation data: pass validation=0.1 or (X_val, y_val)"
        )
    return [EarlyStopping(patience, monitor)]


def _threads(threads: int | None, backend_name: str) -> int | None:
    if threads is None:
        return None
    if backend_name == "numpy":
        warnings.warn(
            "threads has no effect with backend='numpy': its threads are those of NumPy's BLAS, set for "
            "instance by OPENBLAS_NUM_THREADS",
            stacklevel=3,
        )
    wanted = inputs.whole_number("threads", threads)
    if wanted > MOST_THREADS:
        raise InputError(
            f"threads={threads!r} is too many; use {MOST_THREADS} at most, or None to have it chosen"
        )
    return wanted


def _batch_size(batch_size: int | str | None, n_rows: int) -> int:
    if batch_size is None or batch_size == "full":
        return n_rows
    if batch_size == "auto":
        return defaults.batch_size(n_rows)
    if isinstance(batch_size, str):
        raise InputError(
            f"batch_size={batch_size!r} must be a whole number, None or 'full' for all rows, or 'auto'"
        )
    return min(inputs.whole_number("batch_size", batch_size), n_rows)


def _learning_rate(learning_rate: float | str, network: Network, data: Data) -> float:
    if learning_rate == "auto":
        return defaults.learning_rate(network, data.X, data.y)
    if isinstance(learning_rate, str):
        raise InputError(f"learning_rate={learning_rate!r} must be a number above 0, or 'auto'")
    return inputs.positive("learning_rate", learning_rate)
