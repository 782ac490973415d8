"""`fastnn predict` of pictures: a line of CSV for each, and what the network saw, in block characters."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer

from fastnn import images, terminal
from fastnn.backends import Array
from fastnn.cli.output import write_text
from fastnn.errors import DataError, InputError
from fastnn.network import Network


def are_pictures(files: Sequence[Path]) -> bool:
    """Whether the files are pictures, rather than one table; InputError for a mixture, or several tables."""
    kinds = [images.is_picture(file) for file in files]
    if len(files) > 1 and not all(kinds):
        other = files[kinds.index(False)]
        raise InputError(f"{other} is no picture; give one file of rows, or one or more pictures")
    return all(kinds)


def predict(network: Network, files: Sequence[Path], *, out: Path | None, show: bool) -> None:
    """Print or write the table, then draw; exit status 2 where a file failed, after all others were done."""
    images.pixels_for(network)
    seen = {file: pixels for file in dict.fromkeys(files) if (pixels := _digit(file, network)) is not None}
    good = [file for file in files if file in seen]
    if good:
        pixels = np.stack([seen[file] for file in good])
        probabilities = network.predict_proba(pixels.reshape(len(good), -1))
        text = _table(network, good, probabilities)
        if out is None:
            # Line by line, as in predict.py: a large write to a pipe that closes may be cut without an error.
            sys.stdout.writelines(text.splitlines(keepends=True))
        else:
            write_text(out, text)
        if show:
            print(("" if out else "\n") + _drawing(network, good, pixels, probabilities))
    if len(good) < len(files):
        raise typer.Exit(2)


def _digit(file: Path, network: Network) -> Array | None:
    try:
        return images.digit(file, network)
    except DataError as error:
        print(f"fastnn: {error}", file=sys.stderr)
        return None


def _table(network: Network, files: Sequence[Path], probabilities: Array) -> str:
    assert network.classes is not None
    labels = network.classes[probabilities.argmax(axis=1)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "prediction", *(str(label) for label in network.classes)])
    for file, label, shares in zip(files, labels, probabilities, strict=True):
        writer.writerow([str(file), str(label), *(f"{share:.4f}" for share in shares)])
    return text.getvalue()


def _drawing(network: Network, files: Sequence[Path], pixels: Array, probabilities: Array) -> str:
    assert network.classes is not None
    captions = []
    for file, shares in zip(files, 100 * probabilities, strict=True):
        likeliest = np.argsort(-shares, kind="stable")[:3]
        captions.append(
            "\n".join([file.name, *(f"{network.classes[k]}  {shares[k]:.1f} %" for k in likeliest)])
        )
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return terminal.draw(pixels, captions, width=shutil.get_terminal_size().columns, colour=colour)
