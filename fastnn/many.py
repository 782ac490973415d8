"""Many trainings on the same data at once: whole models side by side, a thread each.

A small network cannot use two threads well, but two networks can: kernels run without Python's lock.
"""

from __future__ import annotations

import inspect
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import backends, inputs
from fastnn.backends import Array
from fastnn.callbacks import Callback
from fastnn.callbacks.progress import count_bar
from fastnn.cpus import usable_cpus
from fastnn.errors import InputError, SomeFailedError
from fastnn.inputs.options import first_line
from fastnn.network import Network
from fastnn.trainer.beginning import DTYPE, type_of
from fastnn.trainer.examples import Examples
from fastnn.training import train
from fastnn.warning import warn

if TYPE_CHECKING:
    from fastnn.trainer.loop import Training

# Of train: what train_many passes itself, and what several trainings at once would fight over.
NOT_HERE = {"X", "y", "threads", "verbose", "checkpoint", "checkpoint_every", "resume"}
ROWS = ("rows", "validation_rows")


def train_many(
    X: Any,
    y: Any,
    settings: Iterable[Mapping[str, Any]],
    *,
    workers: int | None = None,
    errors: str = "raise",
    verbose: bool = False,
    **options: Any,
) -> list[Any]:
    """Train one model for each of `settings` on the same X and y, several at a time; return them in order.

    settings   a list of options of `fastnn.train` by name, such as {"seed": 3, "hidden": (64,)}; see
               `fastnn.grid` and `fastnn.folds`. Two more are indices or a mask: "rows" of X and y to train
               on, and "validation_rows" in place of validation=(X_val, y_val)
    workers    how many are trained at a time; None: as many as there are usable CPUs
    errors     of trainings that fail: "raise" a SomeFailedError when all have ended, with the other models in
               its `.results`, or "return" each error in the place of its model
    verbose    True: a bar that counts models
    options    of `fastnn.train` for all models, where their own settings do not say otherwise

    Each model is, bit for bit, the one that fastnn.train(X[rows], y[rows], **setting) returns. X is checked
    and converted once, and shared; with standardize=True each training has a copy of its own. Each runs on
    one thread; callbacks are called in it, and each training needs its own. Ctrl-C ends all with a warning:
    models that were finished are returned, in place of the others is None. InputError for settings that
    `train` does not know, before anything is trained.
    """
    inputs.choice("errors", errors, ("raise", "return"))
    workers = usable_cpus() if workers is None else inputs.whole_number("workers", workers)
    stop = Event()
    jobs = _Jobs(X, y, options, stop).made_of(settings)
    results, interrupted = _run(jobs, workers, stop, verbose=verbose)
    if interrupted:
        finished = sum(isinstance(result, Network) for result in results)
        warn(
            f"train_many was interrupted: {finished} of {len(results)} models are finished, in place of the "
            "others is None"
        )
    failed = [number for number, result in enumerate(results) if isinstance(result, Exception)]
    if failed and errors == "raise":
        first = results[failed[0]]
        error = SomeFailedError(
            f"{len(failed)} of {len(results)} trainings failed, settings[{failed[0]}] first: "
            f"{first_line(first)} (all results are in this error's .results)"
        )
        error.results = results
        raise error from first
    return results


def grid(**choices: Iterable[Any]) -> list[dict[str, Any]]:
    """All combinations, as settings of `train_many`: grid(hidden=[32, (64, 64)], seed=range(5)) are ten.

    The last option named changes fastest.
    """
    for name, values in choices.items():
        if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
            raise InputError(f"{name}={values!r} must be a list of what to try, such as [{values!r}]")
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def folds(y: Any, n: int = 5, seed: int | np.random.Generator = 0) -> list[dict[str, Array]]:
    """Cross-validation, as settings of `train_many`: each row is in "validation_rows" once, in "rows" else.

    y   (n_rows,) or (n_rows, n_outputs): each class, or combination of labels, is dealt out evenly; floats
        are split plainly
    n   number of folds; their sizes differ by one row at most

    [fold | setting for fold in folds(y) for setting in grid(hidden=[32, 64])] tries every setting on each.
    """
    n = inputs.whole_number("n", n, least=2)
    array, generator = inputs.target_array(y), inputs.generator(seed)
    if n > len(array):
        raise InputError(f"n={n} folds need {n} rows at least, y has {len(array)}")
    order = generator.permutation(len(array))
    if array.dtype.kind != "f":
        _, classes = np.unique(array, axis=0, return_inverse=True)
        order = order[np.argsort(classes.reshape(-1)[order], kind="stable")]
    parts = [np.sort(order[fold::n]) for fold in range(n)]
    everything = np.arange(len(array))
    return [{"rows": np.setdiff1d(everything, part), "validation_rows": part} for part in parts]


class _Cancelled(BaseException):
    """Ends a training because the others were interrupted."""


class _Watch(Callback):
    """Ends a training when `stop` is set, in the middle of an epoch."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def start(self, training: Training) -> None:
        training.between_parts = self._look
        self._look()

    def _look(self) -> None:
        if self._stop.is_set():
            raise _Cancelled


class _Jobs:
    """Turns settings into functions that train, and keeps what they share."""

    def __init__(self, X: Any, y: Any, options: Mapping[str, Any], stop: Event) -> None:
        self._y, self._options, self._stop = inputs.target_array(y), options, stop
        self._examples = Examples(X, self._y)
        n_rows = len(self._examples.rows)
        if len(self._y) != n_rows:
            raise InputError(f"y has {len(self._y)} rows but X has {n_rows}; every row needs one target")
        self._parts: dict[int, tuple[Any, Examples]] = {}
        self._converted: dict[tuple[int, Any], tuple[Any, Array]] = {}

    def made_of(self, settings: Iterable[Mapping[str, Any]]) -> list[Callable[[], Network]]:
        """A function for each of `settings`; InputError for those that are none."""
        merged = [self._merged(number, setting) for number, setting in enumerate(_listed(settings))]
        _check_nothing_shared(merged)
        return [self._job(number, setting) for number, setting in enumerate(merged)]

    def _merged(self, number: int, setting: Any) -> dict[str, Any]:
        if not isinstance(setting, Mapping):
            raise InputError(f"settings[{number}]={setting!r} must be a dict of options of fastnn.train")
        merged = {**self._options, **setting}
        for name in merged:
            if name not in _known():
                what = "has no place in train_many" if name in NOT_HERE else "is no option of fastnn.train"
                raise InputError(f"settings[{number}]: {name!r} {what}; use {', '.join(_known())}")
        return merged

    def _job(self, number: int, setting: dict[str, Any]) -> Callable[[], Network]:
        options, n_rows = dict(setting), len(self._y)
        rows, held_out = (
            _rows(f"settings[{number}]: {name}", options.pop(name, None), n_rows) for name in ROWS
        )
        X, dtype = self._features(options)
        if held_out is not None and options.get("validation") is not None:
            raise InputError(f"settings[{number}]: pass validation or validation_rows, not both")
        if isinstance(options.get("validation"), tuple | list) and len(options["validation"]) > 1:
            X_val, *rest = options["validation"]
            options["validation"] = (self._validation_features(X_val, dtype), *rest)
        examples = self._examples
        if rows is not None:
            _, examples = self._parts.setdefault(id(setting["rows"]), (setting["rows"], examples.part(rows)))
            weights = inputs.sample_weights(options.get("sample_weight"), n_rows)
            options["sample_weight"] = None if weights is None else weights[rows]
        options["callbacks"] = [_Watch(self._stop), *inputs.items("callbacks", options.get("callbacks", ()))]
        if backends.get(options.get("backend", "auto"))[0] == "numba":
            options["threads"] = 1

        def job() -> Network:
            if held_out is not None:  # copied now, and not for all trainings at once
                options["validation"] = (X[held_out], self._y[held_out])
            return train(examples, None, **options)

        return job

    def _features(self, options: Mapping[str, Any]) -> tuple[Array, np.dtype[Any] | None]:
        """(X as `train` needs it with these options, the type it was converted to: None if not at all)."""
        initial = options.get("initial")
        dtype = type_of(initial, options.get("dtype", DTYPE))
        if inputs.yes_or_no("standardize", options.get("standardize", False)) or (
            isinstance(initial, Network) and initial.standardisation is not None
        ):
            return self._examples.table, None
        return self._examples.features(dtype), dtype

    def _validation_features(self, X: Any, dtype: np.dtype[Any] | None) -> Array:
        """X_val converted once, however many trainings name the same object."""
        key = id(X), dtype
        if key not in self._converted:
            self._converted[key] = X, inputs.features(X, name="validation X", dtype=dtype)
        return self._converted[key][1]


def _run(
    jobs: list[Callable[[], Network]], workers: int, stop: Event, *, verbose: bool
) -> tuple[list[Any], bool]:
    """(what each job returned or raised, or None; whether Ctrl-C ended them)."""
    interrupted = False
    with (
        count_bar(len(jobs), "models", shown=verbose) as advance,
        ThreadPoolExecutor(workers, "fastnn") as pool,
    ):
        futures = [pool.submit(job) for job in jobs]
        try:
            pending = set(futures)
            while pending:
                # With a time limit, for on Windows Ctrl-C is not seen without.
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                advance(len(done))
        except BaseException as error:
            stop.set()
            pool.shutdown(cancel_futures=True)
            if not isinstance(error, KeyboardInterrupt):
                raise
            interrupted = True
    return [_result(future) for future in futures], interrupted


def _result(future: Future[Network]) -> Network | Exception | None:
    if future.cancelled():
        return None
    error = future.exception()
    if error is None:
        return future.result()
    return error if isinstance(error, Exception) else None


def _listed(settings: Any) -> list[Any]:
    if isinstance(settings, Mapping | str) or not isinstance(settings, Iterable):
        raise InputError(f"settings={settings!r} must be a list of dicts of options of fastnn.train")
    listed = list(settings)
    if not listed:
        raise InputError("settings is empty; pass a list of dicts of options of fastnn.train")
    return listed


@lru_cache
def _known() -> list[str]:
    return [name for name in inspect.signature(train).parameters if name not in NOT_HERE] + list(ROWS)


def _rows(name: str, rows: Any, n_rows: int) -> Array | None:
    """Indices from indices or a mask; None: all."""
    if rows is None:
        return None
    array = inputs.as_array(rows, name, "an array of row numbers")
    if array.dtype == np.bool_ and array.shape == (n_rows,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.size == 0:
        raise InputError(
            f"{name} is {array.dtype} of shape {array.shape}; it must be row numbers, or a mask of {n_rows}"
        )
    if array.min() < 0 or array.max() >= n_rows:
        raise InputError(f"{name} runs from {array.min()} to {array.max()}; X has rows 0 to {n_rows - 1}")
    return array.astype(np.int64)


def _check_nothing_shared(settings: list[dict[str, Any]]) -> None:
    """InputError for objects that two trainings at a time would change under each other."""
    for what in ("seed", "callbacks"):
        used: Counter[int] = Counter()
        for setting in settings:
            objects = setting.get(what, ())
            changing = inputs.items(what, objects) if what == "callbacks" else [objects]
            used.update(id(one) for one in changing if isinstance(one, Callback | np.random.Generator))
        if any(count > 1 for count in used.values()):
            raise InputError(
                f"{what}: two trainings have the same object, but run at the same time; give each its own"
            )
