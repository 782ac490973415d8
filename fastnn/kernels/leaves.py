"""Single kernels on ordinary arrays: packed into panels, worked on by the epoch's own kernels, unpacked."""

import numpy as np

from fastnn.kernels import losses
from fastnn.kernels.activations import CODES, activate, multiply_by_derivative
from fastnn.kernels.matmul import backward_tiles, block_count, forward_tiles, weight_update_tiles
from fastnn.kernels.panels import Panels, aligned_bytes, panel_columns
from fastnn.kernels.tile_ir import ROW_BYTES, STORE
from fastnn.kernels.tiles import tile_bank


def dense_forward(X, W, b):
    """Z = XW + b."""
    (m, fan_in), fan_out = X.shape, W.shape[1]
    like = W.dtype.type(0)
    x, w, bias, z = Panels.of(X), Panels.of(W), Panels.of(b[None, :]), Panels(m, fan_out, W.dtype)
    forward_tiles(
        tile_bank(W.dtype),
        0,
        m,
        x.address,
        x.stride,
        w.address,
        w.stride,
        bias.address,
        z.address,
        z.stride,
        fan_in,
        fan_out,
        STORE,
        like,
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
    weight_update_tiles(
        tile_bank(dZ.dtype),
        0,
        block_count(fan_in, fan_out, like),
        m,
        x.address,
        x.stride,
        dz.address,
        dz.stride,
        0,
        dw.stride,
        dw.address,
        dw.stride,
        0,
        db.address,
        0,
        0,
        fan_in,
        fan_out,
        0,
        like,
    )
    return dw.unpacked(), db.unpacked()[0]


def dense_backward_input(dZ, W):
    """dX = dZWᵀ."""
    (m, fan_out), fan_in = dZ.shape, W.shape[0]
    dz, wt, dx = Panels.of(dZ), Panels.of(W.T), Panels(m, fan_in, W.dtype)
    zeros = Panels(1, panel_columns(W.dtype), W.dtype)
    backward_tiles(
        tile_bank(W.dtype),
        0,
        m,
        dz.address,
        dz.stride,
        wt.address,
        wt.stride,
        zeros.address,
        0,
        0,
        dx.address,
        dx.stride,
        fan_in,
        fan_out,
        CODES["identity"],
        W.dtype.type(0),
    )
    return dx.unpacked()


def activation(name, Z):
    """A = g(Z), elementwise."""
    rows, memory, flat = _as_panel_rows(Z)
    activate(CODES[name], 0, rows, memory.ctypes.data, 0, panel_columns(Z.dtype), Z.dtype.type(0))
    return flat[: Z.size].reshape(Z.shape).copy()


def activation_derivative(name, A):
    """g′(Z) from A = g(Z), elementwise."""
    rows, memory, _ = _as_panel_rows(A)
    _, result, flat = _as_panel_rows(np.ones_like(A))
    multiply_by_derivative(CODES[name], rows, result.ctypes.data, memory.ctypes.data, A.dtype.type(0))
    return flat[: A.size].reshape(A.shape).copy()


def softmax(logits):
    """P = softmax of each row."""
    z, _ = _softmax_cross_entropy(logits, 0, 1)
    return z


def softmax_cross_entropy(logits, labels):
    """(mean loss, dZ = (P - Y)/m)."""
    dZ, total = _softmax_cross_entropy(logits, labels.ctypes.data, 1 / len(logits))
    return total / len(logits), dZ


def squared_error(outputs, targets):
    """(mean loss, dZ = (Z - Y)/m)."""
    m, n_outputs = outputs.shape
    z, lost = Panels.of(outputs), np.empty(m)
    scale, order = outputs.dtype.type(1 / m), np.arange(m)
    losses.squared_error(0, m, z.address, z.stride, n_outputs, order, targets.ctypes.data, 0, scale, lost, 0)
    return float(lost.cumsum()[-1]) / m, z.unpacked()


def _softmax_cross_entropy(logits, labels_address, scale):
    m, n_classes = logits.shape
    dtype = logits.dtype
    z, lost = Panels.of(logits, losses.spare_rows(dtype)), np.empty(m)
    scratch = aligned_bytes(losses.scratch_bytes(n_classes, dtype))
    losses.softmax_cross_entropy(
        0,
        m,
        z.address,
        z.stride,
        n_classes,
        np.arange(m),
        labels_address,
        0,
        dtype.type(scale),
        lost,
        scratch.ctypes.data,
    )
    return z.unpacked(), float(lost.cumsum()[-1])


def _as_panel_rows(values):
    """(panel rows, their memory, its view as elements): values in order, padded with zeros to whole rows."""
    per_row = panel_columns(values.dtype)
    rows = -(-values.size // per_row)
    memory = aligned_bytes(rows * ROW_BYTES)
    flat = memory.view(values.dtype)
    flat[: values.size] = values.ravel()
    return rows, memory, flat
