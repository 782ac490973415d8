"""A forward pass over many rows on the compiled kernels, in room that is kept from one call to the next."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastnn.backends import Array, Parameters, numba_ahead
from fastnn.backends.numba_network import (
    data_scale,
    kernels_for,
    loss_option,
    set_activations,
    sizes_of,
)
from fastnn.backends.numba_parts import most_rows
from fastnn.cpus import usable_cpus
from fastnn.inputs import odd_rows
from fastnn.kernels.claims import no_claims
from fastnn.kernels.helpers import Helpers, Pace
from fastnn.kernels.inference import Pass, forward_rows
from fastnn.kernels.jit import call_known
from fastnn.kernels.panels import panel_count
from fastnn.kernels.passes import PREDICTING
from fastnn.kernels.rows import row_offsets
from fastnn.kernels.sparsity import PLAN_FIELDS, Sparsity
from fastnn.kernels.step import Net, Samples
from fastnn.kernels.table import ROW_MAJOR
from fastnn.kernels.target import SPEED
from fastnn.kernels.team import Member
from fastnn.kernels.tiles import tile_bank
from fastnn.kernels.workspace import CHUNK, IN_CACHE, Workspace

# A helper comes after some 50 µs, and asking it to takes as long; so much work lasts some 0.4 ms. It comes at
# once if the call before has just ended: then 80 µs of work are enough. Reading a feature takes as long as
# multiplying with so many weights (784-10-10: 0.4 µs a row, 100-256-256-1: 1.1). All this was measured where
# SPEED is 1. Where it is a half, half the work is enough: there 1,000 rows of 20-64-64-2 take 147 µs by one
# thread, and 91 by two.
FLOPS_PER_THREAD, FLOPS_PER_THREAD_IN_A_ROW, WEIGHTS_PER_FEATURE = 3.5e7 * SPEED, 6.5e6 * SPEED, 30
# Reading weights from beyond L2 takes as long as multiplying so many rows with them.
ROWS_PER_LARGE_WEIGHT = 20
FEW_FOR_PANELS = 128  # rows: with more, small weights had better be packed once for all of a thread's pieces
# Panels of first outputs up to which rows are read where they lie: each panel reads them once more, and
# faster from a copy in panels. 784 features in place take 13 % less time at 4 panels, 6 at 8, 1 at 16.
MOST_IN_PLACE = 8
MOST_THREADS = CHUNK // 32  # each has room for so many rows


class ForwardPass:
    """Workspace and threads for one network. Serves one call at a time.

    threads   at most; None: as many as pay
    pace      of the calls that this one is one of
    """

    def __init__(self, network: Parameters, threads: int | None = None, pace: Pace | None = None) -> None:
        numba_ahead.begin(network.weights[0].dtype, PREDICTING)
        threads = threads or min(usable_cpus(), MOST_THREADS)
        self.threads, self.dtype = threads, network.weights[0].dtype
        self._workspace = Workspace(
            sizes_of(network), self.dtype, rows=CHUNK, threads=threads, training=False
        )
        set_activations(self._workspace, network)
        arrays = [*network.weights, *network.biases]
        self._copied = not are_row_major(arrays)
        self._sources = [array.copy() for array in arrays] if self._copied else arrays
        n_layers = len(network.weights)
        self._workspace.read_from(self._sources[:n_layers], self._sources[n_layers:])
        self._few_panels = panel_count(network.weights[0].shape[1], self.dtype) <= MOST_IN_PLACE
        self._offsets = row_offsets(network.weights[0].shape[0] * self.dtype.itemsize)
        # By whether rows are row-major or in panels.
        self._layers = {False: self._workspace.layers, True: self._workspace.row_major(self._offsets)}
        plans = [np.zeros(PLAN_FIELDS, np.int64) for _ in range(threads)]
        self._dense = {kind: self._workspace.own(plans, layers) for kind, layers in self._layers.items()}
        self._helpers, self._pace = Helpers(threads - 1), pace or Pace()
        self._cpus, self._cost = threads, Cost.of(network)
        self._most_rows = most_rows(network, flops_per_weight=2)
        self._nets: dict[tuple[Any, ...], Net] = {}
        self._scales: dict[np.dtype[Any], Any] = {}  # of X, by its type
        self._option = self.dtype.type(loss_option(network))

    def run(
        self,
        network: Parameters,
        X: Array,
        targets: Array | None = None,
        outputs: Array | None = None,
        weights: Array | None = None,
    ) -> tuple[float, int]:
        """(mean loss, correct rows), 0 without `targets`; fills `outputs`. NaN as numpy_backend says."""
        if self._copied:  # they may have been changed
            for source, array in zip(self._sources, [*network.weights, *network.biases], strict=True):
                np.copyto(source, array)
        n_rows, room = len(X), self._workspace.rows // self.threads
        in_a_row = self._pace.is_quick()
        if not in_a_row:  # asking takes as long as predicting a row
            self._cpus = usable_cpus()
        threads = min(self.threads, threads_for_rows(self._cost, n_rows, self._cpus, in_a_row))
        by_panels = n_rows <= most_for_panels(self._workspace)
        sparsity = None if by_panels else self._sparsity(network, X, room)
        sparse = sparsity is not None
        row_major = by_panels or (X.dtype == self.dtype and not sparse and self._few_panels)
        own = self._dense[row_major] if sparsity is None else self._workspace.own(sparsity.plans)
        net, helpers = self._net(network, X, sparse, row_major), self._helpers
        losses, counts = np.empty(n_rows), np.zeros(2, np.int64)
        if X.dtype not in self._scales:
            self._scales[X.dtype] = data_scale(network, X)
        samples = Samples(
            X.ctypes.data,
            self._scales[X.dtype],
            np.arange(n_rows),
            0 if targets is None else targets.ctypes.data,
            0 if weights is None else weights.ctypes.data,
            self._option,
            losses,
            counts,
        )
        if outputs is None:
            outputs = np.empty((0, 0), self.dtype)
        scans, shares = X.dtype.kind == "f", self._workspace.shares_weights
        way = int(scans), int(by_panels), room, int(shares)

        def work(rows: range, claims: Array, held: Any, thread: int, call: int) -> None:
            me = Member(thread, threads, helpers.bells, helpers.spins)
            task = Pass(rows.start, rows.stop, outputs, counts, *way, claims, call, helpers.looks)
            call_known(forward_rows, self.dtype, net, me, own[thread], samples, task)

        # All of which compiled code has but the addresses; after Ctrl-C helpers may be the last who need it.
        held = self, sparsity, X, targets, weights, network
        step = self._most_rows
        for first in range(0, n_rows, step):
            rows = range(first, min(first + step, n_rows))
            claims = no_claims(len(network.weights) + 1, threads)  # of layers and the loss, or of pieces
            helpers.run(partial(work, rows, claims, held), threads - 1)
        self._pace.end()
        if counts[1] > 0:
            if len(outputs):
                with np.errstate(over="ignore"):  # beyond the type's numbers: an infinity
                    outputs[odd_rows(X.astype(self.dtype, copy=False))] = np.nan
            return math.nan, 0
        if targets is None:
            return 0.0, 0
        total = n_rows if weights is None else float(weights.sum(dtype=np.float64))
        return float(losses.cumsum()[-1]) / (total or 1.0), int(counts[0])

    def _sparsity(self, network: Parameters, X: Array, room: int) -> Sparsity | None:
        """How the pass skips zeros; None where that gains nothing."""
        sparsity = Sparsity(X, self.dtype, len(network.biases[0]), room, self.threads)
        return sparsity if sparsity.active else None

    def _net(self, network: Parameters, X: Array, sparse: bool, row_major: bool) -> Net:
        key = X.dtype, sparse, row_major
        if key not in self._nets:
            first = ROW_MAJOR if row_major else None
            self._nets[key] = Net(
                self._layers[row_major],
                kernels_for(network, X, training=False, sparse=sparse, first=first),
                tile_bank(self.dtype, listed=sparse, in_place=row_major),
                self._workspace.zeros,
                self._workspace.like,
            )
            numba_ahead.wait(self.dtype, PREDICTING)
        return self._nets[key]


def are_row_major(arrays: Iterable[Array]) -> bool:
    """Whether kernels can read these as they lie: those that a user put in place may lie in any order."""
    return all(array.flags.c_contiguous for array in arrays)


def most_for_panels(workspace: Workspace) -> int:
    """Rows that go panel by panel: with large weights all that there is room for."""
    return workspace.rows if workspace.shares_weights else FEW_FOR_PANELS


def is_large(network: Parameters) -> bool:
    """Whether the weights leave no room in a core's L2."""
    return sum(W.nbytes for W in network.weights) > IN_CACHE


class Cost(NamedTuple):
    """What a forward pass takes, in multiplications."""

    weights: int  # for each row
    features: int  # for reading a row
    least_rows: int  # reading the weights takes as long as multiplying so many rows with them

    @classmethod
    def of(cls, network: Parameters) -> Cost:
        """The cost of a network's passes."""
        weights = sum(W.size for W in network.weights)
        features = WEIGHTS_PER_FEATURE * len(network.weights[0])
        return cls(weights, features, ROWS_PER_LARGE_WEIGHT if is_large(network) else 0)


def threads_for_rows(cost: Cost, n_rows: int, cpus: int, in_a_row: bool) -> int:
    """Threads that pay for a forward pass over so many rows; with `in_a_row` soon after another one."""
    products = cost.weights * max(n_rows, cost.least_rows) + n_rows * cost.features
    wanted = int(2 * products / (FLOPS_PER_THREAD_IN_A_ROW if in_a_row else FLOPS_PER_THREAD))
    return max(1, min(n_rows, cpus, wanted))
