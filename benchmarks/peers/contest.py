"""Contenders of one task, each in its fastest form, timed in rounds that alternate between them."""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.peak import Probe, Trial, median
from benchmarks.peers import fastnn_itself
from benchmarks.peers.agreement import DisagreementError, check_inference, check_training
from benchmarks.peers.task import Task
from benchmarks.rounds import repeats_for

REST = 0.05  # seconds before each timing, in which the other libraries' threads stop spinning
TOO_SLOW = 5  # times slower than the fastest of the first round: two trials are enough
SLOW_TRIALS = 2
LONGEST_TUNING = 1.0  # seconds; a form that takes longer is timed once, not three times


@dataclass
class Contender:
    """One library on one task: `work()` is what is timed, `arithmetic` what does it."""

    name: str
    form: dict[str, Any]
    arithmetic: Any
    work: Callable[[], object]
    repeats: int = 1
    trials: list[Trial] = field(default_factory=list)

    def time(self, probe: Probe) -> Trial:
        """One bracketed timing."""
        self.arithmetic.prepare()
        time.sleep(REST)
        return probe.bracketed(self.work, self.repeats)

    def result(self, probe: Probe) -> dict[str, Any]:
        """What is recorded."""
        kept, quiet = probe.kept(self.trials)
        return {
            "form": self.form,
            "median": median(kept),
            "fastest": min(trial.seconds for trial in kept),
            "slowest": max(trial.seconds for trial in kept),
            "kept": len(kept),
            "quiet": quiet,
            "repeats": self.repeats,
            "trials": [trial.seconds for trial in self.trials],
            "probes": [[trial.before, trial.after] for trial in self.trials],
        }


def entrants(kind: str, task: Task, probe: Probe) -> tuple[list[Contender], dict[str, str]]:
    """(contenders, checked, warm, in their fastest forms; why others are missing). `kind` is a class name."""
    found, missing = list(_own(kind, task)), {}
    for name in peers.MODULES:
        try:
            module = peers.load(name)
        except ImportError as error:
            missing[name] = f"does not import here: {error}"
            continue
        if kind == "Inference" or name not in peers.PREDICT_ONLY:
            forms = forms_of(kind, module, task)
            candidates = (contender(kind, name, form, module, task) for form in forms)
            try:
                found.append(_fastest(probe, candidates, n_candidates=len(forms)))
            except DisagreementError as error:
                missing[name] = f"computes something else: {error}"
    return found, missing


def forms_of(kind: str, module: Any, task: Task) -> list[dict[str, Any]]:
    """The forms of a peer that differ on this task."""
    forms = getattr(module, f"{kind.upper()}_FORMS")
    if task.full_batch:  # nothing is gathered
        forms = [form for form in forms if form.get("gather") != "batch"]
    if task.X.dtype != np.uint8:
        forms = [form for form in forms if not form.get("uint8")]
    return list(forms)


def contender(kind: str, name: str, form: dict[str, Any], module: Any, task: Task) -> Contender:
    """A contender that has shown that it computes what the specification computes, and is warm."""
    arithmetic = getattr(module, kind)(task, **form)
    if kind == "Training":
        check_training(task, arithmetic)
        orders = itertools.cycle([task.order(seed) for seed in (1, 2, 3)])
        made = Contender(name, form, arithmetic, lambda: arithmetic.epoch(next(orders)))
    else:
        check_inference(task, arithmetic)
        made = Contender(name, form, arithmetic, arithmetic.predict)
    made.work()
    made.repeats = repeats_for(made.work)
    return made


def _own(kind: str, task: Task) -> Iterator[Contender]:
    forms = fastnn_itself.TRAINING_CONTENDERS if kind == "Training" else {fastnn_itself.NAME: {}}
    for name, form in forms.items():
        if not (form.get("floats") and task.net.dense_floats):  # then it is what the first one does
            yield contender(kind, name, form, fastnn_itself, task)


def _fastest(probe: Probe, candidates: Iterator[Contender], n_candidates: int) -> Contender:
    if n_candidates == 1:
        return next(candidates)
    best, best_seconds = None, math.inf
    for candidate in candidates:
        trials = [candidate.time(probe)]
        while len(trials) < 3 and trials[0].seconds < LONGEST_TUNING:
            trials.append(candidate.time(probe))
        seconds = min(trial.seconds for trial in trials)
        if seconds < best_seconds:
            candidate, best = best, candidate
            best_seconds = seconds
        if candidate is not None:
            candidate.arithmetic.close()
    return best


def play(probe: Probe, contenders: list[Contender], rounds: int) -> None:
    """Time everybody once a round, until each has `rounds` accepted trials or twice as many in all."""
    for number in range(2 * rounds):
        start = number % len(contenders)
        for entrant in contenders[start:] + contenders[:start]:
            accepted = sum(probe.accepts(trial) for trial in entrant.trials)
            slow = number > 0 and _first(entrant) > TOO_SLOW * min(map(_first, contenders))
            wanted = min(SLOW_TRIALS, rounds) if slow else rounds
            if accepted < wanted and len(entrant.trials) < 2 * wanted:
                entrant.trials.append(entrant.time(probe))


def _first(entrant: Contender) -> float:
    return entrant.trials[0].seconds if entrant.trials else math.inf
