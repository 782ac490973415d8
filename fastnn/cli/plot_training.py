"""`fastnn plot curves` and `fastnn plot learning-rate`: pictures of a training, and of what precedes one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from fastnn import plots
from fastnn.cli import data as loading
from fastnn.cli import histories
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, default_of, number_or_word
from fastnn.cli.output import check_picture
from fastnn.cli.plot_options import OutOption, draw_to
from fastnn.learning_rate_finder import find_learning_rate


def curves(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="What holds the history: a model file, a checkpoint, or a .csv file of "
            "fastnn.callbacks.CSVLog.",
            show_default=False,
        ),
    ],
    out: OutOption,
) -> None:
    """Draw loss, accuracy, metrics and learning rate by epoch.

    Examples:
      fastnn plot curves digits.safetensors --out curves.png
    """
    check_picture("--out", out, file)
    draw_to(out, partial(plots.learning_curves, histories.read(file)))


def learning_rate(
    data: DataArgument,
    out: OutOption,
    hidden: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            help="Width of a hidden layer; repeat it for more layers, 0 for none.  "
            f"[default: {', '.join(map(str, default_of('hidden')))}]",
        ),
    ] = None,
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="Of the hidden layers, as in train.")
    ] = default_of("activation"),
    loss: Annotated[str, typer.Option(metavar="NAME", help="As in train.")] = default_of("loss"),
    standardize: Annotated[bool, typer.Option("--standardize", help="As in train.")] = False,
    batch_size: Annotated[
        str, typer.Option(metavar="N", help="Rows an update: a number, full (all of them), or auto.")
    ] = default_of("batch_size"),
    optimizer: Annotated[
        str, typer.Option(metavar="NAME", help="As in train; auto is sgd here.")
    ] = default_of("optimizer"),
    label: LabelOption = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of weights and batches.")] = 0,
    backend: BackendOption = "auto",
) -> None:
    """Try all learning rates, draw the losses, suggest one.

    Examples:
      fastnn plot learning-rate digits --hidden 64 --out rates.png
    """
    check_picture("--out", out, data)
    batch = number_or_word("--batch-size", batch_size, int, "full", "auto")
    rows, _ = loading.for_training(data, label=label, test=None, loss=loss, seed=seed)
    finding = find_learning_rate(
        rows.X,
        rows.y,
        hidden=default_of("hidden") if not hidden else () if hidden == [0] else tuple(hidden),
        activation=activation,
        loss=loss,
        standardize=standardize,
        batch_size=batch if isinstance(batch, str) else int(batch),
        optimizer=optimizer,
        seed=seed,
        backend=backend,
    )
    print(f"suggestion: --learning-rate {finding.suggestion:g}")
    draw_to(out, partial(plots.learning_rate_curve, finding))
