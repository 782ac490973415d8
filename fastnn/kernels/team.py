"""The thread team: ordinary Python threads inside nogil kernels, meeting at a barrier of flags.

Each thread owns one cache line with a counter of the barriers it has reached, so arriving is one store
and nobody fights over a line (measured 0.16 us for two threads; a prange region costs 2 to 30 us).
Waiting spins for at most 20 us, then gives the core away at every look, because on an oversubscribed
machine a pure spin steals the very core that the late thread needs.
"""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier

import llvmlite.binding as llvm
import numpy as np
from numba import types

from fastnn.kernels.atomics import load_acquire, pause, store_release
from fastnn.kernels.jit import jit

LINE = 8  # int64 per cache line

HAS_SCHED_YIELD = bool(llvm.address_of_symbol("sched_yield"))
_sched_yield = types.ExternalFunction("sched_yield", types.int32())

if HAS_SCHED_YIELD:

    @jit
    def give_way():
        """Let another runnable thread have this core."""
        _sched_yield()
else:

    @jit
    def give_way():
        """No sched_yield here (Windows): wait a little longer between looks."""
        for _ in range(64):
            pause()


@jit
def barrier(flags, thread, threads, spins):
    """Wait until all `threads` threads have called this equally often.

    flags   address of `threads` cache lines, zeroed before the first barrier
    spins   looks at a flag before giving the core away, see spins_for()
    Notes   release on arriving and acquire on leaving: all that was written before is visible after.
            The bound is fixed on purpose. Shrinking it when yielding helped made barriers of two threads
            on one core 60x cheaper (0.3 us), but once another program was running each early yield
            lost a 4 ms time slice (an epoch of 50 ms lasted 7 s); growing it did the same to ourselves.
    """
    if threads == 1:
        return
    mine = flags + thread * (8 * LINE)
    turn = load_acquire(mine) + 1
    store_release(mine, turn)
    for other in range(threads):
        looks = 0
        while load_acquire(flags + other * (8 * LINE)) < turn:
            looks += 1
            if looks > spins:
                give_way()
            else:
                pause()


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
        begin = time.perf_counter()
        _pauses(2000)
        _spins.append(2000 / max(1e-7, time.perf_counter() - begin))
    return max(10, int(_spins[0] * microseconds * 1e-6))


class Team:
    """`threads` threads that run one nogil function together; the caller is thread 0."""

    def __init__(self, threads):
        self.threads = threads
        self.spins = spins_for()
        self._flags = np.zeros((threads + 1) * LINE, np.int64)
        self.flags = -(-self._flags.ctypes.data // 64) * 64
        self._pool = ThreadPoolExecutor(threads - 1, "fastnn") if threads > 1 else None
        self._start_all()

    def _start_all(self):
        # A thread that cannot be started must be known before the others wait for it inside a kernel.
        if self._pool is None:
            return
        gate = Barrier(self.threads)
        try:
            for _ in range(1, self.threads):
                self._pool.submit(gate.wait)
            gate.wait()
        except RuntimeError:
            gate.abort()
            self._pool.shutdown()
            raise

    def run(self, function, threads=None):
        """function(thread) in every thread, or the first so many; returns their results in thread order."""
        if (threads or self.threads) == 1:
            return [function(0)]
        self._flags[:] = 0
        others = [self._pool.submit(function, thread) for thread in range(1, threads or self.threads)]
        try:
            first = function(0)
        finally:
            wait(others)
        return [first] + [other.result() for other in others]

    def close(self):
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
