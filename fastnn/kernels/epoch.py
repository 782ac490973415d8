"""One training epoch inside compiled code: gather, forward, loss, backward, update, batch after batch.

All parameters lie in one flat array, layer after layer, W then b, and so do all gradients; `sizes` are the
layer widths, input first. So one compilation serves every depth, width, batch size and activation.

    activations  (batch, Σ sizes) flat: the inputs of all layers and the outputs, each contiguous
    deltas       2 buffers of (batch, widest) flat: dZ of a layer and of the layer before it
"""

import numpy as np

from fastnn.kernels import activations as act
from fastnn.kernels import losses
from fastnn.kernels.jit import jit
from fastnn.kernels.matmul import dense_backward_input, dense_backward_weights, dense_forward
from fastnn.kernels.updates import sgd_update


@jit
def layer_views(flat, sizes, layer):
    """(W, b) of one layer as views of the flat array of all parameters (or gradients)."""
    start = 0
    for i in range(layer):
        start += (sizes[i] + 1) * sizes[i + 1]
    fan_in, fan_out = sizes[layer], sizes[layer + 1]
    middle = start + fan_in * fan_out
    return flat[start:middle].reshape(fan_in, fan_out), flat[middle : middle + fan_out]


@jit
def gather(X, rows, scale, out):
    """out[i] = X[rows[i]] · scale, converted to out's type."""
    for i in range(rows.size):
        for k in range(X.shape[1]):
            out[i, k] = out.dtype.type(X[rows[i], k]) * scale


@jit
def forward(sizes, parameters, activation, buffer, m):
    """Fill `buffer` with every layer's output, from the input at its front; return the outputs (m, n)."""
    start = 0
    n_layers = sizes.size - 1
    for layer in range(n_layers):
        W, b = layer_views(parameters, sizes, layer)
        middle = start + m * sizes[layer]
        end = middle + m * sizes[layer + 1]
        A = buffer[start:middle].reshape(m, sizes[layer])
        Z = buffer[middle:end].reshape(m, sizes[layer + 1])
        dense_forward(A, W, b, Z)
        if layer < n_layers - 1:
            act.activate(activation, Z, Z)
        start = middle
    return buffer[start : start + m * sizes[n_layers]].reshape(m, sizes[n_layers])


@jit
def backward(sizes, parameters, gradients, activation, buffer, deltas, m):
    """Fill `gradients` from dZ of the last layer (at the front of deltas[0]) and the buffer of `forward`."""
    n_layers = sizes.size - 1
    end = m * np.sum(sizes[:n_layers])
    here = 0
    for layer in range(n_layers - 1, -1, -1):
        W, _ = layer_views(parameters, sizes, layer)
        dW, db = layer_views(gradients, sizes, layer)
        start = end - m * sizes[layer]
        A = buffer[start:end].reshape(m, sizes[layer])
        dZ = deltas[here, : m * sizes[layer + 1]].reshape(m, sizes[layer + 1])
        dense_backward_weights(A, dZ, dW, db)
        if layer > 0:
            dA = deltas[1 - here, : m * sizes[layer]].reshape(m, sizes[layer])
            dense_backward_input(dZ, W, dA)
            act.backward(activation, A, dA)
        here, end = 1 - here, start


@jit
def output_loss(loss, outputs, labels, targets, rows, dZ):
    """dZ of the last layer; returns (sum of losses, rows classified correctly) for the rows of a batch."""
    if loss == 0:
        return losses.softmax_cross_entropy(outputs, labels[rows], dZ)
    return losses.squared_error(outputs, targets[rows], dZ), 0


@jit
def loss_and_gradients(
    X, labels, targets, rows, sizes, parameters, gradients, buffer, deltas, activation, loss, scale
):
    """Fill `gradients` for the batch X[rows]; returns (sum of losses, rows classified correctly)."""
    m = rows.size
    gather(X, rows, scale, buffer[: m * sizes[0]].reshape(m, sizes[0]))
    outputs = forward(sizes, parameters, activation, buffer, m)
    dZ = deltas[0, : m * sizes[-1]].reshape(m, sizes[-1])
    total, n_correct = output_loss(loss, outputs, labels, targets, rows, dZ)
    backward(sizes, parameters, gradients, activation, buffer, deltas, m)
    return total, n_correct


@jit
def train_epoch(
    X,
    labels,
    targets,
    order,
    sizes,
    parameters,
    gradients,
    buffer,
    deltas,
    activation,
    loss,
    scale,
    batch_size,
    rate,
):
    """One update for every `batch_size` rows of `order`: (sum of losses, rows classified correctly)."""
    total, n_correct = 0.0, 0
    for start in range(0, order.size, batch_size):
        batch_loss, correct = loss_and_gradients(
            X,
            labels,
            targets,
            order[start : start + batch_size],
            sizes,
            parameters,
            gradients,
            buffer,
            deltas,
            activation,
            loss,
            scale,
        )
        sgd_update(parameters, gradients, rate)
        total += batch_loss
        n_correct += correct
    return total, n_correct


@jit
def outputs_of(X, sizes, parameters, gradients, buffer, deltas, activation, loss, scale, block, out):
    """out = the network's outputs (logits or predictions) for every row of X, `block` rows at a time."""
    for start in range(0, X.shape[0], block):
        rows = np.arange(start, min(start + block, X.shape[0]))
        m = rows.size
        gather(X, rows, scale, buffer[: m * sizes[0]].reshape(m, sizes[0]))
        out[start : start + m] = forward(sizes, parameters, activation, buffer, m)
