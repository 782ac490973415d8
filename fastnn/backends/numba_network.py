"""A network as compiled code takes it: its sizes, codes, tables of kernels, and what else follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.backends import Array, Parameters
from fastnn.backends.numba_recipe import measures_squares
from fastnn.backends.numpy_dropout import threshold
from fastnn.kernels.activations import CODES, IDENTITY, RELU, STORED
from fastnn.kernels.byte_layer.layout import MOST_FEATURES
from fastnn.kernels.byte_layer.narrow import MOST_OUTPUTS
from fastnn.kernels.panels import panel_columns
from fastnn.kernels.table import activation_address, kernel_table
from fastnn.kernels.target import MULTIPLIES_BYTES
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings


def sizes_of(network: Parameters) -> tuple[int, ...]:
    """Layer widths, from the features to the outputs."""
    return (network.weights[0].shape[0], *(W.shape[1] for W in network.weights))


def stored_slopes(network: Parameters, regularisation: Regularisation) -> list[bool]:
    """For each hidden layer whether g'(Z) must be stored: it does not follow from A, or dropout changes A."""
    dropped = regularisation.dropout[1:] or [0.0] * len(network.activations)
    return [
        CODES[name] == STORED or (share > 0 and CODES[name] not in (IDENTITY, RELU))
        for name, share in zip(network.activations, dropped, strict=True)
    ]


def set_activations(
    workspace: Any, network: Parameters, regularisation: Regularisation | None = None
) -> None:
    """Tell the workspace what follows each hidden layer, and in training what is dropped."""
    regularisation = regularisation or Regularisation()
    addresses = [activation_address(name, workspace.dtype) for name in network.activations]
    stored = stored_slopes(network, regularisation)
    codes = [
        STORED if slopes else CODES[name] for name, slopes in zip(network.activations, stored, strict=True)
    ]
    workspace.set_activations(codes, addresses, [threshold(share) for share in regularisation.dropout])


def first_layer(network: Parameters, X: Array, settings: RunSettings, *, sharded: bool) -> str | None:
    """Whose the first layer is: of bytes into few outputs narrow.py's, in shards exact.py's; else None.

    None too if something goes by the columns of W, or changes the inputs.
    """
    regularisation = settings.regularisation
    limits = regularisation.clip_norm, regularisation.max_norm
    by_column = measures_squares(settings) or any(limit is not None for limit in limits)
    drops_inputs = any(regularisation.dropout[:1])
    (n_features, n_outputs), dtype = network.weights[0].shape, network.weights[0].dtype
    fits = n_outputs <= min(MOST_OUTPUTS, panel_columns(dtype))
    if X.dtype != np.uint8 or not fits or by_column or drops_inputs:
        return None
    return "exact" if sharded and dtype == np.float32 and n_features <= MOST_FEATURES else "narrow"


def byte_tiles_of(first: str | None, dtype: Any) -> Any:
    """The type of the byte tiles that the first layer needs, or None."""
    if first == "exact":
        return None if MULTIPLIES_BYTES else np.float64
    return dtype if first else None


def kernels_for(
    network: Parameters,
    X: Array,
    *,
    training: bool,
    sparse: bool = False,
    first: str | None = None,
    extras: tuple[str, ...] = (),
) -> Array:
    """The table of kernels for this network and type of X."""
    deep, dtype = len(network.weights) > 1, network.weights[0].dtype
    return kernel_table(dtype, X.dtype, network.loss_name, deep, training, sparse, first, extras)


def targets_of(network: Parameters, y: Array) -> Array:
    """Labels as int64 or targets in the network's type, contiguous, for their address is what kernels get."""
    labels = network.loss_name == "cross_entropy"
    return np.ascontiguousarray(y, np.int64 if labels else network.weights[0].dtype)


def loss_option(network: Parameters, smoothing: float = 0.0) -> float:
    """The one number a loss may take: label smoothing, or δ of Huber's."""
    return network.huber_delta if network.loss_name == "huber" else smoothing


def data_scale(network: Parameters, X: Array) -> Any:
    """What elements of X are multiplied by, as a scalar of the network's type."""
    scale = network.input_scale if X.dtype == np.uint8 and network.input_scale is not None else 1.0
    return network.weights[0].dtype.type(scale)
