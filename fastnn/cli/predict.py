"""`fastnn predict`: the predictions of a saved model for the rows of a file, or for pictures, as CSV."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from fastnn import datasets, model_file
from fastnn.backends import Array
from fastnn.cli import pictures
from fastnn.cli.options import BackendOption, ModelArgument
from fastnn.cli.output import check_writable, write_text
from fastnn.errors import InputError
from fastnn.network import Network


def predict(
    model: ModelArgument,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Rows to predict: CSV, .npz, .npy or IDX. Or one or more pictures of a digit each: PNG, "
            "JPEG, GIF, BMP, TIFF, WebP or PNM.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the CSV to a file instead of the screen.")
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add a column of probabilities for each class, as pictures have.")
    ] = False,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="A column of a CSV file to leave out. Without: a file of one column more than the model's "
            'features has "label", else its first, left out.',
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Draw what the network saw of each picture, in the terminal.")
    ] = False,
    backend: BackendOption = "auto",
) -> None:
    """Predict every row of a file, or the digits in pictures, as CSV.

    The columns are row (counted from 1) and prediction, then with --proba one for each class. Where a row may
    have several labels, or a regression several outputs, they are prediction_0, prediction_1 and so on.

    Of pictures they are file, prediction and the probability of each class. The digit is found in the
    picture, whatever its size and colours; the model must be one of MNIST (784 features) or digits (64). A
    picture that cannot be read, or shows no digit, is one line on stderr, and the exit status is 2; the
    others are predicted.

    Examples:
      fastnn predict digits.safetensors images.csv
      fastnn predict digits.safetensors images.npz --proba --out labels.csv
      fastnn predict mnist.safetensors seven.png photo.jpg --show
    """
    check_writable("--out", out, *files, model)
    network = model_file.load(model, backend=backend)
    if pictures.are_pictures(files):
        if label is not None:
            raise InputError(f"--label {label}: only a CSV file has a label column to leave out")
        pictures.predict(network, files, out=out, show=show)
        return
    if show:
        raise InputError("--show draws pictures, such as digit.png; for rows of a data set see fastnn show")
    file = files[0]
    if proba and network.classes is None:
        raise InputError("--proba needs a classifier; this model is a regression")
    X = datasets.load_features(file, network.sizes[0], label, network.input_scale is not None)
    if out is None:
        # Row by row: with PYTHONUNBUFFERED one large write to a pipe that closes is cut without an error.
        _write_csv(sys.stdout, _table(network, X, proba))
        return
    text = io.StringIO(newline="")
    _write_csv(text, _table(network, X, proba))
    write_text(out, text.getvalue())


def _write_csv(file: TextIO, rows: Iterator[list[Any]]) -> None:
    csv.writer(file, lineterminator="\n").writerows(rows)


def _table(network: Network, X: Array, proba: bool) -> Iterator[list[Any]]:
    """The header and the rows."""
    if network.classes is None:
        yield from _plain_table([("prediction", network.predict(X))])
        return
    if network.multilabel:
        columns = [("prediction", network.predict(X))]
        yield from _plain_table([*columns, ("probability", network.predict_proba(X))] if proba else columns)
        return
    probabilities = network.predict_proba(X)
    labels = network.classes[probabilities.argmax(axis=1)]
    # str() of a NumPy number is the shortest text that reads back to the same number.
    yield ["row", "prediction", *(str(label) for label in network.classes if proba)]
    for row, (label, shares) in enumerate(zip(labels, probabilities, strict=True), 1):
        yield [row, str(label), *(str(share) for share in shares if proba)]


def _plain_table(parts: list[tuple[str, Array]]) -> Iterator[list[Any]]:
    """Columns called name, or name_0, name_1, … where a part has several."""
    header, columns = ["row"], []
    for name, values in parts:
        columns.append(values.reshape(len(values), -1))
        width = columns[-1].shape[1]
        header += [name] if width == 1 else [f"{name}_{i}" for i in range(width)]
    yield header
    for row, cells in enumerate(zip(*columns, strict=True), 1):
        yield [row, *(str(value) for part in cells for value in part)]
