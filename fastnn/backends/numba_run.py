"""A training run on the compiled kernels: its memory, its threads, and one call for each part of an epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from fastnn.backends import Array, Parameters, nothing, numba_ahead, state_names
from fastnn.backends.numba_network import (
    byte_tiles_of,
    data_scale,
    first_layer,
    kernels_for,
    loss_option,
    set_activations,
    sizes_of,
    stored_slopes,
    targets_of,
)
from fastnn.backends.numba_parts import Part, most_rows, training_parts
from fastnn.backends.numba_recipe import extras, recipe, steps
from fastnn.backends.team_size import TeamSize
from fastnn.cpus import usable_cpus
from fastnn.inputs import all_finite
from fastnn.kernels.epoch import train_rows
from fastnn.kernels.jit import call_known
from fastnn.kernels.passes import PREDICTING, TRAINING
from fastnn.kernels.shards import shard_count
from fastnn.kernels.sparsity import Sparsity
from fastnn.kernels.step import Course, Masks, Net, Samples
from fastnn.kernels.target import SPEED
from fastnn.kernels.team import Team
from fastnn.kernels.tiles import tile_bank
from fastnn.kernels.updates import WEIGHT_SQUARES
from fastnn.kernels.workspace import CHUNK, Workspace
from fastnn.run_settings import RunSettings

# A second thread pays once a step is long against its meetings and the cache lines that move between cores:
# 20-64-64-2 in batches of 32 (1 MFLOP a step) loses, 784-128-10 in batches of 32 (20) gains 1.4×, by the rows
# "1 thread" and "2 threads" of benchmarks/side_by_side.py. Narrow first layers move few lines. That is where
# SPEED is 1; where it is a half, 20-64-64-2 in batches of 128 (4) gains 1.35×, 784-32-10 of 32 (5) 1.2×.
FLOPS_PER_THREAD, FLOPS_PER_NARROW_THREAD = 4e6 * SPEED, 1.5e6 * SPEED


class Run:
    """See numpy_backend.Run. The parameters live in panels of this run's own until `write_back`."""

    def __init__(
        self,
        network: Parameters,
        X: Array,
        y: Array,
        settings: RunSettings,
        weights: Array | None = None,
        *,
        gradients: bool = False,
    ) -> None:
        dtype = network.weights[0].dtype
        numba_ahead.begin(dtype, TRAINING, PREDICTING)
        flops = 6 * settings.batch_size * sum(W.size for W in network.weights)
        parameter_bytes = sum(W.nbytes for W in network.weights)
        self._shards = shard_count(settings.batch_size, parameter_bytes)
        first = first_layer(network, X, settings, sharded=self._shards > 0)
        n_threads = settings.threads or threads_for(
            flops, FLOPS_PER_NARROW_THREAD if first else FLOPS_PER_THREAD
        )
        chunk = min(settings.batch_size, CHUNK)
        if first == "exact":  # what is summed exactly must not depend on the number of threads
            chunk = CHUNK * n_threads
        self._network, self._X, self._targets = network, X, targets_of(network, y)
        self._weights = None if weights is None else np.ascontiguousarray(weights, dtype)
        # Looking up three addresses would take as long as a mini-batch of a small network.
        self._addresses = tuple(
            0 if array is None else array.ctypes.data for array in (self._X, self._targets, self._weights)
        )
        self._settings, self.step, self.penalties = settings, 0, np.zeros(0)
        self._most_rows = most_rows(network, flops_per_weight=6)
        wanted = extras(settings, sharded=self._shards > 0)
        self._recipe = recipe(settings, dtype)
        self.workspace = Workspace(
            sizes_of(network),
            dtype,
            rows=chunk,
            threads=n_threads,
            gradients=self._shards or int(gradients or settings.batch_size > chunk or "clip_norm" in wanted),
            slots=len(settings.optimizer.slots),
            slopes=stored_slopes(network, settings.regularisation),
            extras=bool(wanted),
            first=first,
        )
        set_activations(self.workspace, network, settings.regularisation)
        self.read_weights()
        self._team = Team(n_threads)
        self._team_size = TeamSize(n_threads, fixed=settings.threads is not None)
        self._sparsity = Sparsity(
            X, dtype, len(network.biases[0]), chunk, n_threads, self._team.run, narrow=first is not None
        )
        self._own = self.workspace.own(self._sparsity.plans)
        sparse = self._sparsity.active
        self._net = Net(
            self.workspace.layers,
            kernels_for(network, X, training=True, sparse=sparse, first=first, extras=wanted),
            tile_bank(dtype, listed=sparse, bytes_as=byte_tiles_of(first, dtype)),
            self.workspace.zeros,
            self.workspace.like,
        )
        numba_ahead.wait(dtype, TRAINING)

    def epoch(
        self, order: Array, learning_rates: Array, between: Callable[[], None] = nothing
    ) -> tuple[Array, int]:
        """See numpy_backend.Run.epoch: one call into compiled code a thread, more for a large batch."""
        losses, correct = self._train(order, learning_rates, 1, between, descend=True)
        return losses, int(correct[0])

    def epochs(self, orders: Array, learning_rates: Array, n_epochs: int) -> tuple[Array, Array]:
        """See QuickRun.epochs."""
        losses, correct = self._train(orders, learning_rates, n_epochs, nothing, descend=True)
        return losses.reshape(n_epochs, -1), correct

    def accumulate(self, order: Array) -> tuple[float, int]:
        """Leave the gradients of one batch in the workspace, without a step: (mean loss, correct rows)."""
        losses, correct = self._train(order, np.zeros(1), 1, nothing, descend=False)
        return float(losses[0]), int(correct[0])

    def _train(
        self,
        order: Array,
        rates: Array,
        n_epochs: int,
        between: Callable[[], None],
        *,
        descend: bool,
    ) -> tuple[Array, Array]:
        workspace, team, n_threads = self.workspace, self._team, self._team_size.choose()
        order, losses = np.ascontiguousarray(order, np.int64), np.empty(len(order))
        correct, n_rows = np.zeros(n_epochs, np.int64), len(order) // n_epochs
        found = np.zeros((n_threads, n_epochs), np.int64)
        divisors = self._divisors(order, n_epochs)
        numbers = steps(self._settings, rates, divisors, self.step, workspace.dtype)
        scalar, scale = workspace.dtype.type, data_scale(self._network, self._X)
        data, targets, weights = self._addresses
        chunk = workspace.rows // team.threads if self._shards else workspace.rows
        option = scalar(loss_option(self._network, self._settings.regularisation.label_smoothing))

        def work(part: Part, thread: int) -> None:
            rows = order[part.rows]
            arguments = (
                self._net,
                team.member(thread, n_threads),
                self._own[thread],
                Samples(data, scale, rows, targets, weights, option, losses[part.rows], found[thread]),
                Course(
                    len(rows) // n_epochs,
                    self._settings.batch_size,
                    chunk,
                    self._shards,
                    part.done,
                    part.up_to,
                    int(descend),
                ),
                self._recipe,
                numbers[part.update :],
                Masks(self._settings.dropout_seed, self.step),
            )
            call_known(train_rows, workspace.dtype, *arguments)

        seconds = 0.0
        batch_size = self._settings.batch_size
        for part in training_parts(n_rows, batch_size, self._shards, self._most_rows, n_epochs):
            between()
            start = time.perf_counter()
            team.run(partial(work, part), n_threads)
            correct += found.sum(axis=0)
            seconds += time.perf_counter() - start
            self.step += part.updates
        self._team_size.record(n_threads, len(order), seconds)
        starts = np.arange(0, len(order), n_rows)[:, None] + np.arange(0, n_rows, batch_size)
        sums = np.add.reduceat(losses, starts.ravel())
        self.penalties = np.zeros(len(divisors))
        if self._settings.by_batch:
            squares = numbers[:, WEIGHT_SQUARES].astype(np.float64)
            self.penalties = 0.5 * self._settings.regularisation.l2 * squares / divisors
        return sums / divisors, correct  # the rows' losses are weighted already

    def _divisors(self, order: Array, n_epochs: int) -> Array:
        """See RunSettings.divisors: those of several epochs, one after the other."""
        orders = order.reshape(n_epochs, -1)
        return np.concatenate([self._settings.divisors(one, self._weights) for one in orders])

    def state(self) -> dict[str, Array]:
        """See numpy_backend.Run.state; the arrays come out of their panels."""
        arrays = {"step": np.array(self.step)}
        names = state_names(len(self._network.weights))
        for number, slot in enumerate(self._settings.optimizer.slots):
            weights = [np.empty_like(W) for W in self._network.weights]
            biases = [np.empty_like(b) for b in self._network.biases]
            self.workspace.read_slot(number, weights, biases)
            arrays |= {f"{slot}.{name}": a for name, a in zip(names, [*weights, *biases], strict=True)}
        return arrays

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        """See numpy_backend.Run.set_state."""
        self.step = int(arrays["step"])
        names = state_names(len(self._network.weights))
        for number, slot in enumerate(self._settings.optimizer.slots):
            own = [np.ascontiguousarray(arrays[f"{slot}.{name}"], self.workspace.dtype) for name in names]
            n_layers = len(self._network.weights)
            self.workspace.write_slot(number, own[:n_layers], own[n_layers:])

    def keep(self) -> bool:
        """See numpy_backend.Run.keep; the optimizer's arrays too, for they lie beside the parameters."""
        if not self.workspace.all_finite():
            weights = [np.empty_like(W) for W in self._network.weights]
            biases = [np.empty_like(b) for b in self._network.biases]
            self.workspace.read(weights, biases)
            if not all_finite(*weights, *biases):
                return False
        self.workspace.keep()
        return True

    def restore(self) -> None:
        """See numpy_backend.Run.restore."""
        self.workspace.restore()
        self.write_back()

    def read_weights(self) -> None:
        """Take over the network's weights and biases."""
        self.workspace.write(self._network.weights, self._network.biases)

    def write_back(self) -> None:
        """Copy this run's parameters into the network's arrays."""
        self.workspace.read(self._network.weights, self._network.biases)

    def close(self) -> None:
        """End the threads and free the memory."""
        self._team.close()
        del self.workspace


def threads_for(flops: float, flops_per_thread: float) -> int:
    """Threads that pay for so much work between two meetings, if one pays for `flops_per_thread`."""
    wanted = int(flops / flops_per_thread)
    return min(usable_cpus(), wanted) if wanted > 1 else 1  # asking takes longer than predicting a few rows
