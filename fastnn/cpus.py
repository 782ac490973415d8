"""How many CPUs this process may really use."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from math import ceil
from pathlib import Path

# What may say how many threads a process gets. joblib sets both in its loky workers, to CPUs // n_jobs or to
# its inner_max_num_threads; Dask sets OMP_NUM_THREADS to 1 in its worker processes.
THREAD_LIMITS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def usable_cpus() -> int:
    """CPUs by the affinity mask, but no more than the container's quota or `thread_limit`; at least 1."""
    limit = thread_limit()
    return granted_cpus() if limit is None else min(granted_cpus(), limit)


def granted_cpus() -> int:
    """CPUs by the affinity mask and the container's quota of CPU time; at least 1. More threads only wait."""
    quota = cgroup_quota()
    return affinity() if quota is None else max(1, min(affinity(), ceil(quota)))


def affinity() -> int:
    """CPUs this process may be scheduled on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limit() -> int | None:
    """The least of what THREAD_LIMITS say in the environment, or None for no limit.

    Of a list such as OMP_NUM_THREADS=4,2 (threads within threads) the first number counts. What is not a
    whole number of 1 or more limits nothing, as with OpenMP.
    """
    said = [os.environ.get(name, "").partition(",")[0].strip() for name in THREAD_LIMITS]
    limits = [int(number) for number in said if number.isdecimal() and int(number) > 0]
    return min(limits, default=None)


@lru_cache
def cgroup_quota() -> float | None:
    """How many CPUs' worth of time a container is given (cgroup v2, then v1), or None for no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        folder = Path("/sys/fs/cgroup/cpu")
        granted = int((folder / "cpu.cfs_quota_us").read_text())
        return granted / int((folder / "cpu.cfs_period_us").read_text()) if granted > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def cpu_name() -> str:
    """What the CPU is called."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown CPU"
