"""`fastnn train`: train on a data set, save the model, draw its curves, and say how good it is."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from fastnn import backends, plots, reports
from fastnn.cli import data as loading
from fastnn.cli.command import Recording, words_of
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, default_of, number_or_word
from fastnn.cli.output import check_picture, check_writable, write_picture
from fastnn.cli.progress import describe_data, describe_training, say, watchers
from fastnn.cli.regularisation_options import (
    ClassWeightOption,
    ClipNormOption,
    ClipValueOption,
    DropoutOption,
    InputDropoutOption,
    L1Option,
    L2Option,
    MaxNormOption,
    SmoothingOption,
    WeightDecayOption,
)
from fastnn.cli.termination import CTRL_C_STATUS
from fastnn.errors import InputError
from fastnn.inputs import ACTIVATIONS
from fastnn.metrics import METRICS
from fastnn.network import Network
from fastnn.optimizers import BY_NAME as OPTIMIZERS
from fastnn.schedules import BY_NAME as SCHEDULES
from fastnn.trainer.checkpoint import read as read_checkpoint
from fastnn.training import train as train_network

Option = typer.Option


def train(
    data: DataArgument,
    hidden: Annotated[
        list[int] | None,
        Option(
            metavar="N",
            help="Width of a hidden layer; repeat it for more layers, 0 for none.  "
            f"[default: {', '.join(map(str, default_of('hidden')))}]",
        ),
    ] = None,
    activation: Annotated[
        str, Option(metavar="NAME", help=f"Of every hidden layer: {', '.join(ACTIVATIONS)}.")
    ] = default_of("activation"),
    loss: Annotated[
        str,
        Option(
            metavar="NAME",
            help="cross_entropy (one class a row), binary_cross_entropy (several labels a row), "
            "squared_error, absolute_error, huber or poisson (regressions), or auto: labels with decimals "
            "are a regression.",
        ),
    ] = default_of("loss"),
    standardize: Annotated[
        bool,
        Option(
            "--standardize",
            help="Bring each feature to mean 0 and deviation 1; the model remembers how. For tables in "
            "unlike units.",
        ),
    ] = False,
    epochs: Annotated[
        str, Option(metavar="N", help="Passes over the data: a number, or auto: 20, more for small tables.")
    ] = default_of("epochs"),
    batch_size: Annotated[
        str, Option(metavar="N", help="Rows an update: a number, full (all of them), or auto.")
    ] = default_of("batch_size"),
    optimizer: Annotated[
        str,
        Option(
            metavar="NAME",
            help=f"How gradients become steps: {', '.join(OPTIMIZERS)}, or auto: adam for tables, sgd for "
            "images and with --learning-rate.",
        ),
    ] = default_of("optimizer"),
    learning_rate: Annotated[str, Option(metavar="RATE", help="Step size: a number, or auto.")] = default_of(
        "learning_rate"
    ),
    schedule: Annotated[
        str, Option(metavar="NAME", help=f"How the learning rate changes: {', '.join(SCHEDULES)}.")
    ] = default_of("schedule"),
    dropout: DropoutOption = 0.0,
    input_dropout: InputDropoutOption = 0.0,
    l2: L2Option = 0.0,
    l1: L1Option = 0.0,
    weight_decay: WeightDecayOption = 0.0,
    max_norm: MaxNormOption = None,
    label_smoothing: SmoothingOption = 0.0,
    clip_norm: ClipNormOption = None,
    clip_value: ClipValueOption = None,
    class_weight: ClassWeightOption = None,
    validation: Annotated[
        float | None,
        Option(
            metavar="FRACTION", help="Share of the training rows to watch the training with, such as 0.1."
        ),
    ] = None,
    early_stopping: Annotated[
        int | None,
        Option(
            metavar="N",
            help="Stop after N epochs without improvement of --monitor and keep the best epoch; takes "
            "--validation 0.1 unless told otherwise, or what is monitored needs none.",
        ),
    ] = None,
    monitor: Annotated[
        str,
        Option(
            metavar="NAME",
            help="What early stopping watches: validation_accuracy, validation_loss, validation_ and the "
            "name of a --metric, loss, accuracy, or auto.",
        ),
    ] = default_of("monitor"),
    metric: Annotated[
        list[str] | None,
        Option(
            metavar="NAME",
            help="Measure this too after each epoch, on the validation rows (takes --validation 0.1 unless "
            f"told otherwise); repeat it for more: {', '.join(METRICS)}, top_3_accuracy.",
        ),
    ] = None,
    test: Annotated[
        float | None,
        Option(
            metavar="FRACTION",
            help="Share of a file's rows to hold out for the test at the end; 0 trains on all of them. "
            f"Only for data without a test part.  [default: {loading.TEST_FRACTION}]",
        ),
    ] = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
    threads: Annotated[
        int | None, Option(metavar="N", help="Threads of the numba backend; the result is always the same.")
    ] = None,
    dtype: Annotated[str, Option(metavar="NAME", help="float32 or float64.")] = default_of("dtype"),
    seed: Annotated[
        int | None,
        Option(metavar="N", min=0, help="Repeat a training exactly. Without: a new one, which is printed."),
    ] = None,
    every: Annotated[
        int | None, Option(metavar="N", min=1, help="Print a line every N epochs instead of the bar.")
    ] = None,
    quiet: Annotated[bool, Option("--quiet", help="Print the result only.")] = False,
    out: Annotated[Path | None, Option(metavar="FILE", help="Save the model, as .safetensors.")] = None,
    checkpoint: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Keep the training in this file, as it is after its latest whole epoch; the file is a model "
            "too.",
        ),
    ] = None,
    checkpoint_every: Annotated[
        int, Option(metavar="N", min=1, help="Epochs between two writings of --checkpoint.")
    ] = default_of("checkpoint_every"),
    resume: Annotated[
        bool,
        Option(
            "--resume",
            help="Carry on from --checkpoint where it is there, with the options of before, to the very "
            "model that comes without a break; --epochs may be more. Takes its --seed.",
        ),
    ] = False,
    plot: Annotated[
        Path | None, Option(metavar="FILE", help="Draw the learning curves, as .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Train a network, test it on other rows, save it.

    Ctrl-C or SIGTERM ends the training early: the model so far is saved and tested. With --checkpoint, a
    training that was ended, or killed, can be carried on with --resume.

    Examples:
      fastnn train digits
      fastnn train mnist --hidden 256 --hidden 128 --epochs 30 --out mnist.safetensors
      fastnn train flowers.csv --label species --early-stopping 10 --plot curves.png
      fastnn train mnist --epochs 100 --checkpoint run.fastnn --resume
    """
    given = dict(locals())
    check_writable("--out", out, data)
    check_picture("--plot", plot, data, *([out] if out else []))
    check_writable("--checkpoint", checkpoint, data, *filter(None, (out, plot)))
    if resume and checkpoint is None:
        raise InputError("--resume needs --checkpoint FILE, the file to carry on from")
    watches = early_stopping is not None and monitor not in ("loss", "accuracy")
    if (watches or metric) and validation is None:
        validation = 0.1
    passes = number_or_word("--epochs", epochs, int, "auto")
    batch = number_or_word("--batch-size", batch_size, int, "full", "auto")
    rate = number_or_word("--learning-rate", learning_rate, float, "auto")
    widths = default_of("hidden") if not hidden else () if hidden == [0] else tuple(hidden)
    saved = read_checkpoint(checkpoint) if resume and checkpoint is not None and checkpoint.exists() else None
    if seed is None:
        seed = secrets.randbelow(1_000_000) if saved is None or saved.seed is None else saved.seed

    rows, test_rows = loading.for_training(data, label=label, test=test, loss=loss, seed=seed)
    if not quiet:
        say(describe_data(rows, test_rows, loss))
    if resume and not quiet:
        say(f"resuming {checkpoint} after epoch {saved.epoch}" if saved else f"beginning {checkpoint} anew")
    words = words_of(train, given | {"seed": seed, "backend": backends.get(backend)[0]})
    recording = Recording(words, loading.told_of(data, rows, test))
    model = train_network(
        rows.X,
        rows.y,
        hidden=widths,
        activation=activation,
        loss=loss,
        standardize=standardize,
        epochs=passes if isinstance(passes, str) else int(passes),
        batch_size=batch if isinstance(batch, str) else int(batch),
        optimizer=optimizer,
        learning_rate=rate,
        schedule=schedule,
        dropout=dropout,
        input_dropout=input_dropout,
        l2=l2,
        l1=l1,
        weight_decay=weight_decay,
        max_norm=max_norm,
        label_smoothing=label_smoothing,
        clip_norm=clip_norm,
        clip_value=clip_value,
        class_weight=class_weight,
        validation=validation,
        early_stopping=early_stopping,
        monitor=monitor,
        metrics=metric or (),
        backend=backend,
        threads=threads,
        dtype=dtype,
        seed=seed,
        callbacks=[recording, *watchers(every=every, quiet=quiet, seed=seed)],
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        resume=resume,
    )
    for line in _save(model, out, plot):
        if not quiet:
            say(line)
    if test_rows is not None:
        say(f"test {reports.headline(model, test_rows.X, test_rows.y)}")
    if model.history.stop_reason == "interrupted":
        raise typer.Exit(CTRL_C_STATUS)


def _save(model: Network, out: Path | None, plot: Path | None) -> Iterator[str]:
    """Write what was asked for, the model first, and say so."""
    if out is not None:
        model.save(out)
    if model.history.n_epochs:
        yield describe_training(model.history)
    if out is not None:
        yield f"model written to {out}"
    if plot is not None and not model.history.n_epochs:
        yield f"no epoch was finished, so there are no curves for {plot}"
    elif plot is not None:
        write_picture("--plot", plot, partial(plots.learning_curves, model))
        yield f"curves written to {plot}"
