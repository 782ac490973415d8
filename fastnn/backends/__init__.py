"""The seam between trainer and arithmetic: what a backend must offer, and how to get one by name."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fastnn.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from fastnn.regularisation import Regularisation
    from fastnn.run_settings import RunSettings

Array = NDArray[Any]
# (loss, dWs, dbs) each time it is called; see numpy_backend.open_gradients.
Gradients = Callable[[], tuple[float, list[Array], list[Array]]]

# Simplest first. "auto" takes the fastest that imports.
NAMES = ("numpy", "numba")


def nothing() -> None:
    """Do nothing: for those who do not want to be called."""


class Parameters(Protocol):
    """What a backend reads of a network (`fastnn.Network` is one).

    weights     one (fan_in, fan_out) array a layer
    biases      one (fan_out,) array a layer
    activations name of g for each hidden layer; the output layer is linear, followed by the loss's own map
    loss_name   of `numpy_losses.LOSSES`
    huber_delta where the Huber loss turns from a parabola into a line
    input_scale what uint8 input is multiplied by (None: as it is); other input is used as given
    prepared    None at first: a place for what a backend derives from the weights and wants to keep
    """

    weights: list[Array]
    biases: list[Array]
    activations: tuple[str, ...]
    loss_name: str
    huber_delta: float
    input_scale: float | None
    prepared: Any


class Run(Protocol):
    """A training run: owns its memory, trains on the rows it is told, writes weights back when asked.

    penalties   (n_updates,) of the last `epoch`, see RunSettings.by_batch; zeros without
    """

    penalties: Array

    def epoch(
        self, order: Array, learning_rates: Array, between: Callable[[], None] = nothing
    ) -> tuple[Array, int]:
        """Train on the rows of `order`, one update a mini-batch: (mean losses, correctly classified rows).

        learning_rates (n_updates,) float64, one for each mini-batch, of which the last may be smaller; the
        losses come back in the same shape. They and the count are taken before each update, and leave out
        l2 and l1. `between` is called now and then where a mini-batch takes long: what it raises ends the
        call before that update is taken.
        """

    def state(self) -> dict[str, Array]:
        """Step count and optimizer arrays, by name: with the parameters all that decides how it goes on."""

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        """Carry on from what `state` returned, of either backend."""

    def keep(self) -> bool:
        """Remember the parameters, if they are all finite: True if so. For the end of every epoch: quick."""

    def restore(self) -> None:
        """Go back to the parameters that `keep` remembered last, and write them back."""

    def read_weights(self) -> None:
        """Take over the network's weights and biases, which somebody has changed."""

    def write_back(self) -> None:
        """Copy the run's weights and biases into the network, in place."""

    def close(self) -> None:
        """Free what the run holds; the network keeps the weights last written back."""


@runtime_checkable
class QuickRun(Run, Protocol):
    """A run that trains several epochs in one call: they may be so short that the Python between them counts.

    step   updates so far
    """

    step: int

    def epochs(self, orders: Array, learning_rates: Array, n_epochs: int) -> tuple[Array, Array]:
        """Train as so many calls of `epoch` do, each with its part of both arrays; the same bits.

        Returns (mean losses (n_epochs, n_updates), correctly classified rows (n_epochs,)).
        """


class Backend(Protocol):
    """Arithmetic, and nothing else: no epochs, shuffles, labels or files.

    Shapes: X (batch, fan_in), W (fan_in, fan_out), b (fan_out,), Z and A (batch, fan_out); dV = ∂loss/∂V.
    Labels are class indices, int64 (batch,); targets of a regression are (batch, n_outputs).
    `numpy_backend` is the specification; its docstrings hold for every backend.
    """

    def dense_forward(self, X: Array, W: Array, b: Array) -> Array: ...
    def dense_backward(
        self, X: Array, W: Array, dZ: Array, *, input_gradient: bool = True
    ) -> tuple[Array, Array, Array | None]: ...
    def activate(self, name: str, Z: Array) -> Array: ...
    def activation_derivative(self, name: str, Z: Array) -> Array: ...
    def softmax(self, logits: Array) -> Array: ...
    def softmax_cross_entropy(
        self, logits: Array, labels: Array, weights: Array | None = None, smoothing: float = 0.0
    ) -> tuple[float, Array]: ...
    def binary_cross_entropy(
        self, logits: Array, targets: Array, weights: Array | None = None, smoothing: float = 0.0
    ) -> tuple[float, Array]: ...
    def squared_error(
        self, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Array]: ...
    def absolute_error(
        self, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Array]: ...
    def huber(
        self, outputs: Array, targets: Array, weights: Array | None = None, delta: float = 1.0
    ) -> tuple[float, Array]: ...
    def poisson(
        self, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Array]: ...
    def sgd_update(self, parameter: Array, gradient: Array, learning_rate: float) -> None: ...
    def loss_and_gradients(
        self,
        network: Parameters,
        X: Array,
        y: Array,
        weights: Array | None = None,
        regularisation: Regularisation | None = None,
    ) -> tuple[float, list[Array], list[Array]]: ...
    def open_gradients(
        self,
        network: Parameters,
        X: Array,
        y: Array,
        weights: Array | None = None,
        regularisation: Regularisation | None = None,
    ) -> Gradients: ...
    def predict(self, network: Parameters, X: Array) -> Array: ...
    def evaluate(
        self, network: Parameters, X: Array, y: Array, weights: Array | None = None
    ) -> tuple[float, int]: ...
    def open_run(
        self,
        network: Parameters,
        X: Array,
        y: Array,
        settings: RunSettings,
        weights: Array | None = None,
    ) -> Run: ...


class CompiledBackend(Backend, Protocol):
    """A backend whose functions are compiled at first use and kept for later starts."""

    def cache_folder(self) -> Path | None: ...
    def instructions(self) -> str: ...
    def compile_kernels(self, dtype: Any = "float32") -> None: ...


def get(name: str = "auto") -> tuple[str, Backend]:
    """Return the backend `name` as (its name, the module that is the backend).

    "auto" is what the environment variable FASTNN_BACKEND says, else Numba where it imports, else NumPy.
    """
    came_from = "backend"
    if not isinstance(name, str):
        raise InputError(f"backend is of type {type(name).__name__}; use 'auto', 'numba' or 'numpy'")
    if name == "auto" and os.environ.get("FASTNN_BACKEND"):
        came_from, name = "FASTNN_BACKEND", os.environ["FASTNN_BACKEND"]
    if name == "auto":
        name = available()[-1]
    if name not in NAMES:
        raise InputError(f"{came_from}={name!r} is unknown; use 'auto', 'numba' or 'numpy'")
    return name, _load(name)


def available() -> tuple[str, ...]:
    """Names of the backends that work in this process, simplest first."""
    return tuple(name for name in NAMES if _why_missing(name) is None)


@lru_cache
def _load(name: str) -> Backend:
    problem = _why_missing(name)
    if problem is not None:
        raise MissingDependencyError(f"backend={name!r} {problem}, or use backend='numpy'")
    return cast(Backend, importlib.import_module(f"fastnn.backends.{name}_backend"))


def _why_missing(name: str) -> str | None:
    """What is wrong with the backend, and what to do about it; None: nothing."""
    if name != "numba":
        return None
    if _in_subinterpreter():
        return "does not work in a subinterpreter, for Numba hangs there; use the main one"
    # Numba refuses NumPy or Python versions it does not know with an error of its own, of any kind where
    # parts of it were built for other versions, so only importing tells.
    try:
        numba = importlib.import_module("numba")
    except Exception as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        return f"does not import here ({why}); install it"
    if numba.config.DISABLE_JIT:
        return "compiles nothing while NUMBA_DISABLE_JIT is set; unset it"
    return None


@lru_cache
def _in_subinterpreter() -> bool:
    """Whether this is not Python's main interpreter; mod_wsgi has others, for instance."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # since Python 3.13, and before
        with contextlib.suppress(ImportError):
            interpreters = importlib.import_module(name)
            return bool(interpreters.get_current() != interpreters.get_main())
    return False


def as_float(X: Array, input_scale: float | None, dtype: np.dtype[Any]) -> Array:
    """X as `dtype`: uint8 is multiplied by `input_scale`, anything else is used as given."""
    if X.dtype == np.uint8 and input_scale is not None:
        return np.multiply(X, dtype.type(input_scale), dtype=dtype)
    return X.astype(dtype, copy=False)


def state_names(n_layers: int) -> list[str]:
    """Names of all parameters in the order of optimizer state: weights.0, weights.1, …, biases.0, …"""
    return [f"{kind}.{layer}" for kind in ("weights", "biases") for layer in range(n_layers)]
