"""How many CPUs this process may really use."""

from __future__ import annotations

import os
from functools import lru_cache
from math import ceil
from pathlib import Path


def usable_cpus() -> int:
    """CPUs by the affinity mask, but no more than the container's quota of CPU time; at least 1."""
    quota = cgroup_quota()
    return affinity() if quota is None else max(1, min(affinity(), ceil(quota)))


def affinity() -> int:
    """CPUs this process may be scheduled on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
