"""What a network makes of rows: of a few straight from its own arrays, of many by a forward pass.

A network keeps what both need, its plan, from one call to the next.
"""

from __future__ import annotations

import operator
import os
from itertools import chain
from threading import Lock

import numpy as np

from fastnn.backends import Array, Parameters
from fastnn.backends.numba_pass import WEIGHTS_PER_FEATURE, ForwardPass, are_row_major, is_large
from fastnn.backends.numba_run import targets_of
from fastnn.inputs import odd_rows
from fastnn.kernels.predict import make_plan, predict_directly
from fastnn.kernels.workspace import IN_CACHE

# Few rows are predicted one by one, straight from the network's own arrays: as long as that takes less time
# than a forward pass, which needs 20 µs in any case, reads W once, and then takes a third of the time a row.
# One by one a row of 784-128-10 takes 2.7 µs, of 784-10-10 1.1, 784-64-64-10 1.8, 64-32-10 0.2: as fast as
# a pass with 8, 17, 11 and 100 rows. Fewer with large weights, which every row reads from beyond L2; more
# with rows of zeros, whose weights are not read.
WORK, READING, MOST_BYTES = 500_000, 5, 11e6
MORE_OF_ZEROS, MORE_OF_ZEROS_FOR_LARGE, MOSTLY_ZEROS = 24, 8, 0.25  # less than this share is not zero
MOST_OF_ZEROS = 256  # of these a pass by several threads takes less time in any case


def predict(network: Parameters, X: Array) -> Array:
    """See numpy_backend.predict. A few rows take a path of their own, with the same bits."""
    plan = _plan(network)
    # Another type of array (read-only, say) would be another compilation.
    if plan.direct and X.flags.writeable and _are_few(X, plan):
        outputs = np.empty((len(X), plan.n_outputs), plan.dtype)
        scale = plan.uint8_scale if X.itemsize == 1 else plan.one  # no other type is so short
        with plan.lock:  # its buffers are one caller's at a time, and kernels run without the GIL
            predict_directly(plan.table, X, scale, outputs)
        if X.itemsize > 1 and (odd := odd_rows(X)) is not None:
            outputs[odd] = np.nan
        return outputs
    outputs = np.empty((len(X), network.weights[-1].shape[1]), network.weights[0].dtype)
    _forward(plan, network, X, outputs=outputs)
    return outputs


def _are_few(X: Array, plan: _Plan) -> bool:
    """Whether X has few rows, or more, but mostly of zeros, by its first ones."""
    if len(X) <= plan.few_rows:
        return True
    if len(X) > plan.few_of_zeros:
        return False
    sample = X[:8].view(f"u{X.itemsize}")  # NumPy counts integers three times as fast
    return int(np.count_nonzero(sample)) < MOSTLY_ZEROS * sample.size


def evaluate(network: Parameters, X: Array, y: Array, weights: Array | None = None) -> tuple[float, int]:
    """See numpy_backend.evaluate."""
    if weights is not None:
        weights = np.ascontiguousarray(weights, network.weights[0].dtype)
    return _forward(_plan(network), network, X, targets=targets_of(network, y), weights=weights)


def _forward(plan: _Plan, network: Parameters, X: Array, **more: Array | None) -> tuple[float, int]:
    """See ForwardPass.run. One that is not in use is taken out of the plan, or a new one is made."""
    try:
        forward_pass = plan.passes.pop()
    except IndexError:
        forward_pass = ForwardPass(network)
    result = forward_pass.run(network, X, **more)
    plan.passes.append(forward_pass)
    return result


_forks = 0  # of this process's ancestors since they imported this: asking for its number takes longer


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


def few_rows(network: Parameters) -> int:
    """How many dense rows are predicted one by one."""
    weights = sum(W.size for W in network.weights)
    if is_large(network):
        return max(1, int(MOST_BYTES / sum(W.nbytes for W in network.weights)))
    return (WORK + READING * weights) // (weights + WEIGHTS_PER_FEATURE * len(network.weights[0]))


def few_of_zeros(network: Parameters) -> int:
    """How many rows are predicted one by one if they are mostly zeros; so may half of the hidden units be."""
    first, *others = (W.nbytes for W in network.weights)
    read = MOSTLY_ZEROS * first + sum(others) / 2
    if read > IN_CACHE:
        return few_rows(network)
    few, more = few_rows(network), MORE_OF_ZEROS_FOR_LARGE if is_large(network) else MORE_OF_ZEROS
    return max(few, min(MOST_OF_ZEROS, more * few))


class _Plan:
    """Where the weights of a network lie: made once, and again when an array has been replaced.

    A forked process needs its own: it has no threads of its parent's, and a lock may have been held.
    """

    def __init__(self, network: Parameters) -> None:
        self.forks = _forks
        self.arrays = [*network.weights, *network.biases]
        self.table, self._memory = make_plan(
            network.weights, network.biases, network.activations, network.loss_name
        )
        self.direct = are_row_major(self.arrays)
        self.few_rows = few_rows(network)
        self.few_of_zeros = few_of_zeros(network)
        self.n_outputs, self.dtype = network.weights[-1].shape[1], self.arrays[0].dtype
        scalar = self.dtype.type
        self.one = scalar(1)
        self.lock = Lock()
        self.passes: list[ForwardPass] = []  # those not in use at the moment
        self.uint8_scale = scalar(1.0 if network.input_scale is None else network.input_scale)

    def fits(self, network: Parameters) -> bool:
        """Whether this is its process, and the network still holds the arrays whose addresses it has."""
        held = chain(network.weights, network.biases)
        return self.forks == _forks and all(map(operator.is_, self.arrays, held))


def _plan(network: Parameters) -> _Plan:
    plan = network.prepared
    if not isinstance(plan, _Plan) or not plan.fits(network):
        plan = network.prepared = _Plan(network)
    return plan
