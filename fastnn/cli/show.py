"""`fastnn show`: some test images with the predicted and the true label, in the terminal or as a picture."""

from __future__ import annotations

import math
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from fastnn import model_file, plots, terminal
from fastnn.backends import Array
from fastnn.cli import data as loading
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, ModelArgument, SplitOption
from fastnn.cli.output import check_picture, write_picture
from fastnn.errors import InputError


def show(
    model: ModelArgument,
    data: DataArgument,
    count: Annotated[int, typer.Option(metavar="N", min=1, help="How many images.")] = 5,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only images that the model gets wrong.")] = False,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Choose the same images again. Without: new ones.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw to a .png, .svg or .pdf file instead of the terminal."),
    ] = None,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Show images with predicted and true label.

    Random images, of the test part where the data have one.

    Examples:
      fastnn show digits.safetensors digits
      fastnn show mnist.safetensors mnist --wrong --count 20 --out wrong.png
    """
    check_picture("--out", out, model)
    network = model_file.load(model, backend=backend)
    if network.classes is None:
        raise InputError("fastnn show needs a classifier; this model is a regression")
    if network.multilabel:
        raise InputError(
            "fastnn show needs one class an image; this model gives several labels: see fastnn predict"
        )
    rows = loading.for_testing(data, split=split, label=label, pixels=network.input_scale is not None)
    side = math.isqrt(rows.X.shape[1])
    if side * side != rows.X.shape[1]:
        raise InputError(
            f"{rows.name}: {rows.X.shape[1]} features are not a square image, such as 8 × 8 = 64"
        )

    predicted = network.predict_proba(rows.X).argmax(axis=1)
    true = network.checked_targets(rows.y, len(rows.X))
    chosen = _choose(predicted != true, count, wrong, seed)
    print(_announce(rows, len(chosen), count, wrong, int(np.sum(predicted != true))))
    if len(chosen) == 0:
        return
    images = rows.X[chosen].reshape(-1, side, side)
    captions = [
        f"predicted {network.classes[guess]}\ntrue {network.classes[truth]}"
        for guess, truth in zip(predicted[chosen], true[chosen], strict=True)
    ]
    _draw(images, captions, (predicted != true)[chosen], out)


def _choose(mistakes: Array, count: int, wrong: bool, seed: int | None) -> Array:
    """Up to `count` random rows, in the order drawn; only mistakes if `wrong`."""
    candidates = np.flatnonzero(mistakes) if wrong else np.arange(len(mistakes))
    return np.random.default_rng(seed).permutation(candidates)[:count]


def _announce(rows: loading.Rows, n_chosen: int, count: int, wrong: bool, n_wrong: int) -> str:
    where = f"{rows.name} ({len(rows.X)} rows)"
    if wrong and n_wrong == 0:
        return f"{where}: every image is classified correctly"
    if wrong and n_chosen < count:
        return f"{where}: only {n_wrong} of the images {'is' if n_wrong == 1 else 'are'} classified wrongly"
    return (
        f"{where}: {n_wrong} classified wrongly, {n_chosen} of them shown"
        if wrong
        else (f"{where}: {n_chosen} shown, {n_wrong} of all classified wrongly")
    )


def _draw(images: Array, captions: list[str], wrong: Array, out: Path | None) -> None:
    if out is None:
        width = shutil.get_terminal_size().columns
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(terminal.draw(images, captions, wrong=wrong, width=width, colour=colour))
        return
    write_picture("--out", out, partial(plots.plot_samples, images, captions, wrong=wrong))
    print(f"picture written to {out}")
