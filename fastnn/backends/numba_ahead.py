"""The whole passes compiled by a second process, while this one compiles the kernels that they call.

In one process Numba compiles one thing after the other: 14 s for a first training, half of that for the two
passes. The second process leaves these in the cache, where this one finds them when it needs them. Whatever
becomes of the second process, this one compiles what it does not find.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.cpus import usable_cpus
from fastnn.kernels import jit
from fastnn.kernels.passes import PREDICTING, TRAINING, is_ready, make_ready

__all__ = ["PREDICTING", "TRAINING", "begin", "wait"]

LONGEST_WAIT, BETWEEN_LOOKS = 60.0, 0.01  # seconds
# By imports from where this process imports, wherever it was started.
PROGRAM = """
import sys
sys.path[:] = {path!r}
from fastnn.backends.numba_ahead import serve
serve({dtype!r}, {names!r}, {folder!r})
"""

_lock = threading.Lock()
_asked: set[tuple[str, str]] = set()  # (dtype, name) of each pass that has been thought of
_processes: dict[str, subprocess.Popen[bytes]] = {}  # those still at work, by dtype


def begin(dtype: np.dtype[Any], *names: str) -> None:
    """Have those of the passes compiled that are not in the cache, if there is a CPU for it."""
    with _lock:
        new = [name for name in names if (dtype.name, name) not in _asked]
        if not new:
            return
        _asked.update((dtype.name, name) for name in new)
        missing = [name for name in new if not is_ready(name, dtype)]
        if not missing:
            return
        jit.announce_compilation(certain=True)
        if jit.CACHE_FOLDER is not None and usable_cpus() > 1 and _is_python():
            _start(dtype, missing)


def _is_python() -> bool:
    """Whether sys.executable is Python, and not a program with Python in it, which would run once more."""
    return Path(sys.executable or "").stem.lower().startswith("python") and not hasattr(sys, "frozen")


def _start(dtype: np.dtype[Any], names: list[str]) -> None:
    path = [entry for entry in sys.path if isinstance(entry, str)]
    program = PROGRAM.format(path=path, dtype=dtype.name, names=names, folder=str(jit.CACHE_FOLDER))
    # No more processes may be to be had.
    with contextlib.suppress(OSError):
        _processes[dtype.name] = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,  # it sees by its end that this process has ended
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
        )


def wait(dtype: np.dtype[Any], name: str) -> None:
    """Until a pass that is being compiled elsewhere is in the cache, but not for ever."""
    process = _processes.get(dtype.name)
    if process is None:
        return
    end = time.monotonic() + LONGEST_WAIT
    while process.poll() is None and not is_ready(name, dtype) and time.monotonic() < end:
        time.sleep(BETWEEN_LOOKS)
    if process.poll() is not None or time.monotonic() >= end:
        _end(dtype.name)


@atexit.register
def _end_all() -> None:
    for dtype in list(_processes):
        _end(dtype)


def _end(dtype: str) -> None:
    process = _processes.pop(dtype, None)
    if process is not None:  # nobody else has ended it
        process.kill()
        process.communicate()


# ---- the second process -----------------------------------------------------------------------------------


def serve(dtype: str, names: list[str], folder: str) -> None:
    """Compile passes, unless this process would leave them elsewhere; end when the first process does."""
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    if str(jit.CACHE_FOLDER) == folder:
        for name in names:
            make_ready(name, np.dtype(dtype))


def _end_with_the_first() -> None:
    os.read(0, 1)
    os._exit(0)
