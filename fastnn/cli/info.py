"""`fastnn info`: what a bug report needs to say about versions, machine and folders."""

from __future__ import annotations

import importlib
import os
import platform
from pathlib import Path
from typing import cast

import numpy as np

import fastnn
from fastnn import backends
from fastnn.cpus import affinity, cgroup_quota, cpu_name, usable_cpus
from fastnn.datasets.download import data_folders
from fastnn.errors import FastnnError


def info() -> None:
    """Print versions, CPU and folders, for a bug report.

    Examples:
      fastnn info
    """
    lines = {
        "fastnn": f"{fastnn.__version__} in {Path(fastnn.__file__).parent}",
        "Python": f"{platform.python_version()} ({platform.python_implementation()}), {platform.platform()}",
        "NumPy": np.__version__,
        "Numba": _numba(),
        "matplotlib": _version("matplotlib"),
        "CPU": f"{cpu_name()}, {platform.machine()}",
        "CPUs": _cpus(),
        "backend": _backend(),
        "threads": f"chosen by the work, at most {usable_cpus()}",
        "instructions": _instructions(),
        "kernel cache": _kernel_cache(),
        "data folder": str(data_folders("mnist")[-1].parent),
    }
    lines |= {
        name: value for name, value in sorted(os.environ.items()) if name.startswith(("FASTNN_", "NUMBA_"))
    }
    width = max(map(len, lines))
    print("\n".join(f"{name:{width}}  {value}" for name, value in lines.items()))


def _version(package: str) -> str:
    from importlib import metadata  # here, for it would slow down the start of every command

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _numba() -> str:
    """Numba's version, or why it does not import: only importing tells."""
    try:
        return str(importlib.import_module("numba").__version__)
    except Exception as error:  # parts of it that were built for another version raise all kinds
        return f"does not import: {next(iter(str(error).splitlines()), type(error).__name__)}"


def _backend() -> str:
    try:
        return f"auto means {backends.get('auto')[0]}"
    except FastnnError as error:
        return str(error)


def _cpus() -> str:
    text = f"{os.cpu_count()}, of which this process may use {affinity()}"
    quota = cgroup_quota()
    return text if quota is None else f"{text}, for the time of {quota:.3g} (container's quota)"


def _compiled() -> backends.CompiledBackend | None:
    try:
        return cast("backends.CompiledBackend", backends.get("numba")[1])
    except FastnnError:
        return None


def _instructions() -> str:
    backend = _compiled()
    return backend.instructions() if backend else "NumPy's"


def _kernel_cache() -> str:
    backend = _compiled()
    if backend is None:
        return "none, without Numba"
    folder = backend.cache_folder()
    return str(folder) if folder else "none: no folder can be written"
