"""What benchmarks save: JSON files under benchmarks/results/, and what their figures depend on."""

import json
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.peak import cpus

OWN_PACKAGES = ("numba", "llvmlite", "numpy")


def machine(packages: Iterable[str] = OWN_PACKAGES) -> dict[str, Any]:
    """CPU, system, and the versions of `packages`."""
    try:
        from cpuinfo import get_cpu_info

        cpu = get_cpu_info().get("brand_raw")
    except ImportError:
        cpu = None
    return {
        "cpu": cpu or platform.processor() or platform.machine(),
        "cpus": cpus(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {package: metadata.version(package) for package in sorted(packages)},
    }


def save(path: Path | None, saved: dict[str, Any]) -> None:
    """Write JSON, and the folders above it; None: nothing was asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def save_part(path: Path | None, name: str, part: dict[str, Any]) -> None:
    """Write `part` under `name`, keeping what else the file holds."""
    if path is not None:
        others = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        save(path, others | {name: part})
