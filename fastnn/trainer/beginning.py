"""The network a training starts with: a new one, or a copy of a model that is there."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import inputs
from fastnn.alignment import on_a_line
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.inputs import Targets
from fastnn.inputs.options import brief
from fastnn.network import Network
from fastnn.trainer.examples import Examples


class Default(str):
    """The default of an option, to be told from the same word when it comes from the caller."""


HIDDEN = (128,)  # told by being this very object
ACTIVATION, DTYPE = Default("relu"), Default("float32")
HUBER_DELTA = 1.0


def new_model(
    examples: Examples,
    *,
    hidden: Any,
    activation: Any,
    loss: str,
    huber_delta: float,
    dtype: Any,
    standardize: bool,
    generator: np.random.Generator,
    backend: str,
) -> tuple[Network, Array, Targets]:
    """(a network with random weights, X for it, targets).

    X is in the caller's own numbers if they are to be standardised, else ready for a backend.
    """
    float_type = inputs.float_dtype(dtype)
    X = examples.table if standardize else examples.features(float_type)
    targets = examples.targets(loss, float_type)
    pixels = X.dtype == np.uint8
    sizes = (X.shape[1], *inputs.hidden_widths(hidden), targets.n_outputs)
    inputs.check_affordable(sizes, float_type)
    network = Network.initialise(
        sizes,
        generator=generator,
        dtype=float_type,
        activation=activation,
        loss=targets.loss,
        huber_delta=huber_delta,
        classes=targets.classes,
        input_scale=(1.0 if standardize else 1 / 255) if pixels else None,
        backend=backend,
    )
    return network, X, targets


def type_of(initial: Any, dtype: Any) -> np.dtype[Any]:
    """What a training works in: what was asked for, else the type of the model it starts with, if any."""
    own = isinstance(dtype, Default) and isinstance(initial, Network)
    return initial.dtype if own else inputs.float_dtype(dtype)


def from_model(
    initial: Any,
    examples: Examples,
    *,
    hidden: Any,
    activation: Any,
    loss: str,
    huber_delta: float,
    dtype: Any,
    standardize: bool,
    backend: str,
) -> tuple[Network, Array, Targets]:
    """See new_model: a copy of the model `initial`; InputError for options and data that do not fit it."""
    if not isinstance(initial, Network):
        raise InputError(f"initial={brief(initial)} must be a model, such as train or fastnn.load returns")
    _check_options(initial, hidden=hidden, activation=activation, loss=loss, standardize=standardize)
    if not inputs.all_finite(*initial.weights, *initial.biases):
        raise InputError("initial has weights that are not finite numbers; take the model as it was before")
    float_type = type_of(initial, dtype)
    network = Network(
        [on_a_line(W, float_type) for W in initial.weights],
        [b.astype(float_type) for b in initial.biases],
        activation=initial.activations,
        loss=initial.loss_name,
        huber_delta=initial.huber_delta if huber_delta == HUBER_DELTA else huber_delta,
        classes=initial.classes,
        input_scale=initial.input_scale,
        input_mean=initial.input_mean,
        input_deviation=initial.input_deviation,
        backend=backend,
    )
    inputs.check_n_features(examples.table, network.sizes[0])
    inputs.check_pixels(examples.table, network.input_scale)
    standardises = network.standardisation is not None
    X = examples.table if standardises else examples.features(float_type)
    values = network.checked_targets(examples.y, len(examples.rows))
    return network, X, Targets(network.loss_name, values, network.classes, network.sizes[-1])


def _check_options(initial: Network, *, hidden: Any, activation: Any, loss: str, standardize: bool) -> None:
    """InputError for an option that contradicts the model, and for one that comes too late."""
    own = initial.sizes[1:-1]
    if hidden is not HIDDEN and inputs.hidden_widths(hidden) != own:
        raise InputError(
            f"hidden={hidden!r} does not fit initial, whose hidden layers are {own}: leave it out"
        )
    if (
        not isinstance(activation, Default)
        and inputs.hidden_activations(activation, len(own)) != initial.activations
    ):
        raise InputError(
            f"activation={activation!r} does not fit initial, which has {initial.activation!r}: leave it out"
        )
    if not inputs.is_word(loss, "auto", initial.loss_name):
        inputs.choice("loss", loss, inputs.LOSS_NAMES)
        raise InputError(
            f"loss={loss!r} does not fit initial, which was trained with {initial.loss_name!r}: leave it out"
        )
    if standardize and initial.standardisation is None:
        raise InputError(
            "standardize=True does not fit initial, which was trained without: scale X as its rows were"
        )
