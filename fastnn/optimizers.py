"""How a gradient becomes a step: the hyper-parameters of each optimizer; the arithmetic is a backend's.

fastnn.train(X, y, optimizer="adam")
fastnn.train(X, y, optimizer=fastnn.optimizers.SGD(momentum=0.95, nesterov=True), learning_rate=0.01)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from fastnn import inputs
from fastnn.errors import InputError


@dataclass(frozen=True)
class Optimizer:
    """Base of the optimizers: frozen, checked when made.

    slots         names of the arrays kept for each parameter between steps
    usual_rate    the learning rate "auto" means; None: what `fastnn.trainer.defaults` finds from the data
    weight_decay  share of W that a step of rate 1 takes away beside the gradient (biases are left alone)
    """

    slots: ClassVar[tuple[str, ...]] = ()
    usual_rate: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "float":
                object.__setattr__(self, field.name, _CHECKS[field.name](field.name, value))


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: W −= α dW; with momentum μ the step is v = μv + dW, with Nesterov's dW + μv.

    Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning", 2013, in the form in which v is not multiplied by α.
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise InputError(
                "nesterov=True needs a momentum above 0, such as SGD(momentum=0.9, nesterov=True)"
            )
        if self.momentum:
            object.__setattr__(self, "slots", ("velocity",))


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps of a size that does not depend on the gradient's: W −= α m̂ / (√v̂ + ε).

    m and v are decaying means of dW and dW², m̂ and v̂ the same without the bias of having started at 0.
    Source: Kingma, Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")
    usual_rate: ClassVar[float | None] = 1e-3

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def epsilon_at(self, step: Any) -> Any:
        """ε at the update `step` (a number from 1, or an array of them)."""
        return self.epsilon


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay beside the gradient instead of within it.

    Source: Loshchilov, Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
    """

    weight_decay: float = 0.01


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """W −= α dW / (√v + ε), v the decaying mean of dW².

    Source: Tieleman, Hinton, "Lecture 6.5: rmsprop", 2012.
    """

    slots: ClassVar[tuple[str, ...]] = ("square",)
    usual_rate: ClassVar[float | None] = 1e-3

    decay: float = 0.9
    epsilon: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS over all rows at once: an epoch is one iteration, and the last when it converged.

    Needs SciPy, whose line search finds the length of a step: there is no learning rate, and 1 is recorded.

    memory   pairs of steps and gradient changes remembered
    Source: Nocedal, Wright, "Numerical optimization", 2006, section 7.2; see `fastnn.trainer.lbfgs`.
    """

    usual_rate: ClassVar[float | None] = 1.0

    memory: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "memory", inputs.whole_number("memory", self.memory, most=10_000))


_CHECKS = {
    "momentum": inputs.fraction,
    "beta_1": inputs.fraction,
    "beta_2": inputs.fraction,
    "decay": inputs.fraction,
    "epsilon": inputs.positive,
    "weight_decay": inputs.not_negative,
}

BY_NAME: Mapping[str, Optimizer] = {
    "sgd": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adamw": AdamW(),
    "rmsprop": RMSprop(),
    "lbfgs": LBFGS(),
}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer called so, or the object itself; InputError for anything else."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return BY_NAME[inputs.choice("optimizer", optimizer, tuple(BY_NAME))]
