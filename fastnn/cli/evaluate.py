"""`fastnn evaluate`: how good a saved model is on a data set, class by class."""

from __future__ import annotations

from fastnn import backends, model_file, reports
from fastnn.cli import data as loading
from fastnn.cli.options import BackendOption, DataArgument, LabelOption, ModelArgument, SplitOption


def evaluate(
    model: ModelArgument,
    data: DataArgument,
    split: SplitOption = None,
    label: LabelOption = None,
    backend: BackendOption = "auto",
) -> None:
    """Say how good a model is, class by class.

    Prints accuracy, loss, precision and recall of each class, and the confusion matrix; for a regression R²,
    loss, and mean absolute error.

    Examples:
      fastnn evaluate digits.safetensors digits
      fastnn evaluate flowers.safetensors flowers.csv --label species
    """
    network = model_file.load(model, backend=backend)
    rows = loading.for_testing(data, split=split, label=label, pixels=network.input_scale is not None)
    # Before the first line: what does not fit must end in an error alone.
    report = reports.report(network, rows.X, rows.y)
    sizes = "-".join(str(size) for size in network.sizes)
    print(f"model  {model.name}: {sizes} {network.activation}, {backends.get(backend)[0]} backend")
    print(f"data   {rows.name}: {len(rows.X)} rows")
    print()
    print(report)
