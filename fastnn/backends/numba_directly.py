"""Rows predicted one by one, straight from a network's own arrays: few, or more that are mostly zeros."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np

from fastnn.backends import Array, Parameters
from fastnn.backends.numba_pass import WEIGHTS_PER_FEATURE, is_large
from fastnn.cpus import usable_cpus
from fastnn.inputs import odd_rows
from fastnn.kernels.claims import no_claims
from fastnn.kernels.helpers import Helpers, Pace
from fastnn.kernels.jit import call_known
from fastnn.kernels.predict import make_plan, predict_directly
from fastnn.kernels.predict_together import predict_together
from fastnn.kernels.team import Member
from fastnn.kernels.workspace import IN_CACHE

# A pass needs 20 µs in any case, reads W once, and then takes a third of the time a row. One by one a row of
# 784-128-10 takes 2.7 µs, of 784-10-10 1.1, 784-64-64-10 1.8, 64-32-10 0.2: as fast as a pass with 8, 17, 11
# and 100 rows. Fewer with large weights, which every row reads from beyond L2; more with rows of zeros, whose
# weights are not read.
WORK, READING, MOST_BYTES = 500_000, 5, 11e6
MORE_OF_ZEROS, MORE_OF_ZEROS_FOR_LARGE, MOSTLY_ZEROS = 24, 8, 0.25  # less than this share is not zero
MOST_OF_ZEROS = 256  # of these a pass by several threads takes less time in any case
# So many times as many by several threads. A row of zeros takes 0.7 µs (784-128-10) of one of two threads; in
# a pass of 10,000 the same, but of 1,000 1 µs, for it begins with a look at them and ends with a long piece.
# Fewer where reading X is most of the work, which a pass does faster (784-10-10: up to 300 rows).
MORE_TOGETHER, MOST_TOGETHER = 6, 3000
SAMPLE = 8  # rows
# Multiplications (15 ns a thousand) for which a helper pays: one who lingers, and one who is to be woken.
PRODUCTS_IN_A_ROW, PRODUCTS = 1.5e6, 2e7


class Directly:
    """What predicting rows one by one needs of a network: where its arrays lie, and room."""

    def __init__(self, network: Parameters, pace: Pace) -> None:
        self._arrays = [*network.weights], [*network.biases]  # whatever becomes of the network's lists
        self._then = network.activations, network.loss_name
        self._room = [make_plan(*self._arrays, *self._then)]  # a thread: its plan, and memory
        self.few_rows, self._few_of_zeros = few_rows(network), few_of_zeros(network)
        self._products = products_of_zeros(network)
        most = MOST_TOGETHER * weights_of_zeros(network) / self._products
        self._most_together = max(self._few_of_zeros, min(most, MORE_TOGETHER * self._few_of_zeros))
        dtype = network.weights[0].dtype
        self._n_outputs, self._dtype = network.weights[-1].shape[1], dtype
        of_bytes = 1.0 if network.input_scale is None else network.input_scale
        # By bytes of a number of X: no type but uint8 is so short.
        self._scales = {1: dtype.type(of_bytes), 4: dtype.type(1), 8: dtype.type(1)}
        self._lock, self._cpus = Lock(), usable_cpus()
        self._helpers, self._pace = Helpers(self._cpus - 1), pace

    def threads_for_more(self, X: Array) -> int:
        """Threads that pay for more rows than `few_rows` one by one; 0 if a pass takes less time.

        By how many rows there are, and whether some of them are mostly zeros.
        """
        n_rows = len(X)
        threads = self._threads_for_zeros(n_rows) if n_rows <= self._most_together else 0
        if threads == 0 or (threads == 1 and n_rows > self._few_of_zeros):
            return 0
        # NumPy counts integers three times as fast as floats.
        sample = X[:: -(-n_rows // SAMPLE)].view(f"u{X.itemsize}")
        return threads if int(np.count_nonzero(sample)) < MOSTLY_ZEROS * sample.size else 0

    def _threads_for_zeros(self, n_rows: int) -> int:
        in_a_row = self._pace.is_quick()
        wanted = int(n_rows * self._products / (PRODUCTS_IN_A_ROW if in_a_row else PRODUCTS))
        if wanted < 2:
            return 1
        if not in_a_row:  # asking takes as long as a few rows
            self._cpus = min(usable_cpus(), 1 + self._helpers.most)
        return min(wanted, self._cpus)

    def predict(self, X: Array) -> Array:
        """The network's outputs for X, NaN where X holds a NaN or an infinity."""
        outputs = np.empty((len(X), self._n_outputs), self._dtype)
        scale = self._scales[X.itemsize]
        with self._lock:  # the room is one caller's at a time, and kernels run without the GIL
            predict_directly(self._room[0][0], X, scale, outputs)
        _mark_odd(outputs, X)
        return outputs

    def predict_more(self, X: Array, threads: int) -> Array:
        """The same by so many threads, from threads_for_more."""
        if threads == 1:
            outputs = self.predict(X)
        else:
            outputs = np.empty((len(X), self._n_outputs), self._dtype)
            with self._lock:
                self._helpers.run(self.together(X, outputs, threads), threads - 1)
            _mark_odd(outputs, X)
        self._pace.end()
        return outputs

    def together(self, X: Array, outputs: Array, threads: int) -> Callable[[int, int], None]:
        """What each thread calls, with its number and the call's (helpers.py). Holds all that it needs."""
        while len(self._room) < threads:
            self._room.append(make_plan(*self._arrays, *self._then))
        helpers, claims, scale = self._helpers, no_claims(1, threads), self._scales[X.itemsize]

        def work(number: int, call: int) -> None:
            me = Member(number, threads, helpers.bells, helpers.spins)
            plan, kind, looks = self._room[number][0], (X.dtype, self._dtype), helpers.looks
            call_known(predict_together, kind, plan, X, scale, outputs, me, claims, call, looks)

        return work


def _mark_odd(outputs: Array, X: Array) -> None:
    if X.itemsize > 1 and (odd := odd_rows(X)) is not None:
        outputs[odd] = np.nan


def few_rows(network: Parameters) -> int:
    """How many dense rows are predicted one by one."""
    weights = sum(W.size for W in network.weights)
    if is_large(network):
        return max(1, int(MOST_BYTES / sum(W.nbytes for W in network.weights)))
    return (WORK + READING * weights) // (weights + WEIGHTS_PER_FEATURE * len(network.weights[0]))


def few_of_zeros(network: Parameters) -> int:
    """How many rows are predicted one by one if they are mostly zeros, by one thread."""
    few, more = few_rows(network), MORE_OF_ZEROS_FOR_LARGE if is_large(network) else MORE_OF_ZEROS
    if weights_of_zeros(network) * network.weights[0].itemsize > IN_CACHE:
        return few
    return max(few, min(MOST_OF_ZEROS, more * few))


def weights_of_zeros(network: Parameters) -> float:
    """How many weights are read for such a row: half of the hidden units may be zero, too."""
    first, *others = (W.size for W in network.weights)
    return MOSTLY_ZEROS * first + sum(others) / 2


def products_of_zeros(network: Parameters) -> float:
    """What such a row costs, in multiplications."""
    return weights_of_zeros(network) + WEIGHTS_PER_FEATURE * len(network.weights[0])
