"""A forward pass over many rows on the compiled kernels, in room that is kept from one call to the next."""

from __future__ import annotations

from functools import partial

import numpy as np

from fastnn.backends import Array, Parameters
from fastnn.backends.numba_parts import most_rows
from fastnn.backends.numba_run import (
    data_scale,
    kernels_for,
    loss_option,
    set_activations,
    sizes_of,
    threads_for,
)
from fastnn.kernels.forward import LEAST_PIECE, forward_rows
from fastnn.kernels.panels import aligned_bytes
from fastnn.kernels.sparsity import Sparsity
from fastnn.kernels.step import Net, Samples
from fastnn.kernels.target import LINE
from fastnn.kernels.team import Team
from fastnn.kernels.tiles import tile_bank
from fastnn.kernels.workspace import CHUNK, Workspace

# Waking a thread costs about 50 µs; this much work lasts some 0.3 ms.
FLOPS_PER_THREAD = 4e7


class ForwardPass:
    """Workspace and threads for networks of one shape and type. Serves one call at a time.

    The weights are packed anew in every call (20 µs for 784-128-10): their arrays may have been changed.
    """

    def __init__(self, network: Parameters, threads: int) -> None:
        self.threads, self.dtype = threads, network.weights[0].dtype
        self._workspace = Workspace(
            sizes_of(network), self.dtype, rows=CHUNK, threads=threads, training=False
        )
        set_activations(self._workspace, network)
        self._team = Team(threads)

    def run(
        self,
        network: Parameters,
        X: Array,
        targets: Array | None = None,
        outputs: Array | None = None,
        weights: Array | None = None,
    ) -> tuple[float, int]:
        """(mean loss, correct rows), meaningful with `targets`; fills `outputs`."""
        workspace = self._workspace
        threads = min(self.threads, CHUNK // LEAST_PIECE, threads_for_rows(network, len(X)))
        workspace.write(network.weights, network.biases)
        rows = -(-CHUNK // threads)
        sparsity = Sparsity(X, self.dtype, len(network.biases[0]), rows, threads)
        net = Net(
            workspace.layers,
            kernels_for(network, X, training=False, sparse=sparsity.active),
            tile_bank(self.dtype, listed=sparsity.active),
            workspace.zeros,
            workspace.like,
        )
        own = workspace.own(sparsity.plans)
        order, losses = np.arange(len(X)), np.zeros(len(X))
        targets_at, weights_at = (0 if array is None else array.ctypes.data for array in (targets, weights))
        scale, option = data_scale(network, X), self.dtype.type(loss_option(network))

        def work(part: slice, claims: Array, thread: int) -> int:
            return forward_rows(
                net,
                self._team.member(thread, threads),
                own[thread],
                Samples(X.ctypes.data, scale, order[part], targets_at, weights_at, option, losses[part]),
                workspace.rows,
                0 if outputs is None else outputs[part.start :].ctypes.data,
                claims.ctypes.data,
            )

        step, n_correct = most_rows(network, flops_per_weight=2), 0
        for begin in range(0, len(X), step):
            part, claims = slice(begin, begin + step), aligned_bytes(threads * LINE)
            n_correct += sum(self._team.run(partial(work, part, claims), threads))
        total = len(X) if weights is None else float(weights.sum(dtype=np.float64))
        return float(losses.cumsum()[-1]) / (total or 1.0), n_correct


def threads_for_rows(network: Parameters, n_rows: int) -> int:
    """Threads that pay for a forward pass over so many rows."""
    return min(n_rows, threads_for(2 * n_rows * sum(W.size for W in network.weights), FLOPS_PER_THREAD))
