"""L-BFGS as a training run: an epoch is one iteration over all rows; see `fastnn.trainer.lbfgs_steps`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn.backends import Array, Backend, Parameters, nothing
from fastnn.backends.numpy_updates import penalty
from fastnn.errors import InputError, MissingDependencyError
from fastnn.inputs import CLASSIFIER_LOSSES, all_finite, is_word
from fastnn.inputs.options import brief
from fastnn.optimizers import LBFGS
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings
from fastnn.schedules import Constant, Schedule
from fastnn.trainer.lbfgs_steps import Iterate, iterate


def check_options(
    batch_size: Any, learning_rate: Any, schedule: Schedule, regularisation: Regularisation
) -> None:
    """Raise InputError for an argument of train() that means nothing to L-BFGS; also looks for SciPy."""
    require_scipy()
    if not (batch_size is None or is_word(batch_size, "auto", "full")):
        raise _refused("batch_size", batch_size, "takes all rows at once: leave it out, or pass 'full'")
    if not is_word(learning_rate, "auto"):
        raise _refused("learning_rate", learning_rate, "finds the length of each step itself: leave it out")
    if type(schedule) is not Constant:
        raise _refused("schedule", schedule, "finds the length of each step itself: leave it out")
    if regularisation.drops:
        shares = regularisation.dropout
        name, share = ("input_dropout", shares[0]) if shares[0] else ("dropout", max(shares[1:]))
        raise _refused(name, share, "needs a loss that stays the same: take l2 instead")
    for name in ("max_norm", "weight_decay", "clip_norm", "clip_value"):
        if getattr(regularisation, name):
            instead = "leave it out" if name.startswith("clip") else "take l2 instead"
            raise _refused(name, getattr(regularisation, name), f"cannot do that: {instead}")


def require_scipy() -> None:
    """Raise MissingDependencyError, saying how to install it, where SciPy does not import."""
    try:
        import scipy.optimize  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"optimizer='lbfgs' needs SciPy ({str(error).splitlines()[0]}): pip install \"fastnn[lbfgs]\""
        ) from None


def _refused(name: str, value: Any, why: str) -> InputError:
    return InputError(f"{name}={brief(value)} does not go with optimizer='lbfgs', which {why}")


def _start(parameters: Array, number: int = 0) -> Iterate:
    return Iterate(parameters, float("nan"), np.zeros_like(parameters), number=number)


@dataclass(frozen=True)
class _Rows:
    """The rows of `order`, in float64; images stay uint8, the backend scales them."""

    order: Array
    X: Array
    y: Array
    weights: Array | None

    @classmethod
    def taken(cls, order: Array, X: Array, y: Array, weights: Array | None) -> _Rows:
        """From all the data; without copying where these are all rows, and float64 already."""
        if not np.array_equal(order, np.arange(len(X))):
            X, y, weights = X[order], y[order], None if weights is None else weights[order]
        return cls(
            order.copy(), as_float64(X), as_float64(y), None if weights is None else as_float64(weights)
        )


def as_float64(array: Array) -> Array:
    """Floats in float64, not copied where they are; anything else as it is."""
    return array.astype(np.float64, copy=False) if array.dtype.kind == "f" else array


class Run:
    """See numpy_backend.Run. Works on float64 copies of the parameters, whatever the network's type.

    In float32 the loss is too rough for the search near the minimum. `write_back` rounds.

    converged   whether the training has come to its end
    """

    def __init__(
        self,
        backend: Backend,
        network: Parameters,
        X: Array,
        y: Array,
        settings: RunSettings,
        weights: Array | None = None,
    ) -> None:
        require_scipy()
        assert isinstance(settings.optimizer, LBFGS)
        self._memory = settings.optimizer.memory
        self._backend, self._network, self._regularisation = backend, network, settings.regularisation
        self._X, self._y, self._weights = X, y, weights
        self._rows: _Rows | None = None
        self.penalties = np.zeros(1)
        self._flat, self._twin = twin_of(network)
        self._at = _start(self._flat)
        self.read_weights()
        self._kept = self._at

    @property
    def converged(self) -> bool:
        """Whether there is no more to gain."""
        return self._at.converged

    @property
    def step(self) -> int:
        """Iterations done."""
        return self._at.number

    def epoch(
        self, order: Array, learning_rates: Array, between: Callable[[], None] = nothing
    ) -> tuple[Array, int]:
        """One iteration on the rows of `order`: ((1,) loss before it, correctly classified rows before it).

        `learning_rates` is (1,) and 1, for the search finds the length of the step: anything else is refused.
        """
        if not np.all(learning_rates == 1.0):
            raise InputError(
                "optimizer='lbfgs' finds the length of each step itself, so nothing can change learning_rate "
                "during training"
            )
        if self._rows is None or not np.array_equal(order, self._rows.order):
            self._rows = _Rows.taken(order, self._X, self._y, self._weights)
        rows, at = self._rows, self._at

        def measure(parameters: Array) -> tuple[float, Array]:
            between()
            return self._loss_and_gradient(parameters)

        if np.isnan(at.loss):
            loss, gradient = measure(at.parameters)
            at = replace(at, loss=loss, gradient=gradient)
        self._flat[:] = at.parameters
        n_correct = 0
        if self._network.loss_name in CLASSIFIER_LOSSES:
            _, n_correct = self._backend.evaluate(self._twin, rows.X, rows.y, rows.weights)
        without_penalty = at.loss - penalty(
            self._twin.weights, self._regularisation.l2, self._regularisation.l1
        )
        if np.isfinite(at.loss):
            at = iterate(at, measure, self._memory)
        self._at = at
        return np.array([without_penalty]), n_correct

    def state(self) -> dict[str, Array]:
        """Everything in an `Iterate`, of shapes that depend on nothing but the network and the memory."""
        at, n_parameters = self._at, len(self._flat)
        arrays = {
            "step": np.array(at.number),
            "converged": np.array(at.converged),
            "parameters": at.parameters.copy(),
            "loss": np.array(at.loss),
            "gradient": at.gradient.copy(),
            "n_pairs": np.array(len(at.steps)),
        }
        for name, pairs in (("steps", at.steps), ("changes", at.changes)):
            arrays[name] = np.zeros((self._memory, n_parameters))
            arrays[name][: len(pairs)] = pairs or 0
        return arrays

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        """Carry on from what `state` returned."""
        n_pairs = int(arrays["n_pairs"])
        self._at = Iterate(
            np.array(arrays["parameters"]),
            float(arrays["loss"]),
            np.array(arrays["gradient"]),
            tuple(np.array(arrays["steps"][:n_pairs])),
            tuple(np.array(arrays["changes"][:n_pairs])),
            int(arrays["step"]),
            bool(arrays["converged"]),
        )

    def keep(self) -> bool:
        """Remember the iterate, if its parameters are all finite: True if so."""
        if not all_finite(self._at.parameters):
            return False
        self._kept = self._at
        return True

    def restore(self) -> None:
        """Go back to the iterate that was remembered last."""
        self._at = self._kept
        self.write_back()

    def read_weights(self) -> None:
        """Take over the network's weights and biases, and begin without memory there."""
        self._at = _start(flattened(self._network), self._at.number)

    def write_back(self) -> None:
        """Round the parameters into the network's arrays."""
        self._flat[:] = self._at.parameters
        for own, array in zip(
            [*self._twin.weights, *self._twin.biases],
            [*self._network.weights, *self._network.biases],
            strict=True,
        ):
            array[...] = own

    def close(self) -> None:
        """Free the copies of the data."""
        self._rows = None

    def _loss_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        assert self._rows is not None
        self._flat[:] = parameters
        loss, dWs, dbs = self._backend.loss_and_gradients(
            self._twin, self._rows.X, self._rows.y, self._rows.weights, self._regularisation
        )
        gradient = np.concatenate([array.reshape(-1) for array in (*dWs, *dbs)])
        return (float(loss), gradient) if np.isfinite(loss) else (float("inf"), gradient)


def flattened(network: Parameters) -> Array:
    """All parameters in one new float64 vector, weights before biases."""
    return np.concatenate([array.ravel() for array in (*network.weights, *network.biases)]).astype(np.float64)


def twin_of(network: Parameters) -> tuple[Array, Parameters]:
    """(`flattened` parameters, a network whose weights and biases are views of them)."""
    twin: Parameters = copy.copy(network)
    arrays, flat = [*network.weights, *network.biases], flattened(network)
    parts = np.split(flat, np.cumsum([array.size for array in arrays])[:-1])
    views = [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]
    twin.weights, twin.biases = views[: len(network.weights)], views[len(network.weights) :]
    twin.prepared = None
    return flat, twin
