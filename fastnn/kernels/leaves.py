"""Single kernels on ordinary arrays: packed into panels, worked on by the epoch's own kernels, unpacked."""

import numpy as np

from fastnn.kernels import activate, losses
from fastnn.kernels.activations import IDENTITY
from fastnn.kernels.matmul import backward_tiles, block_count, forward_tiles, weight_update_tiles
from fastnn.kernels.panels import Panels, aligned_bytes, panel_columns
from fastnn.kernels.strided import Gradients, Strided, Weights
from fastnn.kernels.tile_kinds import ROW_BYTES, STORE
from fastnn.kernels.tiles import tile_bank


def dense_forward(X, W, b):
    """Z = XW + b."""
    (m, fan_in), fan_out = X.shape, W.shape[1]
    like = W.dtype.type(0)
    x, w, bias, z = Panels.of(X), Panels.of(W), Panels.of(b[None, :]), Panels(m, fan_out, W.dtype)
    forward_tiles(
        tile_bank(W.dtype), 0, m, x.place, w.place, bias.address, z.place, fan_in, fan_out, STORE, like
    )
    return z.unpacked()


def dense_backward_weights(X, dZ):
    """dW = XᵀdZ and db = Σ dZ."""
    (m, fan_in), fan_out = X.shape, dZ.shape[1]
    like = dZ.dtype.type(0)
    x, dz, dw, db = (
        Panels.of(X),
        Panels.of(dZ),
        Panels(fan_in, fan_out, dZ.dtype),
        Panels(1, fan_out, dZ.dtype),
    )
    blocks, none = block_count(fan_in, fan_out, like), Strided(0, 0)
    weights, gradients = Weights(none, 0, none), Gradients(dw.place, db.address)
    weight_update_tiles(
        tile_bank(dZ.dtype), 0, blocks, m, x.place, dz.place, weights, gradients, fan_in, fan_out, 0, like
    )
    return dw.unpacked(), db.unpacked()[0]


def dense_backward_input(dZ, W):
    """dX = dZWᵀ."""
    (m, fan_out), fan_in = dZ.shape, W.shape[0]
    dz, wt, dx = Panels.of(dZ), Panels.of(W.T), Panels(m, fan_in, W.dtype)
    zeros = Panels(1, panel_columns(W.dtype), W.dtype)
    bank, none, like = tile_bank(W.dtype), Strided(0, 0), W.dtype.type(0)
    backward_tiles(
        bank, 0, m, dz.place, wt.place, zeros.address, none, dx.place, fan_in, fan_out, IDENTITY, like
    )
    return dx.unpacked()


def activation(name, Z):
    """A = g(Z), elementwise."""
    if name == "identity":
        return Z.copy()
    rows, memory, A = _as_panel_rows(Z)
    activate.KERNELS[name](0, rows, memory.ctypes.data, 0, panel_columns(Z.dtype), 0, Z.dtype.type(0))
    return A[: Z.size].reshape(Z.shape).copy()


def activation_derivative(name, Z):
    """g′(Z), elementwise."""
    if name == "identity":
        return np.ones_like(Z)
    rows, memory, _ = _as_panel_rows(Z)
    _, other, slopes = _as_panel_rows(Z)
    columns, like = panel_columns(Z.dtype), Z.dtype.type(0)
    activate.KERNELS[name](0, rows, memory.ctypes.data, 0, columns, other.ctypes.data, like)
    return slopes[: Z.size].reshape(Z.shape).copy()


def softmax(logits):
    """P = softmax of each row."""
    return _run_loss("cross_entropy", logits, None, None, 0.0, 1.0)[0]


def loss(name, Z, targets, weights, option):
    """(mean loss, dZ of it) of the loss called `name`; weights (m,) of Z's type, or None."""
    total = len(Z) if weights is None else float(weights.sum(dtype=np.float64))
    dZ, lost = _run_loss(name, Z, targets, weights, option, 1 / (total or 1.0))
    return float(lost.cumsum()[-1]) / (total or 1.0), dZ


def _run_loss(name, Z, targets, weights, option, scale):
    (m, n_outputs), scalar = Z.shape, Z.dtype.type
    z, lost = Panels.of(Z, losses.spare_rows(Z.dtype)), np.empty(m)
    scratch = aligned_bytes(losses.scratch_bytes(n_outputs, Z.dtype))
    losses.KERNELS[name](
        0,
        m,
        z.address,
        z.stride,
        n_outputs,
        np.arange(m),
        0 if targets is None else targets.ctypes.data,
        0 if weights is None else weights.ctypes.data,
        0,
        scalar(scale),
        scalar(option),
        lost,
        scratch.ctypes.data,
    )
    return z.unpacked(), lost


def _as_panel_rows(values):
    """(panel rows, their memory, its view as elements): values in order, padded with zeros to whole rows."""
    per_row = panel_columns(values.dtype)
    rows = -(-values.size // per_row)
    memory = aligned_bytes(rows * ROW_BYTES)
    flat = memory.view(values.dtype)
    flat[: values.size] = values.ravel()
    return rows, memory, flat
