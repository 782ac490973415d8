"""What a training that diverges goes back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastnn import inputs
from fastnn.backends import Array, Run

if TYPE_CHECKING:
    from fastnn.network import Network


class GoodWeights:
    """The parameters of a network in training as they were when last they were all finite.

    A copy beside the network's own arrays, for those are what a run may work on.
    """

    def __init__(self, network: Network, run: Run) -> None:
        self._network, self._run = network, run
        self._kept = [array.copy() for array in self._parameters()]

    def keep(self) -> bool:
        """Write the run's weights into the network, and remember them if they are finite: True if so."""
        self._run.write_back()
        parameters = self._parameters()
        if not inputs.all_finite(*parameters):
            return False
        for kept, array in zip(self._kept, parameters, strict=True):
            np.copyto(kept, array)
        return True

    def restore(self) -> None:
        """Put what is remembered into network and run."""
        for kept, array in zip(self._kept, self._parameters(), strict=True):
            np.copyto(array, kept)
        self._run.read_weights()

    def _parameters(self) -> list[Array]:
        return [*self._network.weights, *self._network.biases]
