"""Model files: one safetensors file with the weights and, as metadata, all else a model needs to predict.

The record of the training is there too, as `record_of_training` writes it. A model file is data: reading it
runs nothing. The same model gives the same bytes: there is no date in it, and the metadata are one JSON
string, because the format's writer does not fix the order of several.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fastnn import backends, inputs
from fastnn.alignment import on_a_line
from fastnn.backends import Array
from fastnn.errors import ModelFileError
from fastnn.history import History
from fastnn.inputs.options import first_line
from fastnn.network import Network
from fastnn.trainer import record_of_training
from fastnn.whole_file import write_whole

FORMAT = 2  # 1 had one activation for all hidden layers
TRAINING = "training."  # how the names of arrays begin that a checkpoint has beside the model's
# What reading values raises that are not what they should be.
UNFIT = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
# Memory for labels of a fixed width that even a file with few of them may ask for.
LABEL_BYTES = 1 << 24
_LABEL_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "str"}


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write `network` to `path`, whole or not at all; an older file there is replaced."""
    from safetensors.numpy import save as to_bytes

    path = inputs.file_path("path", path)
    content = to_bytes(tensors_of(network), metadata={"fastnn": json.dumps(describe(network))})
    try:
        write_whole(path, content)
    except (OSError, UnicodeError) as error:
        raise ModelFileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def load(path: str | PathLike[str], *, backend: str = "auto") -> Network:
    """Read a model written by `save`: it predicts to the same bits on the same backend and machine.

    Of a checkpoint, `train(..., checkpoint=path)`, it reads the model that train() would have returned after
    that epoch: the best one's weights with early stopping, else the last one's.

    Raises ModelFileError, one line, for a file that is missing, damaged, or not a fastnn model.
    """
    path = inputs.file_path("path", path)
    backend, _ = backends.get(backend)
    description, tensors = read(path)
    try:
        network = _network(description, _of_model(description, tensors), backend)
        network.history = _history(description, tensors)
        return network
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


def describe(network: Network, *, columns: bool = True) -> dict[str, Any]:
    """All else a model needs to predict, and the record of its training, as JSON values.

    columns   whether the record has the numbers of every epoch
    """
    from fastnn import __version__

    training = record_of_training.to_json(network.history, columns=columns)
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
        **({} if training is None else {"training": training}),
    }


def _classes_to_json(classes: Array) -> dict[str, Any]:
    return {"dtype": classes.dtype.str, "labels": classes.tolist()}


def _classes_from_json(stored: dict[str, Any]) -> Array:
    labels = stored["labels"]
    if not isinstance(stored["dtype"], str) or not isinstance(labels, list):
        raise ValueError("its labels are no list with a dtype")
    dtype = np.dtype(stored["dtype"])
    if dtype.kind not in _LABEL_KINDS:
        raise ValueError(f"labels of dtype {dtype} are not allowed")
    kind = {"bool": bool, "int": int, "float": float, "str": str}[_LABEL_KINDS[dtype.kind]]
    if not all(type(label) is kind for label in labels):
        raise ValueError(f"labels are not all {kind.__name__}")
    if dtype.kind == "U" and dtype.itemsize * len(labels) > LABEL_BYTES + 16 * sum(map(len, labels)):
        raise ValueError(f"labels of dtype {dtype} would take far more memory than the file has text")
    classes: Array = np.array(labels, dtype=dtype)
    return classes


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """(description, arrays by name) of a model or checkpoint file, not yet looked at; or ModelFileError."""
    from safetensors import SafetensorError, safe_open

    _check_is_file(path)
    try:
        with safe_open(path, framework="numpy") as file:
            _check_header(path)
            metadata = file.metadata() or {}
            if "fastnn" not in metadata:
                raise ModelFileError(f"{path} is a safetensors file, but not one written by fastnn")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        description = json.loads(metadata["fastnn"], object_pairs_hook=_without_repeats)
    except ModelFileError:
        raise
    except (SafetensorError, OSError, ValueError, RecursionError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path} is damaged or not a safetensors file: {first_line(error)}") from None
    if not isinstance(description, dict) or not _is_format(description.get("format")):
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


def _check_is_file(path: Path) -> None:
    try:
        if path.is_file():
            return
        what = "is a folder, not a model file" if path.is_dir() else "does not exist"
        if path.exists() and not path.is_dir():
            what = "is not an ordinary file"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    raise ModelFileError(f"{path} {what}; models are written by model.save(path) or fastnn train --out")


def _check_header(path: Path) -> None:
    """ValueError where a name comes twice in a file's header, of which readers take one or the other."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")  # as it was opened, this is within the file
        json.loads(file.read(length), object_pairs_hook=_without_repeats)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, or ValueError where a name comes twice in it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {name!r} comes twice")
    return found


def _is_format(value: Any) -> bool:
    return type(value) is int and value > 0


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


def _history(description: dict[str, Any], tensors: dict[str, Array]) -> History:
    """The record of the training; the numbers of a checkpoint are among its arrays."""
    record = description.get("training")
    if "checkpoint" in description:
        values = description["checkpoint"]["training"]
        columns = {name: tensors[f"{TRAINING}history.{name}"].tolist() for name in values["columns"]}
        told = {name: values[name] for name in ("settings", "stop_reason", "best_epoch")}
        record = {**(record or {}), **told, "columns": columns}
    return record_of_training.from_json(record)


def _network(description: dict[str, Any], tensors: dict[str, Array], backend: str) -> Network:
    n_layers = len(description["sizes"]) - 1
    weights = [tensors.pop(f"weights.{layer}") for layer in range(n_layers)]
    biases = [tensors.pop(f"biases.{layer}") for layer in range(n_layers)]
    mean, deviation = tensors.pop("input_mean", None), tensors.pop("input_deviation", None)
    if tensors:
        raise ValueError(f"unknown tensors {', '.join(sorted(tensors))}")
    if not all(np.isfinite(values).all() for values in [*weights, *biases]):
        raise ValueError("its weights are not all finite numbers")
    classes = description["classes"]
    if (classes is None) != (description["loss"] not in inputs.CLASSIFIER_LOSSES):
        raise ValueError("a classifier needs its classes, and only a classifier has some")
    network = Network(
        [on_a_line(W, W.dtype) for W in weights],
        biases,
        activation=description["activation" if description["format"] == 1 else "activations"],
        huber_delta=description.get("huber_delta", 1.0),
        loss=description["loss"],
        classes=None if classes is None else _classes_from_json(classes),
        input_scale=description["input_scale"],
        input_mean=mean,
        input_deviation=deviation,
        backend=backend,
    )
    if list(network.sizes) != description["sizes"] or str(network.dtype) != description["dtype"]:
        raise ValueError(f"its arrays are {network.sizes} {network.dtype}, its description says otherwise")
    return network
