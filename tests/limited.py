"""Runs code in a process of its own, with little memory or where files may not grow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
needs_limits = pytest.mark.skipif(os.name == "nt", reason="Windows has no resource limits of this kind")

HEAD = """
import resource, signal, sys
from pathlib import Path
import numpy as np
import fastnn
from fastnn.errors import FastnnError
from safetensors.numpy import load_file  # whatever is imported late would count

def little_memory(megabytes):
    # beside what the process has taken already
    taken = Path("/proc/self/statm")
    pages = int(taken.read_text().split()[0]) if taken.exists() else 2**20
    limit = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

def full_disk(n_bytes):
    # a file that would grow beyond it: "File too large", as "No space left" on a full disk
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

def refused(function, *arguments):
    try:
        function(*arguments)
    except FastnnError as error:
        return str(error)
    raise AssertionError(f"{arguments} was not refused")
"""


def run(code: str, *arguments: object, timeout: float = 300) -> str:
    """What `code`, which sees `arguments` in sys.argv, prints; AssertionError with its errors if it fails."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HEAD + code, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
