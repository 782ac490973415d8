"""How many threads the next stretch of training gets: the whole team, or one where the team is held up."""

from __future__ import annotations

from collections import deque

# Shorter stretches say more about start-up than about training.
LEAST_SECONDS = 2e-3
# The slower way is tried again in every so-manieth stretch, for the machine may have become quiet or busy. A
# team that lost by less than CLOSE is tried sooner: it should be faster, and a trial costs little. One thread
# is tried seldom: where the team becomes slow, what one took before is known.
TRY_AGAIN, TRY_TEAM_AGAIN, TRY_ONE_AGAIN, CLOSE = 32, 8, 128, 2.0
# Of so many latest stretches the quickest counts: one alone may have met another program's burst.
REMEMBERED = 3


class TeamSize:
    """Chooses by the time a row takes either way; the result of training does not depend on it.

    Threads that meet many times a millisecond depend on each other's CPU: where another program holds one,
    two threads can be ten times slower than one.

    threads   size of the team
    fixed     the user asked for that many, so it stays
    """

    def __init__(self, threads: int, *, fixed: bool) -> None:
        self._threads, self._fixed = threads, fixed or threads == 1
        self._costs = {n: deque[float](maxlen=REMEMBERED) for n in (threads, 1)}  # seconds a row
        # The team three times: its first stretch is slowed by cold caches, another perhaps by other programs.
        self._opening = [threads, 1, threads, threads]
        self._turn = 1

    def choose(self) -> int:
        """Threads for the next stretch."""
        if self._fixed:
            return self._threads
        if self._opening:
            return self._opening[0]
        team, one = (min(self._costs[n]) for n in (self._threads, 1))
        if team <= one:
            return 1 if self._turn % TRY_ONE_AGAIN == 0 else self._threads
        pause = TRY_TEAM_AGAIN if team < CLOSE * one else TRY_AGAIN
        return self._threads if self._turn % pause == 0 else 1

    def record(self, threads: int, rows: int, seconds: float) -> None:
        """Tell how long a stretch took."""
        if self._fixed:
            return
        if not self._opening:
            self._turn += 1
        if seconds >= LEAST_SECONDS:
            self._costs[threads].append(seconds / rows)
            self._opening = self._opening[1:]
