"""The thread team: ordinary Python threads inside nogil kernels, meeting at a barrier of flags.

Each thread owns one cache line with a counter of the barriers it has reached, so arriving is one store
and nobody fights over a line (measured 0.16 us for two threads; a prange region costs 2 to 30 us).
Waiting spins for at most 20 us, then gives the core away at every look, because on an oversubscribed
machine a pure spin steals the very core that the late thread needs.
"""

import time
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from fastnn.kernels.atomics import load_acquire, pause, store_release
from fastnn.kernels.crew import Crew
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.placement import settle
from fastnn.kernels.system import give_way

LINE = 8  # int64 per cache line
# How long a pause takes is tried so often, for trials are interrupted: of 14 processes one was off by 40 %.
PAUSES, TRIALS = 400, 5


class Member(NamedTuple):
    """One thread of a team."""

    thread: int  # its number
    threads: int  # how many there are
    flags: int  # address of a cache line each, zeroed before the first barrier
    spins: int  # looks at a flag before giving the core away, see spins_for()


@inline
def alone(me):
    """The only member of a team of its own."""
    return Member(0, 1, me.flags, me.spins)


@inline
def wait_a_moment(looks, spins):
    """Between two looks at what another thread writes, after so many; returns how many these are now."""
    if looks >= spins:
        give_way()
    else:
        pause()
    return looks + 1


@jit
def barrier(me):
    """Wait until all members of the team have called this equally often.

    Notes   release on arriving and acquire on leaving: all that was written before is visible after.
            The bound is fixed on purpose. Shrinking it when yielding helped made barriers of two threads
            on one core 60x cheaper (0.3 us), but once another program was running each early yield
            lost a 4 ms time slice (an epoch of 50 ms lasted 7 s); growing it did the same to ourselves.
    """
    if me.threads == 1:
        return
    mine = me.flags + me.thread * (8 * LINE)
    turn = load_acquire(mine) + 1
    store_release(mine, turn)
    for other in range(me.threads):
        looks = 0
        while load_acquire(me.flags + other * (8 * LINE)) < turn:
            looks = wait_a_moment(looks, me.spins)


@jit
def hand_on(me):
    """Tell the next thread that one more piece of work is its own now."""
    mine = me.flags + me.thread * (8 * LINE) + 8
    store_release(mine, load_acquire(mine) + 1)


@jit
def await_piece(me):
    """Wait until the thread before has handed on more pieces than this one; the first need not wait."""
    mine, looks = me.flags + me.thread * (8 * LINE) + 8, 0
    while me.thread > 0 and load_acquire(mine - 8 * LINE) <= load_acquire(mine):
        looks = wait_a_moment(looks, me.spins)


@jit
def share(count, thread, threads):
    """First and last of `thread`'s even part of range(count)."""
    return count * thread // threads, count * (thread + 1) // threads


@jit
def _pauses(count):
    for _ in range(count):
        pause()


_spins = []


def spins_for(microseconds=20.0):
    """How many pauses fill this time: 140 cycles each on a recent Intel core, a few elsewhere."""
    if not _spins:
        _pauses(1)
        _spins.append(PAUSES / max(1e-7, min(_seconds_of_pauses() for _ in range(TRIALS))))
    return max(10, int(_spins[0] * microseconds * 1e-6))


def _seconds_of_pauses():
    begin = time.perf_counter()
    _pauses(PAUSES)
    return time.perf_counter() - begin


class Team:
    """`threads` threads that run one nogil function together.

    They are threads of the team's own, also where the caller could be one of them: Ctrl-C is raised between
    any two steps of Python's main thread, and if that happened just before it went into the kernel, the
    others would wait for it at the first barrier for ever.
    """

    def __init__(self, threads):
        self.threads, self._crew = threads, Crew(first=0)
        self.spins = spins_for()
        settle(set())  # whoever makes a team compiles this, and not its first job
        self._flags = np.zeros((threads + 1) * LINE, np.int64)
        self.flags = -(-self._flags.ctypes.data // 64) * 64
        try:
            for _ in range(threads if threads > 1 else 0):
                self._crew.add()
        except BaseException:  # no more threads are to be had, or Ctrl-C
            self.close()
            raise

    def member(self, thread, threads):
        """What kernels know of a thread in a call that the first `threads` of the team make."""
        return Member(thread, threads, self.flags, self.spins)

    def run(self, function, threads=None):
        """function(thread) in every thread, or the first so many; returns their results in thread order.

        Ctrl-C is raised when all have come back, for they work on memory that would be freed.
        """
        threads = threads or self.threads
        if threads == 1:
            return [function(0)]
        self._flags[:] = 0
        job, interruption = _Job(function, threads), None
        while not job.done():
            try:
                for calls in self._crew.calls[:threads]:  # again after Ctrl-C: who has begun takes no notice
                    calls.put(job)
                while not job.done():
                    job.ended.get()
            except BaseException as error:
                interruption = error
        if interruption is not None:
            raise interruption
        return job.results()

    def close(self):
        """End the threads."""
        self._crew.dismiss()
        for member in self._crew.threads:
            member.join(timeout=1)  # they are idle; but whatever should keep one, not for ever


class _Job:
    """A function to be called once by each member of a team.

    All that caller and members share is changed in single steps of C: Ctrl-C inside of a Future's lock, which
    is taken in Python, would keep it for ever.
    """

    def __init__(self, function, threads):
        self._function, self._threads = function, threads
        self._missing = set(range(threads))
        self._cpus = set()  # that members have settled on
        self._outcomes = {}  # (result, error) of each member that is done
        self.ended = SimpleQueue()  # gets something after each

    def __call__(self, number):
        try:
            self._missing.remove(number)
        except KeyError:  # called before
            return
        settle(self._cpus)
        try:
            self._outcomes[number] = self._function(number), None
        except BaseException as error:
            self._outcomes[number] = None, error
        self.ended.put(number)

    def done(self):
        return len(self._outcomes) == self._threads

    def results(self):
        outcomes = [self._outcomes[number] for number in range(self._threads)]
        for _, error in outcomes:
            if error is not None:
                raise error
        return [result for result, _ in outcomes]
