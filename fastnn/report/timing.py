"""The part of a report about speed: measured while it is made, on the machine that makes it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastnn.cpus import cpu_name, usable_cpus
from fastnn.network import Network
from fastnn.report.markup import Element, element, facts, section
from fastnn.report.subject import Subject

# Rounds at least, of which the median is told.
LEAST_ROUNDS = 5


@dataclass(frozen=True)
class Timings:
    """Medians: seconds to predict all `n_rows` rows at once, and to predict one; how often each was timed."""

    n_rows: int
    all_rows: float
    one_row: float
    rounds: tuple[int, int]


def measure(model: Network, X: Any, seconds: float) -> Timings:
    """Time predictions for about `seconds`, after a first one of each that is not counted."""
    rows = X if isinstance(X, np.ndarray) else np.asarray(X)
    at_once, alone = (_times(partial(model.predict, part), seconds / 2) for part in (rows, rows[:1]))
    return Timings(len(rows), float(np.median(at_once)), float(np.median(alone)), (len(at_once), len(alone)))


def of_timings(subject: Subject, timings: Timings) -> Element:
    """What was measured, on what, and how long training took if the model knows."""
    history = subject.model.history
    seconds = sum(history["seconds"]) if "seconds" in history else None
    told = facts(
        [
            ("prediction", f"{_rate(timings)} rows/s, {timings.n_rows:,} rows at once"),
            ("one row", f"{_duration(timings.one_row)}, from call to answer"),
            ("training", None if seconds is None else _training(seconds, history.n_epochs)),
            ("backend", subject.model.backend),
            (
                "machine",
                f"{cpu_name()}, {platform.machine()}; {usable_cpus()} of {os.cpu_count()} CPUs usable",
            ),
        ]
    )
    at_once, alone = timings.rounds
    words = f"Medians of {at_once:,} and {alone:,} rounds, measured while this report was made."
    unknown = (
        "How long training took is not known: a model's file holds no times; a checkpoint and a CSV log do."
    )
    return section(
        "Timings",
        told,
        element("p", words, class_="soft"),
        element("p", unknown, class_="soft") if seconds is None else None,
        anchor="timings",
    )


def _times(work: Callable[[], Any], seconds: float) -> list[float]:
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_ROUNDS or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


def _rate(timings: Timings) -> str:
    return f"{float(f'{timings.n_rows / timings.all_rows:.3g}'):,.0f}"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _training(seconds: float, n_epochs: int) -> str:
    each = _duration(seconds / n_epochs)
    return f"{_duration(seconds)} for {n_epochs:,} epochs, {each} each, validation not counted"
