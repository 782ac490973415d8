"""Several pieces of work timed in rounds, each once a round: a slow moment then meets all of them."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peak import Probe, Trial

SHORTEST = 0.2  # seconds a timing lasts at least; shorter work is repeated


def repeats_for(work: Callable[[], object]) -> int:
    """How often to repeat `work` for a timing, by repeating it so often that it lasts long enough, twice.

    Told by one call, it was 13 times too few where the first calls have to wake threads; told once, it was 1
    instead of 3,000 where one of the first calls loaded another kernel from the cache.
    """
    repeats = 1
    while True:
        seconds = _duration(work, repeats)
        if seconds >= SHORTEST:
            seconds = _duration(work, repeats)
            if seconds >= SHORTEST / 2:
                return repeats
        repeats = max(repeats + 1, math.ceil(repeats * SHORTEST / seconds))


def _duration(work: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return time.perf_counter() - start


@dataclass
class Timed:
    """`work()` is what is timed, `repeats` times in a row; `trials` has one entry a round."""

    name: str
    work: Callable[[], object]
    repeats: int = 1
    trials: list[Trial] = field(default_factory=list)

    @classmethod
    def warm(cls, name: str, work: Callable[[], object]) -> "Timed":
        """Called already: compiled, caches full, and known how often to repeat it."""
        work()
        return cls(name, work, repeats_for(work))

    def result(self, probe: Probe) -> dict[str, Any]:
        """What is recorded: seconds of one call."""
        kept, quiet = probe.kept(self.trials)
        seconds = [trial.seconds for trial in kept]
        return {
            "median": statistics.median(seconds),
            "fastest": min(seconds),
            "slowest": max(seconds),
            "kept": len(kept),
            "quiet": quiet,
        }


def play(probe: Probe, timed: Sequence[Timed], rounds: int) -> None:
    """Time everybody once a round, until the first and any other have `rounds` accepted trials in common.

    Ends after twice as many rounds. Every round starts with another one, so that nobody always follows the
    same neighbour.
    """
    for number in range(2 * rounds):
        start = number % len(timed)
        for one in (*timed[start:], *timed[:start]):
            one.trials.append(probe.bracketed(one.work, one.repeats))
        if all(len(_quiet_pairs(probe, timed[0], one)) >= rounds for one in timed):
            break


def speed(probe: Probe, base: Timed, other: Timed, least: int = 2) -> dict[str, Any]:
    """How fast `other` is beside `base`: the median over the rounds of base's seconds / its own.

    Rounds count in which both trials are accepted; if there are fewer than `least`, the best ones do.
    """
    pairs = list(zip(base.trials, other.trials, strict=True))
    kept = _quiet_pairs(probe, base, other)
    quiet = len(kept) >= min(least, len(pairs))
    if not quiet:
        kept = sorted(pairs, key=lambda pair: -min(trial.share(probe.best) for trial in pair))[:least]
    ratios = [first.seconds / second.seconds for first, second in kept]
    return {
        "median": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "kept": len(kept),
        "quiet": quiet,
    }


def _quiet_pairs(probe: Probe, base: Timed, other: Timed) -> list[tuple[Trial, Trial]]:
    pairs = zip(base.trials, other.trials, strict=True)
    return [pair for pair in pairs if all(map(probe.accepts, pair))]
