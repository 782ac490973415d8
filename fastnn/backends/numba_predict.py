"""What a network makes of rows: of a few straight from its own arrays, of many by a forward pass.

A network keeps what both need, its plan, from one call to the next.
"""

from __future__ import annotations

import operator
import os
from itertools import chain

import numpy as np

from fastnn.backends import Array, Parameters
from fastnn.backends.numba_directly import Directly
from fastnn.backends.numba_network import targets_of
from fastnn.backends.numba_pass import ForwardPass, are_row_major
from fastnn.kernels.helpers import Pace


def predict(network: Parameters, X: Array) -> Array:
    """See numpy_backend.predict. A few rows take a path of their own, with the same bits."""
    plan = _plan(network)
    directly = plan.directly
    # Another type of array (read-only, say) would be another compilation.
    if directly is not None and X.flags.writeable:
        if len(X) <= directly.few_rows:
            return directly.predict(X)
        if threads := directly.threads_for_more(X):
            return directly.predict_more(X, threads)
    outputs = np.empty((len(X), network.weights[-1].shape[1]), network.weights[0].dtype)
    _forward(plan, network, X, outputs=outputs)
    return outputs


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
        forward_pass = ForwardPass(network, pace=plan.pace)
    result = forward_pass.run(network, X, **more)
    plan.passes.append(forward_pass)
    return result


_forks = 0  # of this process's ancestors since they imported this: asking for its number takes longer


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class _Plan:
    """Where the weights of a network lie: made once, and again when an array has been replaced.

    A forked process needs its own: it has no threads of its parent's, and a lock may have been held.
    """

    def __init__(self, network: Parameters) -> None:
        self.forks = _forks
        self.arrays = [*network.weights, *network.biases]
        self.pace = Pace()
        self.directly = Directly(network, self.pace) if are_row_major(self.arrays) else None
        self.passes: list[ForwardPass] = []  # those not in use at the moment

    def fits(self, network: Parameters) -> bool:
        """Whether this is its process, and the network still holds the arrays whose addresses it has."""
        held = chain(network.weights, network.biases)
        return self.forks == _forks and all(map(operator.is_, self.arrays, held))


def _plan(network: Parameters) -> _Plan:
    plan = network.prepared
    if not isinstance(plan, _Plan) or not plan.fits(network):
        plan = network.prepared = _Plan(network)
    return plan
