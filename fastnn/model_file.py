"""Model files: one safetensors file with the weights and, as metadata, all else a model needs to predict.

A model file is data: reading it runs nothing. The same model gives the same bytes: there is no date in it,
and the metadata are one JSON string, because the format's writer does not fix the order of several.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import backends
from fastnn.backends import Array
from fastnn.errors import ModelFileError
from fastnn.network import Network
from fastnn.whole_file import write_whole

FORMAT = 1
_LABEL_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "str"}


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write `network` to `path`, whole or not at all; an older file there is replaced."""
    from safetensors.numpy import save as to_bytes

    tensors = {}
    for layer, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        tensors[f"weights.{layer}"], tensors[f"biases.{layer}"] = W, b
    content = to_bytes(tensors, metadata={"fastnn": json.dumps(_description(network))})
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise ModelFileError(f"cannot write {path}: {error.strerror}") from None


def load(path: str | PathLike[str], *, backend: str = "auto") -> Network:
    """Read a model written by `save`: it predicts to the same bits on the same backend and machine.

    Raises ModelFileError, one line, for a file that is missing, damaged, or not a fastnn model.
    """
    path = Path(path)
    backend, _ = backends.get(backend)
    description, tensors = _read(path)
    try:
        return _network(description, tensors, backend)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = (
            f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error).splitlines()[0]
        )
        raise ModelFileError(f"{path} is not a whole fastnn model: {reason}") from None


def _description(network: Network) -> dict[str, Any]:
    from fastnn import __version__

    return {
        "format": FORMAT,
        "version": __version__,
        "sizes": list(network.sizes),
        "activation": network.activation,
        "loss": network.loss_name,
        "dtype": str(network.dtype),
        "input_scale": network.input_scale,
        "classes": None if network.classes is None else _classes_to_json(network.classes),
    }


def _classes_to_json(classes: Array) -> dict[str, Any]:
    return {"dtype": classes.dtype.str, "labels": classes.tolist()}


def _classes_from_json(stored: dict[str, Any]) -> Array:
    dtype = np.dtype(stored["dtype"])
    if dtype.kind not in _LABEL_KINDS:
        raise ValueError(f"labels of dtype {dtype} are not allowed")
    kind = {"bool": bool, "int": int, "float": float, "str": str}[_LABEL_KINDS[dtype.kind]]
    if not all(type(label) is kind for label in stored["labels"]):
        raise ValueError(f"labels are not all {kind.__name__}")
    classes: Array = np.array(stored["labels"], dtype=dtype)
    return classes


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        what = "is a folder, not a model file" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {what}; models are written by model.save(path) or fastnn train --out")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if "fastnn" not in metadata:
                raise ModelFileError(f"{path} is a safetensors file, but not one written by fastnn")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        description = json.loads(metadata["fastnn"])
    except (SafetensorError, OSError, json.JSONDecodeError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"{path} is damaged or not a safetensors file: {str(error).splitlines()[0]}"
        ) from None
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ModelFileError(f"{path} is not a fastnn model: its description is not readable")
    if description["format"] > FORMAT:
        raise ModelFileError(
            f"{path} has format {description['format']}, written by fastnn {description.get('version')}; "
            f"this version reads up to format {FORMAT}: upgrade fastnn"
        )
    return description, tensors


def _network(description: dict[str, Any], tensors: dict[str, Array], backend: str) -> Network:
    n_layers = len(description["sizes"]) - 1
    weights = [tensors.pop(f"weights.{layer}") for layer in range(n_layers)]
    biases = [tensors.pop(f"biases.{layer}") for layer in range(n_layers)]
    if tensors:
        raise ValueError(f"unknown tensors {', '.join(sorted(tensors))}")
    if not all(np.isfinite(values).all() for values in [*weights, *biases]):
        raise ValueError("its weights are not all finite numbers")
    scale = description["input_scale"]
    if scale is not None and not (isinstance(scale, int | float) and np.isfinite(scale) and scale > 0):
        raise ValueError(f"input_scale is {scale!r}")
    classes = description["classes"]
    if (classes is None) != (description["loss"] == "squared_error"):
        raise ValueError("a classifier needs its classes, and only a classifier has some")
    network = Network(
        weights,
        biases,
        activation=description["activation"],
        loss=description["loss"],
        classes=None if classes is None else _classes_from_json(classes),
        input_scale=scale,
        backend=backend,
    )
    if list(network.sizes) != description["sizes"] or str(network.dtype) != description["dtype"]:
        raise ValueError(f"its arrays are {network.sizes} {network.dtype}, its description says otherwise")
    return network
