"""A few rows through a network, straight from row-major weights: nothing packed, no threads, one call.

Each output is the same ascending chain of fused multiply-adds as in the tiles, so a row has the same bits
here as in a large batch. What a single row costs is reading W: rows of W whose input is zero are not read
(four fifths of the first layer for a digit, half of the next after relu), and the rest streams from L2.
"""

from itertools import pairwise

import numpy as np

from fastnn.kernels.activations import LOGISTIC, RELU, TANH, exp, logistic, tanh
from fastnn.kernels.jit import announce_compilation, inline, jit
from fastnn.kernels.panels import aligned_bytes
from fastnn.kernels.simd import (
    constant,
    fma,
    lanes_of,
    larger,
    load,
    load_as,
    load_full_as,
    load_scalar,
    mul,
    size_of,
    splat,
    store,
    store_scalar,
    sub,
)
from fastnn.kernels.target import VECTOR_BYTES

# The plan: three numbers, three addresses, then for each layer its sizes and the addresses of W and b.
N_LAYERS, ACTIVATION, SOFTMAX, INPUT, OUTPUT, ACTIVE, HEAD = range(7)
FAN_IN, FAN_OUT, W, B, PER_LAYER = range(5)

WIDE = 8  # vectors of outputs worked on together: enough chains in flight to hide an FMA's four cycles


def make_plan(weights, biases, activation, softmax):
    """(plan, memory): the memory must live as long as the plan, and so must the arrays."""
    announce_compilation()
    dtype = weights[0].dtype
    sizes = [len(weights[0]), *(len(b) for b in biases)]
    room = -(-max(sizes) * dtype.itemsize // VECTOR_BYTES) * VECTOR_BYTES
    memory = aligned_bytes(2 * room + 8 * max(sizes))
    base = memory.ctypes.data
    plan = [len(weights), activation, int(softmax), base, base + room, base + 2 * room]
    for (fan_in, fan_out), weight, bias in zip(pairwise(sizes), weights, biases, strict=True):
        plan += [fan_in, fan_out, weight.ctypes.data, bias.ctypes.data]
    return np.array(plan, np.int64), memory


@inline
def _read_row(kind, source, columns, target, scale):
    """One row of X, converted and scaled, to `target`."""
    lanes = lanes_of(scale)
    for column in range(0, columns, lanes):
        place = source + column * size_of(kind)
        if column + lanes <= columns:
            value = load_full_as(place, kind, scale)
        else:
            value = load_as(place, kind, columns - column, scale)
        store(target + column * size_of(scale), mul(value, splat(scale)))


@inline
def _list_active(x, count, active, like):
    """Write the indices of x that are not zero (a NaN is not) to `active`; returns how many."""
    n_active = 0
    for k in range(count):
        store_scalar(active + 8 * n_active, k)
        value = load_scalar(x + k * size_of(like), like)
        n_active += value != 0
    return n_active


@inline
def _activated(activation, z, like):
    if activation == RELU:
        return larger(z, constant(0.0, 0.0, like))
    if activation == TANH:
        return tanh(z)
    if activation == LOGISTIC:
        return logistic(z)
    return z


@jit
def dense_row(x, active, n_active, weight, bias, fan_out, target, activation, like):
    """target = g(x W + b) for one row x, of which the `n_active` indices at `active` are not zero."""
    lanes, item = lanes_of(like), size_of(like)
    step = fan_out * item  # bytes from one row of W to the next
    done = 0
    while done + WIDE * lanes <= fan_out:
        at = bias + done * item
        z0, z1 = load(at, like), load(at + VECTOR_BYTES, like)
        z2, z3 = load(at + 2 * VECTOR_BYTES, like), load(at + 3 * VECTOR_BYTES, like)
        z4, z5 = load(at + 4 * VECTOR_BYTES, like), load(at + 5 * VECTOR_BYTES, like)
        z6, z7 = load(at + 6 * VECTOR_BYTES, like), load(at + 7 * VECTOR_BYTES, like)
        for i in range(n_active):
            k = load_scalar(active + 8 * i, fan_out)
            value, row = splat(load_scalar(x + k * item, like)), weight + k * step + done * item
            z0, z1 = fma(value, load(row, like), z0), fma(value, load(row + VECTOR_BYTES, like), z1)
            z2 = fma(value, load(row + 2 * VECTOR_BYTES, like), z2)
            z3 = fma(value, load(row + 3 * VECTOR_BYTES, like), z3)
            z4 = fma(value, load(row + 4 * VECTOR_BYTES, like), z4)
            z5 = fma(value, load(row + 5 * VECTOR_BYTES, like), z5)
            z6 = fma(value, load(row + 6 * VECTOR_BYTES, like), z6)
            z7 = fma(value, load(row + 7 * VECTOR_BYTES, like), z7)
        to = target + done * item
        store(to, _activated(activation, z0, like))
        store(to + VECTOR_BYTES, _activated(activation, z1, like))
        store(to + 2 * VECTOR_BYTES, _activated(activation, z2, like))
        store(to + 3 * VECTOR_BYTES, _activated(activation, z3, like))
        store(to + 4 * VECTOR_BYTES, _activated(activation, z4, like))
        store(to + 5 * VECTOR_BYTES, _activated(activation, z5, like))
        store(to + 6 * VECTOR_BYTES, _activated(activation, z6, like))
        store(to + 7 * VECTOR_BYTES, _activated(activation, z7, like))
        done += WIDE * lanes
    while done < fan_out:  # one vector at a time; memory beyond the row is not touched
        left = min(lanes, fan_out - done)
        z = load_as(bias + done * item, like, left, like)
        for i in range(n_active):
            k = load_scalar(active + 8 * i, fan_out)
            row = weight + k * step + done * item
            z = fma(splat(load_scalar(x + k * item, like)), load_as(row, like, left, like), z)
        store(target + done * item, _activated(activation, z, like))
        done += lanes


@inline
def _softmax_row(z, count, like):
    """Softmax of `count` logits in place: the operations of losses.softmax_cross_entropy, in their order."""
    lanes, item = lanes_of(like), size_of(like)
    top = load_scalar(z, like)
    for c in range(1, count):
        value = load_scalar(z + c * item, like)
        if top < value:
            top = value
    for c in range(0, count, lanes):
        store(z + c * item, exp(sub(load(z + c * item, like), splat(top))))
    total = type(like)(0)
    for c in range(count):
        total += load_scalar(z + c * item, like)
    inverse = type(like)(1) / total
    for c in range(count):
        store_scalar(z + c * item, load_scalar(z + c * item, like) * inverse)


@jit
def predict_directly(plan, X, scale, outputs):
    """outputs[i] = the network's answer for X[i]: probabilities, or the outputs of a regression.

    plan   see make_plan; X (n, n_features) uint8 or float; outputs (n, n_outputs), both C-contiguous
    """
    item, kind = size_of(scale), X.dtype.type(0)
    n_layers, active = plan[N_LAYERS], plan[ACTIVE]
    n_features, n_outputs = X.shape[1], outputs.shape[1]
    for row in range(X.shape[0]):
        x, z = plan[INPUT], plan[OUTPUT]
        _read_row(kind, X.ctypes.data + row * n_features * size_of(kind), n_features, x, scale)
        for layer in range(n_layers):
            at = HEAD + layer * PER_LAYER
            fan_out = plan[at + FAN_OUT]
            n_active = _list_active(x, plan[at + FAN_IN], active, scale)
            activation = plan[ACTIVATION] if layer + 1 < n_layers else 0
            dense_row(x, active, n_active, plan[at + W], plan[at + B], fan_out, z, activation, scale)
            x, z = z, x
        if plan[SOFTMAX] != 0:
            _softmax_row(x, n_outputs, scale)
        for c in range(n_outputs):
            store_scalar(outputs.ctypes.data + (row * n_outputs + c) * item, load_scalar(x + c * item, scale))
