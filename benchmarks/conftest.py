"""Fixtures of the benchmarks: the two backends, and the context that each saved figure carries."""

import os
import platform

import numpy as np
import pytest

from fastnn import backends


def pytest_benchmark_update_machine_info(config, machine_info):
    """Add what decides the speed of NumPy and Numba to the saved JSON."""
    machine_info["fastnn"] = {
        "numpy": np.__version__,
        "numba": _numba_version(),
        "blas": np.show_config(mode="dicts")["Build Dependencies"]["blas"].get("name", "unknown"),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": platform.platform(),
    }


def _numba_version():
    if "numba" not in backends.available():
        return None
    import numba

    return numba.__version__


@pytest.fixture(params=backends.NAMES)
def backend_name(request):
    if request.param not in backends.available():
        pytest.skip(f"backend {request.param} does not import here")
    return request.param


@pytest.fixture
def backend(backend_name):
    return backends.get(backend_name)[1]


@pytest.fixture(scope="session")
def peak():
    """GFLOP/s of one thread, measured when it is asked for: the best so far of some probes now and before."""
    probes = []

    def measured():
        from benchmarks.peak import Probe

        if not probes:
            probes.append(Probe(1))
        for _ in range(10):
            probes[0]()
        return probes[0].best

    yield measured
    for probe in probes:
        probe.close()
