"""Threads that help the caller of a kernel, if they come in time.

A team's members (team.py) meet at barriers, so all must come, and the caller waits for the last one to wake
up: some 100 µs, as long as predicting 100 rows takes. Here the caller begins by itself at once, and helpers
take what they find when they come (claims.py), after some 50 µs. No thread waits for one who is not there; so
Ctrl-C may keep the caller from the kernel at any moment, and the helpers will do its work and go.
"""

from queue import SimpleQueue
from threading import Thread

from fastnn.kernels.placement import keep_off, settle
from fastnn.kernels.team import spins_for


class Helpers:
    """`count` threads besides the caller's."""

    _calls = ()  # where Ctrl-C ends __init__

    def __init__(self, count):
        self.spins = spins_for()
        settle(set())  # compiles it now, and not at the first call
        self._calls = [SimpleQueue() for _ in range(count)]
        self._threads = [
            # Daemons, because a model that has predicted keeps them: they must not keep Python from ending.
            Thread(target=_serve, args=(calls, number), name=f"fastnn_{number}", daemon=True)
            for number, calls in enumerate(self._calls, start=1)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, function, helpers):
        """function(0) here, and function(1), … in the first `helpers` of the threads, sooner or later.

        Returns when function(0) does. A helper may come after that, so `function` must hold all it needs.
        """
        if helpers:
            taken = set()
            settle(taken)
            allowed = keep_off(taken, self._threads[:helpers])
            for calls in self._calls[:helpers]:
                calls.put((function, taken, allowed))
        function(0)

    def __del__(self):
        for calls in self._calls:
            calls.put(None)


def _serve(calls, number):
    """Life of a helper: do what comes until None comes. Holds nothing of the caller's, so it can be freed."""
    while (job := calls.get()) is not None:
        function, *places = job
        settle(*places)
        function(number)
        del job, function  # and with them a call's memory
