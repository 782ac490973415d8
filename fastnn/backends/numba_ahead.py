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
from fastnn.kernels.passes import is_ready, make_ready

LONGEST_WAIT = 180.0  # seconds
# On Windows nobody can replace a file of the cache while somebody looks into it.
BETWEEN_LOOKS = 0.25 if os.name == "nt" else 0.01
# By imports from where this process imports, wherever it was started.
PROGRAM = """
import sys
sys.path[:] = {path!r}
from fastnn.backends.numba_ahead import serve
serve({dtype!r}, {names!r}, {folder!r})
"""

# By dtype and name of a pass who has thought of it first, and the process that compiles it; that by this
# process's id, too, for if it forks, the other process is not the child's.
_claims: dict[tuple[str, str], object] = {}
_processes: dict[tuple[int, str, str], subprocess.Popen[bytes]] = {}


def begin(dtype: np.dtype[Any], name: str, *further: str) -> None:
    """Have a pass compiled that is soon needed, if it is not in the cache and there is a CPU for it.

    further   passes to compile after it, which will probably be needed, too
    """
    this_call = object()
    if _claims.setdefault((dtype.name, name), this_call) is not this_call or is_ready(name, dtype):
        return
    more = [one for one in further if _claims.setdefault((dtype.name, one), this_call) is this_call]
    jit.announce_compilation(certain=True)
    if jit.CACHE_FOLDER is not None and usable_cpus() > 1 and _is_python():
        _start(dtype, [name, *(one for one in more if not is_ready(one, dtype))])


def _is_python() -> bool:
    """Whether sys.executable is Python, and not a program with Python in it, which would run once more."""
    return Path(sys.executable or "").stem.lower().startswith("python") and not hasattr(sys, "frozen")


def _start(dtype: np.dtype[Any], names: list[str]) -> None:
    path = [entry for entry in sys.path if isinstance(entry, str)]
    program = PROGRAM.format(path=path, dtype=dtype.name, names=names, folder=str(jit.CACHE_FOLDER))
    with contextlib.suppress(OSError):  # no more processes are to be had
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,  # it sees by its end that this process has ended
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
        )
        _processes.update((_key(dtype, name), process) for name in names)


def _key(dtype: np.dtype[Any], name: str) -> tuple[int, str, str]:
    return os.getpid(), dtype.name, name


def wait(dtype: np.dtype[Any], name: str) -> None:
    """Until a pass that is being compiled elsewhere is in the cache, but not for ever."""
    process = _processes.get(_key(dtype, name))
    if process is None:
        return
    end = time.monotonic() + LONGEST_WAIT
    while not is_ready(name, dtype):
        if process.poll() is not None or time.monotonic() >= end:
            _end(process)
            return
        time.sleep(BETWEEN_LOOKS)
    _processes.pop(_key(dtype, name), None)
    if process not in _processes.values():  # it has nothing more to do
        _end(process)


@atexit.register
def _end_all() -> None:
    for process in {process for (pid, *_), process in _processes.items() if pid == os.getpid()}:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for key, other in list(_processes.items()):
        if other is process:
            _processes.pop(key, None)
    process.kill()
    process.communicate()


# ---- the second process -----------------------------------------------------------------------------------


def serve(dtype: str, names: list[str], folder: str) -> None:
    """Compile passes, unless this process would leave them elsewhere; end when the first process does."""
    # On Windows a thread that reads keeps libraries from being loaded; there it ends when it has compiled.
    if os.name != "nt":
        threading.Thread(target=_end_with_the_first, daemon=True).start()
    if str(jit.CACHE_FOLDER) == folder:
        for name in names:
            make_ready(name, np.dtype(dtype))
            if hasattr(os, "nice"):  # what was needed first is there, and may be at work
                os.nice(10)


def _end_with_the_first() -> None:
    os.read(0, 1)
    os._exit(0)
