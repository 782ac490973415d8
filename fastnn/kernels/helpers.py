"""Threads that help the caller of a kernel, if they come in time.

A team's members (team.py) meet at barriers, so all must come, and the caller waits for the last one to wake
up: some 100 µs, as long as predicting 100 rows takes. Here the caller begins by itself at once, and helpers
take what they find when they come (claims.py). No thread waits for one who is not there; so Ctrl-C may keep
the caller from the kernel at any moment, and the helpers will do its work and go.

To wake a thread takes the caller 40 µs, and the thread comes 50 µs after that. Predictions often follow each
other closely, so helpers linger in their kernel for a moment, until the caller has begun with the next one.
They cannot wait in Python, which only one thread has at a time: from the caller they would get it by being
woken. 300 rows of 784-128-10 took 390 µs, with helpers who sleep or wait in Python no less, and now 250.
"""

import math
import time
from functools import partial

import numpy as np

from fastnn.kernels.atomics import load_acquire, pause, store_release
from fastnn.kernels.crew import Crew
from fastnn.kernels.jit import jit
from fastnn.kernels.placement import keep_off, settle
from fastnn.kernels.team import spins_for

LINGERING = 300.0  # µs


class Pace:
    """Whether calls follow each other so closely that helpers may still linger when the next one comes."""

    def __init__(self):
        self._ended = -math.inf

    def is_quick(self):
        """Whether a call has just ended."""
        return time.perf_counter() - self._ended < 1e-6 * LINGERING

    def end(self):
        """One ends now."""
        self._ended = time.perf_counter()


class Helpers:
    """Up to `most` threads besides the caller's; they are made when they are first needed."""

    def __init__(self, most):
        self.most, self.spins = most, spins_for()
        self._bells = np.zeros(1 + most, np.int64)
        self.bells, self.looks, self.call = self._bells.ctypes.data, spins_for(LINGERING), 0
        self._crew = Crew(first=1)  # the caller is 0

    def run(self, function, helpers):
        """function(0, call) here, and function(number, call) in the first `helpers` threads, sooner or later.

        call   for the kernels `begin`, at the beginning of function(0, call), and `linger`, at others' end

        Returns when function(0, call) does. A helper may come after that, so `function` must hold all it
        needs.
        """
        self.call += 1
        if helpers:
            while len(self._crew.calls) < helpers:
                self._crew.add()
            places = ()
            if 0 in self._bells.tolist()[1 : helpers + 1]:
                taken = set()
                settle(taken)
                places = taken, keep_off(taken, self._crew.threads[:helpers])
            for calls in self._crew.calls[:helpers]:
                calls.put(partial(_come, function, self.call, places))
        function(0, self.call)


@jit
def begin(bells, call):
    """The caller is in its kernel."""
    store_release(bells, call)


@jit
def linger(bells, call, number, looks):
    """A helper has nothing more to do: wait for a moment, unless a later call has begun."""
    store_release(bells + 8 * number, 1)
    while looks > 0 and load_acquire(bells) <= call:
        looks -= 1
        pause()
    store_release(bells + 8 * number, 0)


def _come(function, call, places, number):
    """What a helper is called to do."""
    if places:
        settle(*places)
    function(number, call)
