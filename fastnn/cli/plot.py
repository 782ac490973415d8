"""`fastnn plot KIND …`: the pictures of `fastnn.plots`, each written to a file; here those of a model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fastnn import model_file, plots
from fastnn.cli import data as loading
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, ModelArgument, SplitOption
from fastnn.cli.output import check_picture
from fastnn.cli.plot_options import CountOption, OutOption, PositiveOption, ShapeOption, draw_to, shape_of
from fastnn.cli.plot_training import curves, learning_rate


def confusion(
    model: ModelArgument,
    data: DataArgument,
    out: OutOption,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Draw which classes are taken for which, with counts.

    Examples:
      fastnn plot confusion digits.safetensors digits --out confusion.png
    """
    _of_rows(plots.confusion_matrix, model, data, out, split, label, backend)


def samples(
    model: ModelArgument,
    data: DataArgument,
    out: OutOption,
    count: CountOption = 12,
    shape: ShapeOption = None,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Draw some images with the probabilities of their classes.

    Examples:
      fastnn plot samples digits.safetensors digits --out samples.png
    """
    draw = partial(plots.sample_predictions, count=count, shape=shape_of(shape))
    _of_rows(draw, model, data, out, split, label, backend)


def mistakes(
    model: ModelArgument,
    data: DataArgument,
    out: OutOption,
    count: CountOption = 12,
    shape: ShapeOption = None,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Draw the most confident mistakes as images.

    Above each image stand its row, counted from 0, and its true class.

    Examples:
      fastnn plot mistakes mnist.safetensors mnist --count 20 --out mistakes.png
    """
    draw = partial(plots.confident_mistakes, count=count, shape=shape_of(shape))
    _of_rows(draw, model, data, out, split, label, backend)


def weights(model: ModelArgument, out: OutOption, count: CountOption = 24, shape: ShapeOption = None) -> None:
    """Draw the weights of the first layer as images.

    Examples:
      fastnn plot weights mnist.safetensors --out weights.png
    """
    check_picture("--out", out, model)
    network = model_file.load(model, backend="numpy")
    draw_to(out, partial(plots.first_layer, network, count=count, shape=shape_of(shape)))


def roc(
    model: ModelArgument,
    data: DataArgument,
    out: OutOption,
    positive: PositiveOption = None,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Draw the ROC curve of one class against the rest.

    Examples:
      fastnn plot roc tumours.safetensors tumours.csv --out roc.png
      fastnn plot roc digits.safetensors digits --positive 8 --out roc.png
    """
    _of_rows(partial(plots.roc, positive=positive), model, data, out, split, label, backend)


def calibration(
    model: ModelArgument,
    data: DataArgument,
    out: OutOption,
    positive: PositiveOption = None,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Draw how often a predicted probability comes true.

    Examples:
      fastnn plot calibration tumours.safetensors tumours.csv --out calibration.png
    """
    _of_rows(partial(plots.calibration, positive=positive), model, data, out, split, label, backend)


def residuals(
    model: ModelArgument,
    data: DataArgument,
    out: OutOption,
    output: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Which of several outputs, from 0. Without: all.")
    ] = None,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Draw a regression's predictions and errors.

    Examples:
      fastnn plot residuals prices.safetensors prices.csv --out residuals.png
    """
    _of_rows(partial(plots.residuals, output=output), model, data, out, split, label, backend)


KINDS: dict[str, Callable[..., None]] = {
    "curves": curves,
    "confusion": confusion,
    "samples": samples,
    "mistakes": mistakes,
    "weights": weights,
    "roc": roc,
    "calibration": calibration,
    "residuals": residuals,
    "learning-rate": learning_rate,
}


def plot(context: typer.Context) -> None:
    """Draw pictures of a model or a training.

    Each is written to the file of --out; `fastnn show` draws in the terminal.

    Examples:
      fastnn plot curves digits.safetensors --out curves.png
      fastnn plot confusion digits.safetensors digits --out confusion.png
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


# ---- what they share --------------------------------------------------------------------------------------


def _of_rows(
    draw: Callable[..., Any],
    model: Path,
    data: str,
    out: Path,
    split: str | None,
    label: str | None,
    backend: str,
) -> None:
    """Draw a picture of a model on rows of DATA."""
    check_picture("--out", out, model, data)
    network = model_file.load(model, backend=backend)
    rows = loading.for_testing(data, split=split, label=label, pixels=network.input_scale is not None)
    draw_to(out, partial(draw, network, rows.X, rows.y))
