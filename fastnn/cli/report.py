"""`fastnn report`: everything about a model on a data set, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastnn import datasets, inputs, model_file, plots
from fastnn.cli import data as loading
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, ModelArgument, SplitOption
from fastnn.cli.output import check_writable, write_text
from fastnn.errors import FastnnError
from fastnn.network import Network
from fastnn.trainer.record_of_training import data_digests

SOME_SEEN = "These are all rows of the data: the model may have been trained on some of them."


def report(
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The HTML file to write.", show_default=False)],
    count: Annotated[int, typer.Option(metavar="N", min=1, help="How many mistakes to show.")] = 24,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Write a report on a model as one HTML file.

    Summary, data, learning curves, confusion matrix, each class, mistakes, timings, and the command that
    trains the same model again. The file needs no network and no script, on screens of any size. The rows are
    the test part of the data; of a file without one those that fastnn train held out of it, else all of them.

    Examples:
      fastnn report digits.safetensors digits --out report.html
      fastnn report flowers.safetensors flowers.csv --label species --out report.html
    """
    check_writable("--out", out, model, data)
    plots.require_matplotlib()
    from fastnn import report as reporting  # here, for matplotlib is only needed by this command

    network = model_file.load(model, backend=backend)
    rows, about = _rows(network, data, split, label)
    page = reporting.html(
        network,
        rows.X,
        rows.y,
        name=model.name,
        data=rows.name,
        about_data=about,
        feature_names=datasets.feature_names(data, label=label),
        count=count,
    )
    write_text(out, page)
    print(f"report written to {out}")


def _rows(network: Network, data: str, split: str | None, label: str | None) -> tuple[loading.Rows, str]:
    """(the rows to report on, a sentence on them)."""
    if split is None and "test" not in datasets.splits(data):
        held_out = _held_out(network, data, label)
        if held_out is not None:
            return held_out, "These rows were held out when the model was trained."
    rows = loading.for_testing(data, split=split, label=label, pixels=network.input_scale is not None)
    return rows, SOME_SEEN if rows.name.endswith("all rows") else ""


def _held_out(network: Network, data: str, label: str | None) -> loading.Rows | None:
    """The rows that `fastnn train` held out of the very same file for the very same model, or None."""
    origin, seed = network.history.origin, network.history.settings.get("seed")
    if origin is None or "held_out" not in origin.data or not isinstance(seed, int):
        return None
    try:
        trained, held_out = loading.for_training(
            data, label=label, test=float(origin.data["held_out"]), loss=network.loss_name, seed=seed
        )
        table = inputs.features(trained.X, dtype=None)
        digests = data_digests(table, network.checked_targets(trained.y, len(table)))
    except (FastnnError, ValueError):  # other data than it was trained on
        return None
    same = all(origin.data.get(name) == digest for name, digest in digests.items())
    return held_out if same else None
