"""Checkpoints: a training's state in one file after every epoch, and carrying on from it to the same bits.

A checkpoint is a model file (`fastnn.load` reads it) with the arrays and values of the training beside the
model's, and a checksum. Reading it runs nothing. It is written whole or not at all, so that a process killed
at any moment leaves the old or the new one.
"""

from __future__ import annotations

import json
import operator
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import inputs, model_file
from fastnn.backends import Array
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.errors import CheckpointError, InputError, ModelFileError
from fastnn.model_file import TRAINING, UNFIT, why_unfit
from fastnn.trainer import fingerprint, random_state
from fastnn.whole_file import check_writable, remove_unfinished, write_whole

if TYPE_CHECKING:
    from fastnn.network import Network
    from fastnn.trainer.loop import Training

FORMAT = 1


@dataclass(frozen=True)
class Saved:
    """A checkpoint as it was read: `values` and `arrays` are the training's, and have not been looked at."""

    path: Path
    values: Mapping[str, Any]
    arrays: Mapping[str, Array]

    @property
    def seed(self) -> int | None:
        """The int that train() was given as its seed, if it was one."""
        seed = self.values.get("seed")
        return seed if type(seed) is int else None

    @property
    def epoch(self) -> int:
        """Epochs trained."""
        epoch: int = self.values["training"]["epoch"]
        return epoch

    @contextmanager
    def being_read(self) -> Iterator[None]:
        """Turns what values that do not fit raise into a CheckpointError."""
        try:
            yield
        except CheckpointError:
            raise
        except UNFIT as error:
            raise CheckpointError(f"{self.path} is not a whole checkpoint: {why_unfit(error)}") from error


def read(path: str | PathLike[str]) -> Saved:
    """The checkpoint at `path`, or CheckpointError where there is none or it is damaged."""
    path = inputs.file_path("path", path)
    try:
        description, arrays = model_file.read(path)
    except ModelFileError as error:
        raise CheckpointError(str(error)) from None
    values = description.get("checkpoint")
    if not isinstance(values, dict) or type(values.get("format")) is not int:
        raise CheckpointError(f"{path} is not a checkpoint; it may be a model, which fastnn.load reads")
    if values["format"] > FORMAT:
        raise CheckpointError(
            f"{path} is a checkpoint of format {values['format']}, written by fastnn "
            f"{description.get('version')}; this version reads up to format {FORMAT}: upgrade fastnn"
        )
    saved = Saved(path, values, arrays)
    with saved.being_read():
        inputs.whole_number("epoch", saved.epoch, least=0)
    return saved


class Checkpoint(Callback):
    """Writes a training's state every so many epochs and at its end, and resumes one.

    It must be the last of the callbacks: what it writes holds the state of the others after the same epoch.

    path     of the file; an older checkpoint there is replaced at the end of the first epoch
    every    epochs between two writings
    resume   carry on from `path`, if it is there
    """

    def __init__(self, path: str | PathLike[str], every: int, *, resume: bool) -> None:
        self.path = inputs.file_path("checkpoint", path)
        self.every = inputs.whole_number("checkpoint_every", every)
        try:
            check_writable(self.path)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"checkpoint={fspath(path)!r} cannot be written: {why}") from None
        self._saved = read(self.path) if resume and self.path.exists() else None
        if self._saved is None and self.path.exists():
            self._check_replaceable()

    @classmethod
    def wanted(cls, path: Any, every: int, resume: bool) -> Checkpoint | None:
        """What train()'s arguments `checkpoint`, `checkpoint_every` and `resume` ask for, or InputError."""
        if not isinstance(resume, bool):
            raise InputError(f"resume={resume!r} must be True or False")
        if path is not None:
            return cls(path, every, resume=resume)
        if resume:
            raise InputError("resume=True needs checkpoint=, the file to carry on from")
        if every != 1:
            raise InputError(f"checkpoint_every={every!r} needs checkpoint=, the file to write")
        return None

    def generator(self, seed: Any) -> np.random.Generator:
        """The random generator for train()'s `seed`; None means that of the training which is resumed."""
        generator = inputs.generator(seed)
        self._seed = None if isinstance(seed, np.random.Generator | None) else operator.index(seed)
        if self._saved is not None and seed is None:
            with self._saved.being_read():
                generator, self._seed = (
                    random_state.from_json(self._saved.values["first_random"]),
                    self._saved.seed,
                )
        try:
            self._first_random = random_state.to_json(generator)
        except ValueError as error:
            raise InputError(f"seed={seed!r} cannot be kept in a checkpoint: {error}") from None
        return generator

    def attach(self, training: Training, callbacks: Sequence[Callback], settings: Mapping[str, Any]) -> None:
        """Say what is to be trained; a training that is resumed is brought into the saved state.

        callbacks   all others
        settings    what must be the same for a training to be resumed; see `fingerprint`
        """
        self._callbacks = [callback for callback in callbacks if type(callback).state is not Callback.state]
        self._settings = json.loads(json.dumps(settings, default=_plain))
        if self._saved is not None:
            with self._saved.being_read():
                self._check_same(self._saved)
                _put_into(training.network, self._saved)
                training.set_state(_within(TRAINING, self._saved.arrays), self._saved.values["training"])

    def start(self, training: Training) -> None:
        """Give the other callbacks their states back; learn now, not after an epoch, of one that has none."""
        remove_unfinished(self.path)
        for callback in self._callbacks:
            _state_of(callback)
        if self._saved is not None:
            with self._saved.being_read():
                _hand_out(self._saved, self._callbacks)
        self._saved = None

    def epoch_end(self, training: Training) -> None:
        """Write, when it is time."""
        if training.epoch % self.every == 0 or training.stopping:
            content = self._content(training)
            try:
                write_whole(self.path, content)
            except OSError as error:
                warnings.warn(
                    f"checkpoint {self.path} could not be written after epoch {training.epoch}: "
                    f"{error.strerror}; training goes on, and an older one is still there",
                    stacklevel=5,
                )

    def _content(self, training: Training) -> bytes:
        from safetensors.numpy import save as to_bytes

        arrays, values = training.state()
        best, callbacks = None, []
        for number, callback in enumerate(self._callbacks):
            own_arrays, own_values = _state_of(callback)
            callbacks.append({"name": _name(callback), "values": own_values})
            arrays |= {f"callbacks.{number}.{name}": array for name, array in own_arrays.items()}
            if isinstance(callback, EarlyStopping) and "weights.0" in own_arrays:
                best = f"{TRAINING}callbacks.{number}."
        tensors = model_file.tensors_of(training.network) | {TRAINING + name: a for name, a in arrays.items()}
        description = model_file.describe(training.network, columns=False)
        description["checkpoint"] = {
            "format": FORMAT,
            "seed": self._seed,
            "first_random": self._first_random,
            "settings": self._settings,
            "training": values,
            "callbacks": callbacks,
            "best": best,
        }
        text = json.dumps(description, default=_plain)
        tensors = {name: np.asarray(array, order="C") for name, array in tensors.items()}
        return bytes(to_bytes(tensors, metadata={"fastnn": text, "digest": model_file.digest(text, tensors)}))

    def _check_replaceable(self) -> None:
        try:
            read(self.path)
        except CheckpointError:
            raise InputError(
                f"checkpoint={fspath(self.path)!r} is there, but is no whole checkpoint, and is not "
                "replaced by one; remove it, or give another name"
            ) from None

    def _check_same(self, saved: Saved) -> None:
        before, now = dict(saved.values["settings"]), dict(self._settings)
        if saved.values["first_random"] != self._first_random:
            before["seed"], now["seed"] = (
                "a generator" if seed is None else seed for seed in (saved.seed, self._seed)
            )
            if before["seed"] == now["seed"]:
                before["seed"] = fingerprint.DIGEST
        differences = fingerprint.differences(before, now)
        if differences:
            raise CheckpointError(
                f"{saved.path} cannot be resumed, for this training is another: {differences}; train as "
                "before, or begin anew without resuming"
            )


# ---- parts of the file ------------------------------------------------------------------------------------


def _within(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays whose names begin so, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _put_into(network: Network, saved: Saved) -> None:
    """The weights and biases of the last epoch."""
    for name, array in model_file.tensors_of(network).items():
        stored = saved.arrays[name]
        if (stored.shape, stored.dtype) != (array.shape, array.dtype):
            raise ValueError(
                f"{name} is {stored.dtype} {stored.shape} instead of {array.dtype} {array.shape}"
            )
        if name.startswith(("weights.", "biases.")):
            array[...] = stored


def _hand_out(saved: Saved, callbacks: Iterable[Callback]) -> None:
    """Give each callback the state that one of its name had; of several with a name, in their order."""
    entries = list(enumerate(saved.values["callbacks"]))
    before, now = [entry["name"] for _, entry in entries], [_name(callback) for callback in callbacks]
    if sorted(before) != sorted(now):
        raise CheckpointError(
            f"{saved.path} cannot be resumed, for the callbacks that have a state were "
            f"{', '.join(before) or 'none'} and are {', '.join(now) or 'none'}"
        )
    for callback in callbacks:
        number, entry = next(found for found in entries if found[1]["name"] == _name(callback))
        entries.remove((number, entry))
        arrays = _within(f"{TRAINING}callbacks.{number}.", saved.arrays)
        callback.set_state({**entry["values"], **arrays})


def _state_of(callback: Callback) -> tuple[dict[str, Array], dict[str, Any]]:
    """A callback's (arrays, JSON values), or InputError for something that is neither."""
    arrays, values = {}, {}
    for name, value in callback.state().items():
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            arrays[name] = value
            continue
        try:
            values[name] = json.loads(json.dumps(value, default=_plain))
        except (TypeError, ValueError):
            raise InputError(
                f"{_name(callback)}.state() has {name!r}: {value!r}, which a checkpoint cannot hold; it may "
                "be a number, a string, None, a list or dict of these, or a numeric array"
            ) from None
    return arrays, values


def _name(callback: Callback) -> str:
    return type(callback).__name__


def _plain(value: Any) -> Any:
    """For json: NumPy's scalars as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)
