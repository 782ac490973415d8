"""How a model was trained, as text and numbers that its file can hold: the call, the data, the history.

Nothing in it depends on when or how fast a training ran: the same training gives the same record. So there
are no dates and no seconds in it, and no setting that does not decide the model, such as threads or verbose.
"""

from __future__ import annotations

import inspect
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from fastnn.history import History
from fastnn.inputs import Targets
from fastnn.trainer import fingerprint
from fastnn.trainer.examples import Examples
from fastnn.trainer.python_text import as_python

# Arguments of train() that are told in other ways, or do not decide what the model becomes.
NOT_TOLD = ("X", "y", "backend", "threads", "verbose", "checkpoint", "checkpoint_every", "resume")
# Columns of a history that are never twice the same.
MEASURED_TIMES = ("seconds",)
# Of longer histories, so many numbers are kept, from epochs spread evenly over the whole.
MOST_VALUES = 20_000
# Bytes of X that a digest looks at: fewer than a checkpoint's, for every training waits for it.
DIGESTED = 1 << 20
# JSON knows no such numbers.
NOT_FINITE = ("nan", "inf", "-inf")


@dataclass(frozen=True)
class Origin:
    """What was called, and on what.

    arguments   of `fastnn.train`, those that differ from its defaults: name -> Python, or a description in
                <> of what has no short Python, such as an array
    data        what it was trained on: rows, features, dtype, digests of X and y; its name, where it has one
    versions    of what took part: name -> version
    command     the words of the command line, () for a call from Python
    """

    arguments: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str | int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()

    @property
    def call(self) -> str:
        """The call of `fastnn.train` as Python."""
        return f"fastnn.train({', '.join(['X', 'y', *(f'{n}={v}' for n, v in self.arguments.items())])})"

    @property
    def whole(self) -> bool:
        """Whether command or call say all: no argument is only described."""
        return bool(self.command) or not any(value.startswith("<") for value in self.arguments.values())


def origin(given: Mapping[str, Any], backend: str, examples: Examples, targets: Targets) -> Origin:
    """The record of a call of `train` with the arguments `given`, of which "backend" came to `backend`."""
    arguments = {
        name: text
        for name, value in given.items()
        if name not in NOT_TOLD and (text := as_python(value)) != _defaults()[name]
    }
    if backend != "numba":
        arguments["backend"] = as_python(backend)
    return Origin(arguments, _of_data(examples, targets), _versions(backend))


def data_digests(table: Any, values: Any) -> dict[str, str]:
    """Digests of features (n, n_features) of the caller's type and of checked targets, for `Origin.data`."""
    digests = {"X": fingerprint.digest(table, DIGESTED), "y": fingerprint.digest(values, DIGESTED)}
    return {name: str(text).removeprefix(fingerprint.DIGEST) for name, text in digests.items()}


def to_json(history: History, *, columns: bool = True) -> dict[str, Any] | None:
    """A history and its origin as JSON values, None for an empty one.

    columns   False leaves the numbers of the epochs out, for a file that has them elsewhere
    """
    if history.origin is None and not history.n_epochs:
        return None
    came = history.origin or Origin()
    rows = _kept_rows(history) if columns else []
    kept = {name: column for name, column in history.items() if columns and name not in MEASURED_TIMES}
    return {
        "settings": {name: _plain(value) for name, value in history.settings.items()},
        "stop_reason": history.stop_reason,
        "best_epoch": history.best_epoch,
        "epochs": [history.epochs[row] for row in rows] if columns and _is_thinned(history, rows) else None,
        "columns": {name: [_number_to_json(column[row]) for row in rows] for name, column in kept.items()},
        "command": list(came.command),
        "arguments": dict(came.arguments),
        "data": dict(came.data),
        "versions": dict(came.versions),
    }


def from_json(stored: Any) -> History:
    """The history that `to_json` wrote, or an exception of `model_file.UNFIT` for values that are none."""
    if stored is None:
        return History()
    record = _typed("training", stored, dict)
    history = History(_settings(record.get("settings", {})))
    columns = {
        name: [_number_from_json(name, value) for value in _typed(name, column, list)]
        for name, column in _typed("columns", record.get("columns", {}), dict).items()
    }
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("the columns of its history differ in length")
    best = record.get("best_epoch")
    history.carry_on(columns, None if best is None else _epoch("best_epoch", best), _epochs(record, columns))
    history.stop_reason = _typed("stop_reason", record.get("stop_reason", ""), str)
    words = [_typed("command", word, str) for word in _typed("command", record.get("command", []), list)]
    texts = {name: _texts(name, record.get(name, {})) for name in ("arguments", "data", "versions")}
    if any(texts.values()) or words:
        history.origin = Origin(**texts, command=tuple(words))
    return history


# ---- a call as text ---------------------------------------------------------------------------------------


@lru_cache
def _defaults() -> dict[str, str]:
    from fastnn.training import train

    return {name: as_python(option.default) for name, option in inspect.signature(train).parameters.items()}


def _of_data(examples: Examples, targets: Targets) -> dict[str, str | int]:
    table = examples.table
    described: dict[str, str | int] = {
        "rows": len(examples.rows),
        "features": int(table.shape[1]),
        "dtype": str(table.dtype),
        **data_digests(table, targets.values),
    }
    if len(examples.rows) < len(table):
        described["part"] = f"{len(examples.rows)} of {len(table)} rows"
    return described


def _versions(backend: str) -> dict[str, str]:
    from fastnn import __version__

    versions = {"fastnn": __version__, "Python": platform.python_version(), "NumPy": np.__version__}
    if backend == "numba" and "numba" in sys.modules:
        versions["Numba"] = str(sys.modules["numba"].__version__)
    return versions


# ---- numbers in JSON --------------------------------------------------------------------------------------


def _kept_rows(history: History) -> list[int]:
    """All rows, or of a long history some, evenly spread, with the first, the last and the best one."""
    most = max(3, MOST_VALUES // max(1, len(history)))
    if history.n_epochs <= most:
        return list(range(history.n_epochs))
    rows = set(np.linspace(0, history.n_epochs - 1, most - 1).round().astype(int).tolist())
    if history.best_epoch in history.epochs:
        rows.add(history.epochs.index(history.best_epoch))
    return sorted(rows)


def _is_thinned(history: History, rows: Sequence[int]) -> bool:
    return len(rows) < history.n_epochs or history.epochs != list(range(1, history.n_epochs + 1))


def _number_to_json(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _number_from_json(name: str, value: Any) -> float:
    if type(value) not in (int, float) and not (isinstance(value, str) and value in NOT_FINITE):
        raise ValueError(f"its history has {value!r:.60} in {name!r}, which is no number")
    return float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else as_python(value)


def _settings(stored: Any) -> dict[str, Any]:
    settings = _typed("settings", stored, dict)
    for name, value in settings.items():
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise ValueError(f"its setting {name!r} is {value!r:.60}, which is no number or text")
    return settings


def _epochs(record: Mapping[str, Any], columns: Mapping[str, list[float]]) -> list[int] | None:
    stored = record.get("epochs")
    if stored is None:
        return None
    epochs = [_epoch("epochs", epoch) for epoch in _typed("epochs", stored, list)]
    if any(len(column) != len(epochs) for column in columns.values()) or sorted(set(epochs)) != epochs:
        raise ValueError("the epochs of its history do not fit the columns")
    return epochs


def _epoch(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} is {value!r:.60} instead of the number of an epoch")
    return value


def _texts(name: str, stored: Any) -> dict[str, Any]:
    texts = _typed(name, stored, dict)
    for key, value in texts.items():
        if not isinstance(value, str) and not (name == "data" and type(value) is int):
            raise ValueError(f"{name} has {value!r:.60} for {key!r:.60}")
    return texts


def _typed(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {value!r:.60}, not a {kind.__name__}")
    return value
