"""`fastnn export`: a saved model in a format that other programs run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fastnn import model_file
from fastnn.cli.options import ModelArgument
from fastnn.cli.output import check_writable


def export(
    model: ModelArgument,
    onnx: Annotated[
        Path, typer.Option("--onnx", metavar="FILE", help="The ONNX file to write.", show_default=False)
    ],
) -> None:
    """Write a model as an ONNX file, for other programs to run.

    The file scales its input as the model does, and gives labels and probabilities, or of a regression the
    outputs. A model of images takes uint8, 0 to 255.

    Examples:
      fastnn export digits.safetensors --onnx digits.onnx
    """
    check_writable("--onnx", onnx, model)
    network = model_file.load(model)
    network.to_onnx(onnx)
    takes = "uint8" if network.input_scale is not None else str(network.dtype)
    gives = "outputs" if network.classes is None else "labels, probabilities"
    print(f"{onnx}: X {takes} (batch, {network.sizes[0]}) to {gives}")
