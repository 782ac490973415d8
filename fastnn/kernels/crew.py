"""Threads that wait for work, each at its own queue: a team's members (team.py), and helpers (helpers.py)."""

from queue import SimpleQueue
from threading import Thread


class Crew:
    """Call `calls[i].put(function)`, and a thread calls function(first + i).

    They are daemons, because a model that has predicted keeps its threads: these must not keep Python from
    ending. When nobody holds the crew any more they end.
    """

    calls = ()  # where Ctrl-C ends __init__

    def __init__(self, first):
        self.first, self.calls, self.threads = first, [], []

    def add(self):
        """One more thread."""
        calls, number = SimpleQueue(), self.first + len(self.calls)
        thread = Thread(target=serve, args=(calls, number), name=f"fastnn_{number}", daemon=True)
        try:
            thread.start()
            self.threads.append(thread)
            self.calls.append(calls)
        except BaseException:  # no more threads are to be had, or Ctrl-C
            calls.put(None)
            raise

    def dismiss(self):
        """End the threads, when they have done what they were called for."""
        for calls in self.calls:
            calls.put(None)

    def __del__(self):
        self.dismiss()


def serve(calls, number):
    """Life of a thread: do what comes until None comes. Holds nothing of its owner's, who can be freed."""
    while (job := calls.get()) is not None:
        job(number)
        del job  # and with it a run's memory
