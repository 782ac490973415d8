"""What must be the same when a training is resumed, as names and short JSON values that can be told apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastnn.backends import Array

if TYPE_CHECKING:
    from fastnn.network import Network
    from fastnn.run_settings import RunSettings
    from fastnn.trainer.loop import Data, Training

# Of larger arrays, rows spread evenly over the whole are looked at: about so many bytes.
BYTES = 1 << 22
# How a digest begins: in messages it says nothing, so it is not shown.
DIGEST = "digest "
# What differs wherever certain others do, and is only worth telling when none of them does.
CONSEQUENCES = ("choice of rows", "initial")


def of(training: Training, settings: RunSettings, data: Data, held_out: Data | None) -> dict[str, Any]:
    """Every setting that decides how a training goes on, and digests of what it is trained on.

    Not among them: backend, threads, whatever only watches, and, but for schedules that stretch over them,
    epochs.
    """
    return {
        **_of_network(training.network),
        "optimizer": _shown(settings.optimizer),
        **_as_json(asdict(settings.regularisation)),
        "batch_size": settings.batch_size,
        "learning_rate": training.learning_rate,
        "schedule": _shown(training.schedule),
        "epochs": training.epochs if training.schedule.knows_epochs else None,
        "monitor": training.monitor,
        "measured": sorted(training.directions),
        "rows": len(data.rows),
        "X": digest(data.X),
        "y": digest(data.y),
        "sample_weight": digest(data.weights),
        "validation": None if held_out is None else _of_data(held_out),
        "choice of rows": digest(data.rows),
        "initial": _of_weights(training.network),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What is not the same, as one line; "" where everything is."""
    names = [name for name in now if name not in before or before[name] != now[name]]
    names = [name for name in names if name not in CONSEQUENCES] or names
    return "; ".join(f"{name} {_change(before.get(name), now[name])}" for name in names)


def _change(before: Any, now: Any) -> str:
    digests = any(str(value).startswith(DIGEST) for value in (before, now))
    return "is other" if digests else f"was {before} and is {now}"


def digest(array: Array | None, most: int = BYTES) -> str | None:
    """Shape, type and content of an array in a few letters; of one of more bytes, of some of its rows."""
    if array is None:
        return None
    step = max(1, array.nbytes // most)
    content = hashlib.blake2b(f"{array.dtype.str} {array.shape}".encode(), digest_size=8)
    for chosen in (array[::step], array[-1:]):
        content.update(chosen.tobytes())
    return DIGEST + content.hexdigest()


def _of_network(network: Network) -> dict[str, Any]:
    return {
        "layers": list(network.sizes),
        "activation": list(network.activations),
        "loss": network.loss_name,
        "huber_delta": network.huber_delta,
        "dtype": str(network.dtype),
        "classes": None if network.classes is None else _of_classes(network.classes),
        "standardize": network.standardisation is not None,
    }


def _of_weights(network: Network) -> str:
    return DIGEST + " ".join(str(digest(array)) for array in (*network.weights, *network.biases))


def _of_classes(classes: Array) -> str:
    return (
        DIGEST
        + hashlib.blake2b(repr((classes.dtype.str, classes.tolist())).encode(), digest_size=8).hexdigest()
    )


def _of_data(data: Data) -> str:
    return DIGEST + " ".join(str(digest(array)) for array in (data.X, data.y, data.weights))


def _shown(settings: Any) -> str:
    """A dataclass with its values; functions in it without their addresses, which are new each time."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(settings))


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
