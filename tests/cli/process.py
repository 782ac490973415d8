"""Runs the command line as its users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import fastnn

ROOT = Path(fastnn.__file__).parents[1]
# Settings of the machine that runs the tests which would change what the command prints, or slow its start.
DROPPED = ("NO_COLOR", "PYTHONWARNINGS", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def environment(**changes: str) -> dict[str, str]:
    """The NumPy backend (it starts fast), 80 columns, no colours; `changes` last."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    fixed = {
        "PYTHONPATH": str(ROOT),
        "FASTNN_BACKEND": "numpy",
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return {**kept, **fixed, **changes}


def run(*arguments: object, folder: Path | None = None, **changes: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "fastnn", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env=environment(**changes),
        cwd=folder,
        timeout=120,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def succeeds(*arguments: object, folder: Path | None = None, **changes: str) -> Result:
    """Run, and insist on status 0 and a silent stderr."""
    result = run(*arguments, folder=folder, **changes)
    assert (result.status, result.err) == (0, ""), result
    return result


def fails(*arguments: object, folder: Path | None = None, **changes: str) -> str:
    """Run, insist on status 2 and on exactly one line on stderr, and return that line."""
    result = run(*arguments, folder=folder, **changes)
    assert result.status == 2, result
    assert result.err.startswith("fastnn: "), result
    assert result.err.count("\n") == 1, result
    return result.err.rstrip("\n")


def hide(package: str, folder: Path) -> dict[str, str]:
    """Environment in which importing `package` fails."""
    (folder / f"{package}.py").write_text(f'raise ImportError("No module named {package!r}")')
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
