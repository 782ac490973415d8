"""Model files: one safetensors file with the weights and, as metadata, all else a model needs to predict.

A model file is data: reading it runs nothing. The same model gives the same bytes: there is no date in it,
and the metadata are one JSON string, because the format's writer does not fix the order of several.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import backends, inputs
from fastnn.backends import Array
from fastnn.errors import ModelFileError
from fastnn.inputs.options import first_line
from fastnn.network import Network
from fastnn.whole_file import write_whole

FORMAT = 2  # 1 had one activation for all hidden layers
TRAINING = "training."  # how the names of arrays begin that a checkpoint has beside the model's
# What reading values raises that are not what they should be.
UNFIT = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
_LABEL_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "str"}


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write `network` to `path`, whole or not at all; an older file there is replaced."""
    from safetensors.numpy import save as to_bytes

    content = to_bytes(tensors_of(network), metadata={"fastnn": json.dumps(describe(network))})
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise ModelFileError(f"cannot write {path}: {error.strerror}") from None


def load(path: str | PathLike[str], *, backend: str = "auto") -> Network:
    """Read a model written by `save`: it predicts to the same bits on the same backend and machine.

    Of a checkpoint, `train(..., checkpoint=path)`, it reads the model that train() would have returned after
    that epoch: the best one's weights with early stopping, else the last one's.

    Raises ModelFileError, one line, for a file that is missing, damaged, or not a fastnn model.
    """
    path = Path(path)
    backend, _ = backends.get(backend)
    description, tensors = read(path)
    try:
        return _network(description, _of_model(description, tensors), backend)
    except UNFIT as error:
        raise ModelFileError(f"{path} is not a whole fastnn model: {why_unfit(error)}") from None


def tensors_of(network: Network) -> dict[str, Array]:
    """The arrays of a model, by their names in the file."""
    tensors = {}
    for layer, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        tensors[f"weights.{layer}"], tensors[f"biases.{layer}"] = W, b
    if network.standardisation is not None:
        tensors["input_mean"] = network.standardisation.mean
        tensors["input_deviation"] = network.standardisation.deviation
    return tensors


def describe(network: Network) -> dict[str, Any]:
    """All else a model needs to predict, as JSON values."""
    from fastnn import __version__

    return {
        "format": FORMAT,
        "version": __version__,
        "sizes": list(network.sizes),
        "activations": list(network.activations),
        "huber_delta": network.huber_delta,
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


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """(description, arrays by name) of a model or checkpoint file, not yet looked at; or ModelFileError."""
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
    except ModelFileError:
        raise
    except (SafetensorError, OSError, ValueError, RecursionError, TypeError, AttributeError) as error:
        raise ModelFileError(
            f"{path} is damaged or not a safetensors file: {str(error).splitlines()[0]}"
        ) from None
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise ModelFileError(f"{path} is not a fastnn model: its description is not readable")
    checked = "digest" in metadata or "checkpoint" in description
    if checked and metadata.get("digest") != digest(metadata["fastnn"], tensors):
        raise ModelFileError(f"{path} is damaged: its content does not fit its checksum")
    if description["format"] > FORMAT:
        raise ModelFileError(
            f"{path} has format {description['format']}, written by fastnn {description.get('version')}; "
            f"this version reads up to format {FORMAT}: upgrade fastnn"
        )
    return description, tensors


def digest(description: str, tensors: Mapping[str, Array]) -> str:
    """A checksum of a file's content, which checkpoints carry."""
    content = hashlib.blake2b(description.encode(), digest_size=16)
    for name in sorted(tensors):
        array = tensors[name]
        content.update(f"{name} {array.dtype.str} {array.shape}".encode())
        content.update(array.tobytes())
    return content.hexdigest()


def why_unfit(error: Exception) -> str:
    """What an exception of `UNFIT` says about the file in which the values were found, on one line."""
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else first_line(error)


def _of_model(description: dict[str, Any], tensors: dict[str, Array]) -> dict[str, Array]:
    """A checkpoint's arrays without those of the training, and with the weights that were the best."""
    if "checkpoint" not in description:
        return tensors
    found = {name: array for name, array in tensors.items() if not name.startswith(TRAINING)}
    best = description["checkpoint"]["best"]
    if best is not None:
        found |= {name: tensors[best + name] for name in found if name.startswith(("weights.", "biases."))}
    return found


def _network(description: dict[str, Any], tensors: dict[str, Array], backend: str) -> Network:
    n_layers = len(description["sizes"]) - 1
    weights = [tensors.pop(f"weights.{layer}") for layer in range(n_layers)]
    biases = [tensors.pop(f"biases.{layer}") for layer in range(n_layers)]
    mean, deviation = tensors.pop("input_mean", None), tensors.pop("input_deviation", None)
    if tensors:
        raise ValueError(f"unknown tensors {', '.join(sorted(tensors))}")
    if not all(np.isfinite(values).all() for values in [*weights, *biases]):
        raise ValueError("its weights are not all finite numbers")
    scale = description["input_scale"]
    if scale is not None and not (isinstance(scale, int | float) and np.isfinite(scale) and scale > 0):
        raise ValueError(f"input_scale is {scale!r}")
    classes = description["classes"]
    if (classes is None) != (description["loss"] not in inputs.CLASSIFIER_LOSSES):
        raise ValueError("a classifier needs its classes, and only a classifier has some")
    network = Network(
        weights,
        biases,
        activation=description["activation" if description["format"] == 1 else "activations"],
        huber_delta=description.get("huber_delta", 1.0),
        loss=description["loss"],
        classes=None if classes is None else _classes_from_json(classes),
        input_scale=scale,
        input_mean=mean,
        input_deviation=deviation,
        backend=backend,
    )
    if list(network.sizes) != description["sizes"] or str(network.dtype) != description["dtype"]:
        raise ValueError(f"its arrays are {network.sizes} {network.dtype}, its description says otherwise")
    return network
