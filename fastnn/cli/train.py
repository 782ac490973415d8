"""`fastnn train`: train on a data set, save the model, draw its curves, and say how good it is."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from fastnn import plots, reports
from fastnn.cli import data as loading
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, default_of, number_or_word
from fastnn.cli.output import check_picture, check_writable, write_picture
from fastnn.cli.progress import describe_data, describe_training, say, watchers
from fastnn.network import Network
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
    activation: Annotated[str, Option(metavar="NAME", help="relu, tanh, logistic or identity.")] = default_of(
        "activation"
    ),
    loss: Annotated[
        str,
        Option(
            metavar="NAME",
            help="cross_entropy (classes), squared_error (regression), or auto: labels with decimals are a "
            "regression.",
        ),
    ] = default_of("loss"),
    epochs: Annotated[int, Option(metavar="N", min=1, help="Passes over the data.")] = default_of("epochs"),
    batch_size: Annotated[
        str, Option(metavar="N", help="Rows an update: a number, full (all of them), or auto.")
    ] = default_of("batch_size"),
    learning_rate: Annotated[str, Option(metavar="RATE", help="Step size: a number, or auto.")] = default_of(
        "learning_rate"
    ),
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
            help="Stop after N epochs without improvement on the validation rows and keep the best epoch; "
            "takes --validation 0.1 unless told otherwise.",
        ),
    ] = None,
    monitor: Annotated[
        str,
        Option(
            metavar="NAME", help="What early stopping watches: validation_accuracy, validation_loss, auto."
        ),
    ] = default_of("monitor"),
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
    plot: Annotated[
        Path | None, Option(metavar="FILE", help="Draw loss and accuracy by epoch, as .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Train a network, test it on other rows, save it.

    Ctrl-C ends the training early: the model so far is saved and tested.

    Examples:
      fastnn train digits
      fastnn train mnist --hidden 256 --hidden 128 --epochs 30 --out mnist.safetensors
      fastnn train flowers.csv --label species --early-stopping 10 --plot curves.png
    """
    check_writable("--out", out, data)
    check_picture("--plot", plot, data, *([out] if out else []))
    if early_stopping is not None and validation is None:
        validation = 0.1
    batch = number_or_word("--batch-size", batch_size, int, "full", "auto")
    rate = number_or_word("--learning-rate", learning_rate, float, "auto")
    widths = default_of("hidden") if not hidden else () if hidden == [0] else tuple(hidden)
    seed = secrets.randbelow(1_000_000) if seed is None else seed

    rows, test_rows = loading.for_training(data, label=label, test=test, loss=loss, seed=seed)
    if not quiet:
        say(describe_data(rows, test_rows, loss))
    model = train_network(
        rows.X,
        rows.y,
        hidden=widths,
        activation=activation,
        loss=loss,
        epochs=epochs,
        batch_size=batch if isinstance(batch, str) else int(batch),
        learning_rate=rate,
        validation=validation,
        early_stopping=early_stopping,
        monitor=monitor,
        backend=backend,
        threads=threads,
        dtype=dtype,
        seed=seed,
        callbacks=watchers(epochs, every=every, quiet=quiet, seed=seed),
    )
    for line in _save(model, out, plot):
        if not quiet:
            say(line)
    if test_rows is not None:
        say(f"test {reports.headline(model, test_rows.X, test_rows.y)}")
    if model.history.stop_reason == "interrupted":
        raise typer.Exit(130)


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
        write_picture("--plot", plot, partial(plots.plot_history, model.history))
        yield f"curves written to {plot}"
