"""scikit-learn's solvers as optimizers of fastnn, and how their learning rate moves between epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backends import Array, Run, state_names
from fastnn.network import Network
from fastnn.optimizers import SGD, Adam, Optimizer

# "adaptive" does not go below.
LEAST_RATE = 1e-6


@dataclass(frozen=True)
class AdamWithEpsilonHat(Adam):
    """W −= α √(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε): Adam as in scikit-learn and Keras.

    Source: Kingma, Ba, "Adam: a method for stochastic optimization", 2015, end of section 2, ε being their ε̂.
    """

    def epsilon_at(self, step: Any) -> Any:
        """What is added to √v̂ so that ε is added to √v."""
        return self.epsilon / np.sqrt(1 - self.beta_2**step)


def optimizer(options: Mapping[str, Any]) -> Optimizer:
    """The optimizer that the parameters of an estimator describe."""
    if options["solver"] == "adam":
        return AdamWithEpsilonHat(
            beta_1=options["beta_1"], beta_2=options["beta_2"], epsilon=options["epsilon"]
        )
    momentum = options["momentum"]
    return SGD(momentum=momentum, nesterov=bool(options["nesterovs_momentum"] and momentum > 0))


@dataclass
class Rate:
    """The learning rate of the next epoch.

    rule      "constant", "invscaling" or "adaptive"
    initial   where it starts
    power     of the inverse scaling
    now       its value
    """

    rule: str
    initial: float
    power: float
    now: float

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Rate:
        """As the parameters of an estimator describe it; "constant" for Adam."""
        rule = options["learning_rate"] if options["solver"] == "sgd" else "constant"
        initial = float(options["learning_rate_init"])
        return cls(rule, initial, float(options["power_t"]), initial)

    def epoch_ends(self, n_seen: int) -> None:
        """After an epoch that was the end of `n_seen` rows: "invscaling" is initial / (n_seen + 1)^power."""
        if self.rule == "invscaling":
            self.now = self.initial / (n_seen + 1) ** self.power

    def lower(self) -> bool:
        """A fifth of what it was, if it is adaptive and not at its end: False if it cannot be lowered."""
        if self.rule != "adaptive" or self.now <= LEAST_RATE:
            return False
        self.now /= 5.0
        return True


@dataclass(frozen=True)
class Carried:
    """What goes from one fit or partial_fit to the next: the optimizer's arrays, and their learning rate.

    arrays   see `backends.Run.state`; none where the weights are those of an earlier epoch
    """

    arrays: Mapping[str, Array]
    rate: Rate

    def rate_for(self, rate: Rate, *, new_fit: bool) -> Rate:
        """The rate to go on with, where `rate` is what the parameters say now.

        A new fit gives an "adaptive" one its initial value again: at the end of the fit before it was too
        small to learn anything.
        """
        unchanged = (rate.rule, rate.initial, rate.power) == (
            self.rate.rule,
            self.rate.initial,
            self.rate.power,
        )
        if unchanged and not (new_fit and rate.rule == "adaptive"):
            rate.now = self.rate.now
        return rate

    def go_on(self, run: Run, optimizer: Optimizer, network: Network, rate: Rate) -> None:
        """Give the arrays to `run`, if they are of its optimizer and network."""
        names = state_names(len(network.weights))
        parameters = dict(zip(names, [*network.weights, *network.biases], strict=True))
        wanted = {
            f"{slot}.{name}": array.shape for slot in optimizer.slots for name, array in parameters.items()
        }
        found = {name: array.shape for name, array in self.arrays.items() if name != "step"}
        if self.arrays and found == wanted:
            run.set_state(rescaled(self.arrays, self.rate.now / rate.now))


def rescaled(arrays: Mapping[str, Array], factor: float) -> Mapping[str, Array]:
    """An optimizer's state with its velocities times `factor`: what a new learning rate asks for.

    fastnn multiplies the whole velocity by the rate of the step, scikit-learn each gradient by the rate it
    came with: theirs is old rate · ours, and must stay the same.
    """
    if factor == 1:
        return arrays
    return {
        name: array * array.dtype.type(factor) if name.startswith("velocity.") else array
        for name, array in arrays.items()
    }
