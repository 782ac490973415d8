"""A Network from PyTorch's nn.Sequential, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.exchange.arrays import from_arrays, loss_after
from fastnn.exchange.requirements import require_torch
from fastnn.inputs.options import first_line
from fastnn.network import Network

if TYPE_CHECKING:
    import torch

# Modules by name: fastnn's activation, what must hold of the module, and how to say so.
ACTIVATIONS: dict[str, tuple[str, Callable[[Any], bool], str]] = {
    "ReLU": ("relu", lambda m: True, ""),
    "LeakyReLU": ("leaky_relu", lambda m: m.negative_slope == 0.01, "negative_slope=0.01"),
    "ELU": ("elu", lambda m: m.alpha == 1, "alpha=1"),
    "GELU": ("gelu", lambda m: m.approximate == "tanh", 'approximate="tanh"'),
    "SiLU": ("silu", lambda m: True, ""),
    "Softplus": ("softplus", lambda m: m.beta == 1 and m.threshold >= 20, "beta=1, threshold=20"),
    "Tanh": ("tanh", lambda m: True, ""),
    "Sigmoid": ("logistic", lambda m: True, ""),
}
IGNORED = ("Identity", "Dropout", "AlphaDropout")
READABLE = (
    f"fastnn reads Flatten, Linear, {', '.join(ACTIVATIONS)}, Identity, Dropout, and at the end Softmax or "
    "LogSoftmax"
)


def from_torch(
    module: torch.nn.Sequential,
    *,
    loss: str = "auto",
    huber_delta: float = 1.0,
    classes: Any = None,
    backend: str = "auto",
) -> Network:
    """The network in an `nn.Sequential`: Linear layers, with fastnn's activations between them.

    loss      "auto": by the last module. Softmax and LogSoftmax: "cross_entropy"; Sigmoid:
              "binary_cross_entropy", every output a label of its own; a Linear with several outputs, or with
              `classes`: logits of "cross_entropy"; with one output: "squared_error". Or by name
    classes   labels in the order of the outputs; two for a single output, the logit of the second

    Flatten may come first; Dropout is left out. The parameters are copied. Raises InputError, naming the
    module, for what fastnn has no equal of.
    """
    require_torch()
    if type(module).__name__ != "Sequential":
        raise InputError(f"from_torch takes an nn.Sequential, it got {type(module).__name__}; {READABLE}")
    found = _Found()
    for name, child in _leaves(module, ""):
        try:
            found.add(child)
        except _UnreadableError as error:
            raise InputError(f"module {name} ({type(child).__name__}) {error}; {READABLE}") from None
    if not found.weights:
        raise InputError(f"the nn.Sequential has no Linear layer; {READABLE}")
    loss = loss_after(found.ending(), loss, found.weights[-1].shape[1], classes)
    return from_arrays(
        found.weights,
        found.biases,
        found.activations,
        loss=loss,
        huber_delta=huber_delta,
        classes=classes,
        backend=backend,
        **found.scaling,
    )


def to_torch(network: Network) -> torch.nn.Sequential:
    """An `nn.Sequential` of copies of the weights: Linear layers and activations, on the CPU.

    It ends with the last Linear layer: logits of a classifier (predict_proba is their softmax, or with
    several labels a row their sigmoid), logarithms of the means of a poisson regression, else the
    predictions. A model of uint8, or one that standardises, has a first layer that does so:
    `fastnn.exchange.torch_scaling.Scaling`, which `from_torch` reads.
    """
    require_torch()
    import torch
    from torch import nn

    dtype = getattr(torch, str(network.dtype))
    layers: list[Any] = _scaling(network, dtype)
    for W, b, activation in zip(network.weights, network.biases, (*network.activations, None), strict=True):
        # Plain nn.Linear would draw random weights first, from the caller's random state.
        linear = nn.utils.skip_init(nn.Linear, *W.shape, dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear] if activation is None else [linear, _module(activation)]
    return nn.Sequential(*layers)


def _module(activation: str) -> Any:
    from torch import nn

    if activation == "gelu":
        return nn.GELU(approximate="tanh")
    names = {fastnn_name: name for name, (fastnn_name, _, _) in ACTIVATIONS.items()} | {
        "identity": "Identity"
    }
    return getattr(nn, names[activation])()


def _scaling(network: Network, dtype: Any) -> list[Any]:
    from fastnn.exchange.torch_scaling import Scaling

    pixels, mean, deviation = network.input_scale is not None, network.input_mean, network.input_deviation
    if mean is None and not pixels:
        return []
    scale = 1.0 if network.input_scale is None else network.input_scale
    return [Scaling(scale, mean, deviation, pixels=pixels, dtype=dtype)]


def _leaves(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The modules of a Sequential in their order, and those of Sequentials in it."""
    for name, child in enumerate(module):  # named_children() leaves out a module's second place
        if type(child).__name__ == "Sequential":
            yield from _leaves(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


class _UnreadableError(Exception):
    """Why a module cannot be read, as it goes on after the module's name."""


class _Found:
    """What was read of a Sequential so far."""

    def __init__(self) -> None:
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        self.activations: list[str] = []
        self.scaling: dict[str, Any] = {}
        self._after: str | None = None  # what follows the latest Linear: an activation, or "softmax"

    def add(self, module: Any) -> None:
        """Take one module more, or raise _UnreadableError."""
        from torch import nn

        name = type(module).__name__
        # By their exact types: a subclass may compute anything.
        known = type(module) is getattr(nn, name, None)
        if known and name in IGNORED:
            return
        if self._after == "softmax":
            raise _UnreadableError("comes after the softmax")
        if known and name == "Linear":
            self._linear(module)
        elif known and name in ACTIVATIONS:
            self._activation(module, name)
        elif known and name in ("Softmax", "LogSoftmax"):
            if not self.weights or self._after or module.dim not in (1, -1, None):
                raise _UnreadableError("must be over dim=1, right after the last Linear")
            self._after = "softmax"
        elif known and name == "Flatten":
            if self.weights or (module.start_dim, module.end_dim) != (1, -1):
                raise _UnreadableError("must flatten all but the rows, before the first Linear")
        else:
            self._own_scaling(module)

    def ending(self) -> str:
        """What follows the last Linear, as `loss_after` calls it."""
        endings = {None: "linear", "softmax": "softmax", "logistic": "sigmoid"}
        if self._after not in endings:
            raise InputError(
                f"the nn.Sequential ends with {self._after}; fastnn's networks end with a Linear, or with "
                "Softmax, LogSoftmax or Sigmoid after it"
            )
        return endings[self._after]

    def _linear(self, module: Any) -> None:
        if self.weights:
            self.activations.append(self._after or "identity")
            self._after = None
        try:
            W = module.weight.detach().cpu().numpy().T
            b = np.zeros(W.shape[1], W.dtype) if module.bias is None else module.bias.detach().cpu().numpy()
        except (RuntimeError, TypeError) as error:
            raise _UnreadableError(f"has weights that NumPy cannot read: {first_line(error)}") from None
        self.weights.append(W)
        self.biases.append(b)

    def _activation(self, module: Any, name: str) -> None:
        activation, fits, expected = ACTIVATIONS[name]
        if not self.weights or self._after:
            raise _UnreadableError("does not come right after a Linear")
        if not fits(module):
            raise _UnreadableError(
                f"is another function than fastnn's {activation}, which is {name}({expected})"
            )
        self._after = activation

    def _own_scaling(self, module: Any) -> None:
        from fastnn.exchange.torch_scaling import Scaling

        if not isinstance(module, Scaling):
            raise _UnreadableError("has no equal in fastnn")
        if self.weights or self.scaling:
            raise _UnreadableError("must come first")
        if module.pixels:
            self.scaling["input_scale"] = module.scale.item()
        if module.mean is not None:
            self.scaling["input_mean"] = module.mean.cpu().numpy()
            self.scaling["input_deviation"] = module.deviation.cpu().numpy()
