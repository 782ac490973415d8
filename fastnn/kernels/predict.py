"""A few rows through a network, straight from row-major weights: nothing packed, no threads, one call.

Each output is the same ascending chain of fused multiply-adds as in the tiles, so a row has the same bits
here as in a large batch. What a single row costs is reading W: rows of W whose input is zero are not read
(four fifths of the first layer for a digit, half of the next after relu), and the rest streams from L2.
"""

from itertools import pairwise

import numpy as np

from fastnn.kernels.activations import exp
from fastnn.kernels.bits import LIST_OVERRUN, WORD, nonzero_bits, write_list
from fastnn.kernels.jit import announce_compilation, inline, jit
from fastnn.kernels.link import call
from fastnn.kernels.memory import load, load_as, load_scalar, store, store_scalar
from fastnn.kernels.panels import aligned_bytes, panel_count
from fastnn.kernels.rows import read_row
from fastnn.kernels.simd import fma, lanes_of, larger, size_of, splat, sub
from fastnn.kernels.table import activation_address
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES

# The plan: two numbers, three addresses, then for each layer its sizes, the addresses of W and b, whether
# relu follows, and the address of the kernel (activate.py) of anything else that follows, or 0.
N_LAYERS, SOFTMAX, INPUT, OUTPUT, ACTIVE, HEAD = range(6)
FAN_IN, FAN_OUT, W, B, RELU, ACTIVATE, PER_LAYER = range(7)

# What follows the last layer, by loss; softmax has code of its own here, and other regressions are linear.
LAST = {"binary_cross_entropy": "logistic", "poisson": "exp"}

WIDE = 8  # vectors of outputs worked on together: enough chains in flight to hide an FMA's four cycles


def make_plan(weights, biases, activations, loss):
    """(plan, memory): the memory must live as long as the plan, and so must the arrays.

    activations   name for each hidden layer      loss   the network's, which says what follows the last layer
    """
    announce_compilation()
    dtype = weights[0].dtype
    sizes = [len(weights[0]), *(len(b) for b in biases)]
    # Whole panels, for kernels take a row as a matrix of one; and whole words of a bitmap.
    room = max(panel_count(max(sizes), dtype) * ROW_BYTES, -(-max(sizes) // WORD) * WORD * dtype.itemsize)
    memory = aligned_bytes(2 * room + 4 * (max(sizes) + LIST_OVERRUN))
    base = memory.ctypes.data
    plan = [len(weights), int(loss == "cross_entropy"), base, base + room, base + 2 * room]
    names = [*activations, LAST.get(loss, "identity")]
    for (fan_in, fan_out), weight, bias, name in zip(pairwise(sizes), weights, biases, names, strict=True):
        plan += [fan_in, fan_out, weight.ctypes.data, bias.ctypes.data]
        plan += [int(name == "relu"), activation_address(name, dtype)]
    return np.array(plan, np.int64), memory


@inline
def _list_active(x, count, active, like):
    """Write the indices of x that are not zero (a NaN is not) to `active`, as int32; returns how many."""
    n_active = 0
    for first in range(0, count, WORD):
        word, left = nonzero_bits(x + first * size_of(like), like), count - first
        if left < WORD:  # what lies beyond x is another row's
            word &= (1 << left) - 1
        n_active += write_list(word, first, active + 4 * n_active)
    return n_active


@jit
def dense_row(x, active, n_active, weight, bias, fan_out, target, least):
    """target = max(x W + b, least) for one row x, of which the `n_active` indices at `active` are not zero.

    least   0 is relu, minus infinity nothing: one path for both, and a NaN stays a NaN
    Notes   memory beyond a row of W is not touched
    """
    like = least
    lanes, item, floor = lanes_of(like), size_of(like), splat(least)
    step = fan_out * item  # bytes from one row of W to the next
    done = 0
    while done + WIDE * lanes <= fan_out:
        at = bias + done * item
        z0, z1 = load(at, like), load(at + VECTOR_BYTES, like)
        z2, z3 = load(at + 2 * VECTOR_BYTES, like), load(at + 3 * VECTOR_BYTES, like)
        z4, z5 = load(at + 4 * VECTOR_BYTES, like), load(at + 5 * VECTOR_BYTES, like)
        z6, z7 = load(at + 6 * VECTOR_BYTES, like), load(at + 7 * VECTOR_BYTES, like)
        for i in range(n_active):
            k = load_scalar(active + 4 * i, np.int32(0))
            value, row = splat(load_scalar(x + k * item, like)), weight + k * step + done * item
            z0, z1 = fma(value, load(row, like), z0), fma(value, load(row + VECTOR_BYTES, like), z1)
            z2 = fma(value, load(row + 2 * VECTOR_BYTES, like), z2)
            z3 = fma(value, load(row + 3 * VECTOR_BYTES, like), z3)
            z4 = fma(value, load(row + 4 * VECTOR_BYTES, like), z4)
            z5 = fma(value, load(row + 5 * VECTOR_BYTES, like), z5)
            z6 = fma(value, load(row + 6 * VECTOR_BYTES, like), z6)
            z7 = fma(value, load(row + 7 * VECTOR_BYTES, like), z7)
        to = target + done * item
        store(to, larger(z0, floor))
        store(to + VECTOR_BYTES, larger(z1, floor))
        store(to + 2 * VECTOR_BYTES, larger(z2, floor))
        store(to + 3 * VECTOR_BYTES, larger(z3, floor))
        store(to + 4 * VECTOR_BYTES, larger(z4, floor))
        store(to + 5 * VECTOR_BYTES, larger(z5, floor))
        store(to + 6 * VECTOR_BYTES, larger(z6, floor))
        store(to + 7 * VECTOR_BYTES, larger(z7, floor))
        done += WIDE * lanes
    while done + lanes < fan_out:  # four vectors, of which the last ones may be empty
        at = bias + done * item
        left0, left1, left2 = fan_out - done, fan_out - done - lanes, fan_out - done - 2 * lanes
        left3 = left2 - lanes
        z0, z1 = load_as(at, like, left0, like), load_as(at + VECTOR_BYTES, like, left1, like)
        z2 = load_as(at + 2 * VECTOR_BYTES, like, left2, like)
        z3 = load_as(at + 3 * VECTOR_BYTES, like, left3, like)
        for i in range(n_active):
            k = load_scalar(active + 4 * i, np.int32(0))
            value, row = splat(load_scalar(x + k * item, like)), weight + k * step + done * item
            z0 = fma(value, load_as(row, like, left0, like), z0)
            z1 = fma(value, load_as(row + VECTOR_BYTES, like, left1, like), z1)
            z2 = fma(value, load_as(row + 2 * VECTOR_BYTES, like, left2, like), z2)
            z3 = fma(value, load_as(row + 3 * VECTOR_BYTES, like, left3, like), z3)
        to = target + done * item
        store(to, larger(z0, floor))
        store(to + VECTOR_BYTES, larger(z1, floor))
        if left2 > 0:
            store(to + 2 * VECTOR_BYTES, larger(z2, floor))
        if left3 > 0:
            store(to + 3 * VECTOR_BYTES, larger(z3, floor))
        done += 4 * lanes
    if done < fan_out:
        left = fan_out - done
        z = load_as(bias + done * item, like, left, like)
        for i in range(n_active):
            k = load_scalar(active + 4 * i, np.int32(0))
            row = weight + k * step + done * item
            z = fma(splat(load_scalar(x + k * item, like)), load_as(row, like, left, like), z)
        store(target + done * item, larger(z, floor))


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
    """outputs[i] = the network's answer for X[i]: probabilities, or the predictions of a regression.

    plan   see make_plan; X (n, n_features) uint8 or float; outputs (n, n_outputs), both C-contiguous
    """
    predict_rows(plan, X, 0, X.shape[0], scale, outputs)


@inline
def predict_rows(plan, X, first, last, scale, outputs):
    """Rows first..last of predict_directly."""
    item, kind = size_of(scale), X.dtype.type(0)
    n_layers, active = plan[N_LAYERS], plan[ACTIVE]
    n_features, n_outputs = X.shape[1], outputs.shape[1]
    data, to = np.intp(X.ctypes.data), np.intp(outputs.ctypes.data)  # unsigned, they would make sums floats
    for row in range(first, last):
        x, z = plan[INPUT], plan[OUTPUT]
        read_row(kind, data + row * n_features * size_of(kind), n_features, x, scale)
        for layer in range(n_layers):
            at = HEAD + layer * PER_LAYER
            fan_out = plan[at + FAN_OUT]
            n_active = _list_active(x, plan[at + FAN_IN], active, scale)
            least = type(scale)(0 if plan[at + RELU] != 0 else -np.inf)
            dense_row(x, active, n_active, plan[at + W], plan[at + B], fan_out, z, least)
            if plan[at + ACTIVATE] != 0:
                call(plan[at + ACTIVATE], 0, 1, z, ROW_BYTES, fan_out, 0, scale)
            x, z = z, x
        if plan[SOFTMAX] != 0:
            _softmax_row(x, n_outputs, scale)
        for c in range(n_outputs):
            store_scalar(to + (row * n_outputs + c) * item, load_scalar(x + c * item, scale))
