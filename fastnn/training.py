"""train(): check, split, shuffle, run epochs, stop; the arithmetic is a backend's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from fastnn import backends, inputs, optimizers, schedules
from fastnn.callbacks import Callback, EarlyStopping, checked, reporter
from fastnn.continuing import Continuation
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.initialisation import start_at_constant
from fastnn.network import Network
from fastnn.optimizers import Optimizer
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings
from fastnn.schedules import Schedule
from fastnn.trainer import fingerprint, lbfgs, record_of_training, resolving
from fastnn.trainer.beginning import ACTIVATION, DTYPE, HIDDEN, HUBER_DELTA, from_model, new_model
from fastnn.trainer.checkpoint import Checkpoint
from fastnn.trainer.examples import Examples
from fastnn.trainer.loop import Data, Training
from fastnn.trainer.splitting import split
from fastnn.trainer.validation import resolve as validation_metrics


def train(
    X: Any,
    y: Any,
    *,
    hidden: int | Sequence[int] = HIDDEN,
    activation: str | Sequence[str] = ACTIVATION,
    loss: str = "auto",
    huber_delta: float = HUBER_DELTA,
    standardize: bool = False,
    initial: Network | None = None,
    epochs: int | str = "auto",
    batch_size: int | str | None = "auto",
    optimizer: str | Optimizer = "auto",
    learning_rate: float | str = "auto",
    schedule: str | Schedule = "constant",
    l2: float = 0.0,
    l1: float = 0.0,
    weight_decay: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    input_dropout: float = 0.0,
    max_norm: float | None = None,
    label_smoothing: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | str | None = None,
    validation: float | tuple[Any, ...] | None = None,
    metrics: Any = (),
    monitor: str = "auto",
    early_stopping: int | None = None,
    min_improvement: float = 0.0,
    backend: str = "auto",
    threads: int | None = None,
    dtype: Any = DTYPE,
    seed: int | np.random.Generator | None = None,
    verbose: bool | int = False,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
) -> Network:
    """Train a multilayer perceptron by mini-batch gradient descent and return it.

    X               (n, n_features) numbers, or images (n, height, width). uint8 is scaled by 1/255 (the model
                    remembers it); anything else is used as given.
    y               (n,) class labels (ints, strings or bools) or a one-hot matrix (n, n_classes): a
                    classifier. Ints 0 and 1 (or bools), (n, n_labels), not one-hot in every row: a classifier
                    with several labels a row. Floats (n,) or (n, n_outputs): a regression.
    hidden          widths of the hidden layers; () is softmax (or linear) regression.
    activation      "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "tanh", "logistic", "identity" in
                    every hidden layer, or a list, one a layer.
    loss            "auto": "cross_entropy" (softmax) for one class a row, "binary_cross_entropy" (a yes or no
                    for each label) for several, "squared_error" (half the sum over outputs) for a
                    regression. By name also for y that "auto" takes for something else; and
                    "absolute_error", "huber" (both forgive outliers), or "poisson" (counts, whose means are
                    predicted).
    huber_delta     errors below it count as in squared_error, larger ones as in absolute_error.
    standardize     True: from each feature its mean is subtracted, and it is divided by its deviation, both
                    measured on the rows trained on (of uint8 too, in place of 1/255). The model keeps them
                    and goes on taking features as they are, at no cost. Training works on a copy of X.
    initial         a model to carry on from: training starts with a copy of its weights and takes over its
                    layers, loss, classes, scaling, and its dtype unless another is asked for. y may hold no
                    classes that are new to it.
    epochs          passes over the data; "auto": 20, or for small tables up to 100.
    batch_size      rows an update; None or "full" is full-batch gradient descent; "auto" see Notes.
    optimizer       "sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "lbfgs", or an object of
                    `fastnn.optimizers`; "auto" is plain "sgd" for uint8 images and where learning_rate is
                    given, else "adam".
    learning_rate   step size α of W −= α dW, the gradient being a mean over the batch; "auto" see Notes.
    schedule        by what the learning rate is multiplied as training goes on: "constant", "step",
                    "exponential", "inverse_scaling", "cosine", "one_cycle", "plateau", or an object of
                    `fastnn.schedules`.
    l2, l1          the loss gets + ½ l2 ΣW² + l1 Σ|W| (biases are left alone).
    weight_decay    a step of rate α also takes α·weight_decay of W away.
    dropout         share of each hidden layer's outputs set to 0 in training, or a list, one a layer.
    input_dropout   the same for X.
    max_norm        largest length of the weights into a unit.
    label_smoothing share of the certainty in labels that is spread over all classes.
    clip_norm       largest length of all gradients together; clip_value: of each element of them.
    sample_weight   (n,) how much each row counts, 0 or more; only the proportions matter. A row of weight 0
                    is as if it were not there, except that accuracies in the history count rows plainly.
    class_weight    how much the rows of each class count, {label: weight}, labels left out counting 1; or
                    "balanced": all classes alike. Multiplied with sample_weight. Needs one class a row.
    validation      None, a fraction of the rows (stratified by class), or data of your own: (X_val, y_val),
                    or (X_val, y_val, weights) with weights (n_val,) that count in the validation loss.
    metrics         names (see `fastnn.metrics`), functions (y_true, y_pred) -> number, or
                    `fastnn.metrics.Metric` objects; measured on the validation data after each epoch and
                    recorded as history["validation_f1"] and so on.
    monitor         what early stopping watches: "validation_accuracy" (what "auto" means for classifiers),
                    "validation_loss" (for regressions), "validation_f1" and so on of the `metrics`; or "loss"
                    or "accuracy" of the training rows, which need no validation data.
    early_stopping  patience in epochs: stop when `monitor` has not improved for so long, and keep the weights
                    of its best epoch.
    min_improvement an epoch counts as better only if better by more than this.
    backend         "numba", "numpy", or "auto": what FASTNN_BACKEND says, else Numba where it imports.
    threads         of the Numba backend; None, or more than there are CPUs, chooses. The result does not
                    depend on it.
    dtype           "float32" or "float64".
    seed            an int or a numpy Generator fixes weights, split and order: the same seed gives the same
                    model, bit for bit. None draws fresh ones.
    verbose         False or 0 silent, True a progress bar, a number N a line every N epochs.
    callbacks       `fastnn.callbacks.Callback` objects.
    checkpoint      a file that holds the training after its latest whole epoch: `fastnn.load` reads the model
                    from it, and with resume=True it is carried on from there. Written whole or not at all.
    checkpoint_every  epochs between two writings of it; it is also written at the end.
    resume          True: carry on from `checkpoint` and end with the very model and history that the training
                    would have had without a break; begin anew where there is no such file; return at once
                    what is finished already. Data and settings must be those of before, only epochs, backend,
                    threads, verbose and callbacks without a state may be others; seed=None takes the old one.

    Returns the trained Network, with its record in `.history`. Ctrl-C ends training with a warning and
    returns what there is. Raises InputError for arguments that cannot work, DivergedError if loss or weights
    stop being finite numbers, and CallbackError if a callback or metric function raises; these two hold the
    model as it was in `.network`.

    Notes: `trainer/defaults.py` says what "auto" is: small batches for small tables, and for plain descent a
    step as large as data and network allow. It was chosen by measurement: `python benchmarks/defaults.py`
    compares it with scikit-learn's defaults on small tables and MNIST, and with --grid shows other choices.
    """
    given = dict(locals())
    keeper = Checkpoint.wanted(checkpoint, checkpoint_every, resume)
    generator = inputs.generator(seed) if keeper is None else keeper.generator(seed)
    backend_name, arithmetic = backends.get(backend)
    schedule = schedules.get(schedule)
    standardize = inputs.yes_or_no("standardize", standardize)
    examples = Examples.of(X, y)
    options: dict[str, Any] = {
        "hidden": hidden,
        "activation": activation,
        "loss": loss,
        "huber_delta": huber_delta,
        "dtype": dtype,
        "standardize": standardize,
        "backend": backend_name,
    }
    if initial is None:
        network, X, targets = new_model(examples, generator=generator, **options)
    else:
        network, X, targets = from_model(initial, examples, **options)
    weights = inputs.row_weights(sample_weight, class_weight, targets, dtype=network.dtype)
    if initial is None and targets.classes is None:
        start_at_constant(network.weights, network.biases, targets.loss, targets.values, weights)
    everything = examples.data(X, targets.values, weights)
    data, held_out = split(
        network, everything, validation, generator, standardize=standardize and initial is None
    )
    optimizer = resolving.optimizer(optimizer, learning_rate, X)
    settings = RunSettings(
        batch_size=resolving.batch_size(batch_size, optimizer, len(data.rows)),
        threads=resolving.threads(threads, backend_name),
        optimizer=optimizer,
        regularisation=Regularisation.checked(
            n_hidden=len(network.weights) - 1,
            dropout=dropout,
            input_dropout=input_dropout,
            l2=l2,
            l1=l1,
            weight_decay=weight_decay,
            max_norm=max_norm,
            label_smoothing=label_smoothing,
            clip_norm=clip_norm,
            clip_value=clip_value,
        ),
        dropout_seed=int(generator.integers(2**63)) if np.any(dropout) or input_dropout else 0,
    )
    if isinstance(optimizer, optimizers.LBFGS):
        lbfgs.check_options(batch_size, learning_rate, schedule, settings.regularisation)
    passes = resolving.epochs(epochs, settings.n_updates(len(data.rows)))
    measured = validation_metrics(metrics, network, held_out)
    rate = resolving.learning_rate(
        learning_rate, optimizer, network, replace(everything, X=data.X), settings.batch_size
    )
    reducer = schedule.callback()
    watchers = [
        *([] if reducer is None else [reducer]),
        *_early_stopping(early_stopping, monitor, min_improvement, held_out),
        *reporter(verbose),
        *checked(callbacks),
    ]
    network.history = History(
        {
            "backend": backend_name,
            "batch_size": settings.batch_size,
            "learning_rate": rate,
            "epochs": passes,
            "seed": seed if isinstance(seed, int) else None,
        }
    )
    network.history.origin = record_of_training.origin(given, backend_name, examples, targets)
    with Training(
        network,
        arithmetic,
        data,
        held_out,
        settings,
        epochs=passes,
        learning_rate=rate,
        schedule=schedule,
        generator=generator,
        metrics=measured,
        monitor=monitor,
    ) as training:
        if keeper is not None:
            keeper.attach(training, watchers, fingerprint.of(training, settings, data, held_out))
            watchers.append(keeper)
        training.fit(watchers)
        network.continuation = Continuation.of(training, settings, batch_size, generator, data)
    return network


def _early_stopping(
    patience: int | None, monitor: str, min_improvement: float, held_out: Data | None
) -> list[EarlyStopping]:
    min_improvement = inputs.not_negative("min_improvement", min_improvement)
    if patience is None:
        return []
    if held_out is None and inputs.is_word(monitor, "auto"):
        raise InputError(
            f"early_stopping={patience!r} needs validation data: pass validation=0.1 or (X_val, y_val), or "
            "monitor='loss'"
        )
    return [EarlyStopping(patience, monitor, min_improvement)]
