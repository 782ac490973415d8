"""SIGTERM, which schedulers and containers send, ends a command as Ctrl-C does: what was trained is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CTRL_C_STATUS = 128 + signal.SIGINT
SIGTERM_STATUS = 128 + signal.SIGTERM


@contextmanager
def sigterm_like_ctrl_c() -> Iterator[list[int]]:
    """Raise KeyboardInterrupt on SIGTERM; gives the list of the signals that have come so far.

    Where somebody else handles the signal, or this is not Python's main thread, nothing changes.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield received
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
