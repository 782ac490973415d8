"""The fast backend: the specification's functions on compiled kernels, and a whole epoch in one call.

Every function means what its namesake in `numpy_backend` says; only this file imports `fastnn.kernels`.
"""

from __future__ import annotations

import operator
import time
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from fastnn.backends import Array, Parameters, RunSettings
from fastnn.backends.team_size import TeamSize
from fastnn.cpus import usable_cpus
from fastnn.kernels import jit, leaves
from fastnn.kernels.activations import CODES
from fastnn.kernels.epoch import train_rows
from fastnn.kernels.forward import forward_rows
from fastnn.kernels.predict import make_plan, predict_directly
from fastnn.kernels.sparsity import PLAN_FIELDS, Sparsity
from fastnn.kernels.table import kernel_table
from fastnn.kernels.team import Team
from fastnn.kernels.tiles import tile_bank
from fastnn.kernels.updates import sgd_update as update_flat
from fastnn.kernels.workspace import CHUNK, Workspace

# A second thread pays once a step is long against its meetings and the cache lines that move between cores:
# 784-10-10 in batches of 64 (3 MFLOP a step) gains nothing, 784-128-10 in batches of 32 (20) gains 1.4×, by
# the rows "1 thread" and "2 threads" of benchmarks/side_by_side.py.
FLOPS_PER_THREAD = 4e6

# Up to so many rows are predicted straight from the network's own arrays; packing them pays only beyond.
FEW_ROWS = 64

# ---- leaf kernels -----------------------------------------------------------------------------------------


def dense_forward(X: Array, W: Array, b: Array) -> Array:
    """See numpy_backend.dense_forward."""
    return leaves.dense_forward(X, W, b)


def dense_backward(
    X: Array, W: Array, dZ: Array, *, input_gradient: bool = True
) -> tuple[Array, Array, Array | None]:
    """See numpy_backend.dense_backward."""
    dW, db = leaves.dense_backward_weights(X, dZ)
    return dW, db, leaves.dense_backward_input(dZ, W) if input_gradient else None


def relu(Z: Array) -> Array:
    """See numpy_backend.relu."""
    return leaves.activation("relu", Z)


def relu_derivative(Z: Array) -> Array:
    """See numpy_backend.relu_derivative."""
    return activation_derivative("relu", Z)


def tanh(Z: Array) -> Array:
    """See numpy_backend.tanh."""
    return leaves.activation("tanh", Z)


def tanh_derivative(Z: Array) -> Array:
    """See numpy_backend.tanh_derivative."""
    return activation_derivative("tanh", Z)


def logistic(Z: Array) -> Array:
    """See numpy_backend.logistic."""
    return leaves.activation("logistic", Z)


def logistic_derivative(Z: Array) -> Array:
    """See numpy_backend.logistic_derivative."""
    return activation_derivative("logistic", Z)


def identity(Z: Array) -> Array:
    """See numpy_backend.identity."""
    return leaves.activation("identity", Z)


def identity_derivative(Z: Array) -> Array:
    """See numpy_backend.identity_derivative."""
    return activation_derivative("identity", Z)


def activate(name: str, Z: Array) -> Array:
    """See numpy_backend.activate."""
    return leaves.activation(name, Z)


def activation_derivative(name: str, Z: Array) -> Array:
    """See numpy_backend.activation_derivative; computed from A = g(Z), as in the epoch."""
    return leaves.activation_derivative(name, leaves.activation(name, Z))


def softmax(logits: Array) -> Array:
    """See numpy_backend.softmax."""
    return leaves.softmax(logits)


def softmax_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """See numpy_backend.softmax_cross_entropy."""
    return leaves.softmax_cross_entropy(logits, np.ascontiguousarray(labels, np.int64))


def squared_error(outputs: Array, targets: Array) -> tuple[float, Array]:
    """See numpy_backend.squared_error."""
    return leaves.squared_error(outputs, np.ascontiguousarray(targets, outputs.dtype))


def sgd_update(parameter: Array, gradient: Array, learning_rate: float) -> None:
    """See numpy_backend.sgd_update; `parameter` must be C-contiguous, for it is updated in place."""
    flat = parameter.reshape(-1)
    update_flat(flat, np.ascontiguousarray(gradient).reshape(-1), parameter.dtype.type(learning_rate))


# ---- the whole network ------------------------------------------------------------------------------------


def loss_and_gradients(network: Parameters, X: Array, y: Array) -> tuple[float, list[Array], list[Array]]:
    """See numpy_backend.loss_and_gradients."""
    run = Run(network, X, y, RunSettings(batch_size=len(X), threads=1), gradients=True)
    loss, _ = run.accumulate(np.arange(len(X)))
    dWs, dbs = [np.empty_like(W) for W in network.weights], [np.empty_like(b) for b in network.biases]
    run.workspace.read_gradients(dWs, dbs)
    run.close()
    return loss, dWs, dbs


def predict(network: Parameters, X: Array) -> Array:
    """See numpy_backend.predict. A few rows take a path of their own, with the same bits."""
    outputs = np.empty((len(X), network.weights[-1].shape[1]), network.weights[0].dtype)
    # Another type of array (read-only, say) would be another compilation.
    if len(X) <= FEW_ROWS and X.flags.writeable:
        plan = _plan(network)
        if plan.direct:
            scale = plan.uint8_scale if X.dtype == np.uint8 else plan.one
            with plan.lock:  # its buffers are one caller's at a time, and kernels run without the GIL
                predict_directly(plan.table, X, scale, outputs)
            return outputs
    _forward(network, X, None, outputs)
    return outputs


class _Plan:
    """Where the weights of a network lie: made once, and again when an array has been replaced."""

    def __init__(self, network: Parameters) -> None:
        self.arrays = [*network.weights, *network.biases]
        self.table, self._memory = make_plan(
            network.weights, network.biases, CODES[network.activation], network.loss_name == "cross_entropy"
        )
        # Arrays that a user put in place of the network's own may lie in any order.
        self.direct = all(array.flags.c_contiguous for array in self.arrays)
        scalar = self.arrays[0].dtype.type
        self.one = scalar(1)
        self.lock = Lock()
        self.uint8_scale = scalar(1.0 if network.input_scale is None else network.input_scale)

    def fits(self, network: Parameters) -> bool:
        """Whether the network still holds the very arrays this plan has the addresses of."""
        return all(map(operator.is_, self.arrays, chain(network.weights, network.biases)))


def _plan(network: Parameters) -> _Plan:
    plan = network.prepared
    if not isinstance(plan, _Plan) or not plan.fits(network):
        plan = network.prepared = _Plan(network)
    return plan


def evaluate(network: Parameters, X: Array, y: Array) -> tuple[float, int]:
    """See numpy_backend.evaluate."""
    return _forward(network, X, _targets(network, y), None)


def _forward(
    network: Parameters, X: Array, targets: Array | None, outputs: Array | None
) -> tuple[float, int]:
    """One pass over the rows of X: (mean loss, correct rows), meaningful with `targets`; fills `outputs`."""
    sizes, dtype = _sizes(network), network.weights[0].dtype
    n_threads = min(len(X), _threads(None, 2 * len(X) * sum(W.size for W in network.weights)))
    workspace = Workspace(sizes, dtype, rows=min(CHUNK, len(X)), threads=n_threads, training=False)
    workspace.write(network.weights, network.biases)
    kernels, bank = _kernels(network, X, training=False), tile_bank(dtype)
    dense = np.zeros(PLAN_FIELDS, np.int64)
    team, order, losses = Team(n_threads), np.arange(len(X)), np.zeros(len(X))

    def work(thread: int) -> int:
        return forward_rows(
            thread,
            n_threads,
            workspace.layers,
            kernels,
            bank,
            workspace.inputs[thread],
            dense,
            workspace.scratch[thread],
            X.ctypes.data,
            0 if targets is None else targets.ctypes.data,
            order,
            losses,
            workspace.rows,
            CODES[network.activation],
            _scale(network, X),
            workspace.like,
            0 if outputs is None else outputs.ctypes.data,
        )

    n_correct = sum(team.run(work))
    team.close()
    return float(losses.cumsum()[-1]) / len(X), n_correct


# ---- start-up ---------------------------------------------------------------------------------------------


def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None where no folder can be written."""
    return jit.CACHE_FOLDER


def compile_kernels(dtype: Any = "float32") -> None:
    """Compile, or load from the cache, all that training and predicting in `dtype` need."""
    dtype, generator = np.dtype(dtype), np.random.default_rng(0)
    for loss_name, y in (("cross_entropy", np.arange(4)), ("squared_error", np.zeros((4, 4), dtype))):
        for activation in CODES:
            for data_type in (np.dtype(np.uint8), dtype):
                network = _Shape(loss_name, activation, dtype, generator)
                X = np.ones((4, 4), data_type)
                run = open_run(network, X, y, RunSettings(batch_size=4))
                run.epoch(np.arange(4), 0.1)
                run.close()
                evaluate(network, X, y)
                predict(network, X)


class _Shape:
    """A small network, only there to have its kernels compiled."""

    def __init__(self, loss_name: str, activation: str, dtype: Any, generator: np.random.Generator) -> None:
        self.weights = [generator.standard_normal((4, 4)).astype(dtype) for _ in range(2)]
        self.biases = [np.zeros(4, dtype) for _ in range(2)]
        self.activation, self.loss_name = activation, loss_name
        self.input_scale: float | None = None
        self.prepared: Any = None


# ---- training ---------------------------------------------------------------------------------------------


class Run:
    """See numpy_backend.Run. The parameters live in panels of this run's own until `write_back`."""

    def __init__(
        self, network: Parameters, X: Array, y: Array, settings: RunSettings, *, gradients: bool = False
    ) -> None:
        dtype = network.weights[0].dtype
        chunk = min(settings.batch_size, CHUNK)
        n_threads = _threads(settings.threads, 6 * settings.batch_size * sum(W.size for W in network.weights))
        self._network, self._X, self._targets = network, X, _targets(network, y)
        self._batch_size = settings.batch_size
        self.workspace = Workspace(
            _sizes(network),
            dtype,
            rows=chunk,
            threads=n_threads,
            gradients=gradients or settings.batch_size > chunk,
        )
        self.workspace.write(network.weights, network.biases)
        self._team = Team(n_threads)
        self._team_size = TeamSize(n_threads, fixed=settings.threads is not None)
        self._sparsity = Sparsity(X, dtype, len(network.biases[0]), chunk, n_threads, self._team.run)
        self._kernels = _kernels(network, X, training=True, sparse=self._sparsity.active)
        self._bank = tile_bank(dtype, listed=self._sparsity.active)

    def epoch(self, order: Array, learning_rate: float) -> tuple[float, int]:
        """See numpy_backend.Run.epoch: one call into compiled code for each thread."""
        return self._train(order, learning_rate, descend=True)

    def accumulate(self, order: Array) -> tuple[float, int]:
        """Leave the gradients of one batch in the workspace, without a step."""
        return self._train(order, 0.0, descend=False)

    def _train(self, order: Array, learning_rate: float, *, descend: bool) -> tuple[float, int]:
        workspace, team, n_threads = self.workspace, self._team, self._team_size.choose()
        order, losses = np.ascontiguousarray(order, np.int64), np.empty(len(order))
        data_scale, rate = _scale(self._network, self._X), workspace.dtype.type(learning_rate)

        def work(thread: int) -> int:
            return train_rows(
                thread,
                n_threads,
                workspace.layers,
                self._kernels,
                self._bank,
                workspace.inputs[thread],
                self._sparsity.plans[thread],
                workspace.scratch[thread],
                workspace.zeros,
                self._X.ctypes.data,
                self._targets.ctypes.data,
                order,
                losses,
                self._batch_size,
                workspace.rows,
                CODES[self._network.activation],
                data_scale,
                rate,
                int(descend),
                team.flags,
                team.spins,
            )

        start = time.perf_counter()
        n_correct = sum(team.run(work, n_threads))
        self._team_size.record(n_threads, len(order), time.perf_counter() - start)
        return float(losses.cumsum()[-1]) / len(order), n_correct  # cumsum adds in the order of the rows

    def write_back(self) -> None:
        """Copy this run's parameters into the network's arrays."""
        self.workspace.read(self._network.weights, self._network.biases)

    def close(self) -> None:
        """End the threads and free the memory."""
        self._team.close()
        del self.workspace


def open_run(network: Parameters, X: Array, y: Array, settings: RunSettings) -> Run:
    """See numpy_backend.open_run."""
    return Run(network, X, y, settings)


def _sizes(network: Parameters) -> tuple[int, ...]:
    return (network.weights[0].shape[0], *(W.shape[1] for W in network.weights))


def _kernels(network: Parameters, X: Array, *, training: bool, sparse: bool = False) -> Array:
    deep = len(network.weights) > 1
    return kernel_table(
        network.weights[0].dtype,
        X.dtype,
        CODES[network.activation],
        network.loss_name,
        deep,
        training,
        sparse,
    )


def _targets(network: Parameters, y: Array) -> Array:
    """Labels as int64 or targets in the network's type, contiguous, for their address is what kernels get."""
    classifier = network.loss_name == "cross_entropy"
    return np.ascontiguousarray(y, np.int64 if classifier else network.weights[0].dtype)


def _scale(network: Parameters, X: Array) -> Any:
    scale = network.input_scale if X.dtype == np.uint8 and network.input_scale is not None else 1.0
    return network.weights[0].dtype.type(scale)


def _threads(wanted: int | None, flops: float) -> int:
    """Threads to use for so much work between two meetings: what was asked for, or what pays."""
    if wanted is not None:
        return wanted
    return max(1, min(usable_cpus(), int(flops / FLOPS_PER_THREAD)))
