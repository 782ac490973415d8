"""Says in one line how to install a package that was asked for and is not there."""

from __future__ import annotations

import importlib

from fastnn.errors import MissingDependencyError
from fastnn.inputs.options import first_line


def require(package: str, name: str, command: str) -> None:
    """Raise MissingDependencyError where `package`, called `name`, does not import; `command` installs it."""
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise MissingDependencyError(f"this needs {name} ({first_line(error)}): {command}") from None


def require_onnx() -> None:
    """The same for onnx."""
    require("onnx", "onnx", 'pip install "fastnn[onnx]"')


def require_torch() -> None:
    """The same for PyTorch."""
    require("torch", "PyTorch", "pip install torch")
