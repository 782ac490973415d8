"""A network described as a table: its layers, and what it takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastnn.network import Network

# What follows the last, linear layer; of the other losses nothing does.
OUTPUT_ACTIVATIONS = {"cross_entropy": "softmax", "binary_cross_entropy": "logistic", "poisson": "exp"}
HEADER = ("layer", "shape", "activation", "parameters")


def summary(network: Network) -> str:
    """A line for each layer, their total, and below them loss, outputs, input and dtype."""
    told = facts(network)
    width = max(len(name) for name, _ in told)
    lines = _aligned([HEADER, *layers(network)])
    return "\n".join([*lines, "", *(f"{name:{width}}  {value}" for name, value in told)])


def layers(network: Network) -> list[tuple[str, ...]]:
    """The cells of a row for each layer, and one for their total, under HEADER."""
    activations = [*network.activations, OUTPUT_ACTIVATIONS.get(network.loss_name, "identity")]
    rows = []
    for layer, (W, b) in enumerate(zip(network.weights, network.biases, strict=True), start=1):
        shape = f"{W.shape[0]} × {W.shape[1]}"
        rows.append((str(layer), shape, activations[layer - 1], f"{W.size + b.size:,}"))
    return [*rows, ("total", "", "", f"{network.n_parameters:,}")]


def facts(network: Network) -> list[tuple[str, str]]:
    """Loss, outputs, input and dtype: what each is called, and what it is."""
    return [
        ("loss", network.loss_name),
        ("outputs", _outputs(network)),
        ("input", _input(network)),
        ("dtype", str(network.dtype)),
    ]


def _outputs(network: Network) -> str:
    n_outputs = network.sizes[-1]
    if network.classes is None:
        return f"{n_outputs} ({'number' if n_outputs == 1 else 'numbers'})"
    return f"{n_outputs} ({'labels, each a yes or no' if network.multilabel else 'classes'})"


def _input(network: Network) -> str:
    text = f"{network.sizes[0]} features"
    if network.input_scale is not None:
        text += f", uint8 × 1/{1 / network.input_scale:g}"
    return text if network.input_mean is None else f"{text}, standardised"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell, all to the left but the last, which holds numbers."""
    *widths, last = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(last)]) for row in rows]
