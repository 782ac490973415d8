"""Softmax and the losses: each writes dZ of the last layer and returns the sum of the losses of its rows."""

import math

from fastnn.kernels.jit import jit

CODES = {"cross_entropy": 0, "squared_error": 1}


@jit
def softmax(logits, P):
    """P = eᶻ / Σ eᶻ along each row, the row's maximum taken off first; P may be logits."""
    for s in range(logits.shape[0]):
        largest = logits[s, 0]
        for n in range(1, logits.shape[1]):
            largest = max(largest, logits[s, n])
        total = logits.dtype.type(0)
        for n in range(logits.shape[1]):
            P[s, n] = math.exp(logits[s, n] - largest)
            total += P[s, n]
        for n in range(logits.shape[1]):
            P[s, n] /= total


@jit
def softmax_cross_entropy(logits, labels, dZ):
    """dZ = (P − Y)/m without a one-hot Y; returns (Σ −log P[label], rows whose largest logit is the label's).

    dZ may be logits: the labels' logits are read before a row is overwritten.
    """
    m = logits.shape[0]
    loss, n_correct = 0.0, 0
    for s in range(m):
        best = 0
        for n in range(1, logits.shape[1]):
            if logits[s, n] > logits[s, best]:
                best = n
        largest, own = logits[s, best], logits[s, labels[s]]
        n_correct += best == labels[s]
        total = logits.dtype.type(0)
        for n in range(logits.shape[1]):
            dZ[s, n] = math.exp(logits[s, n] - largest)
            total += dZ[s, n]
        loss += math.log(total) - (own - largest)
        for n in range(logits.shape[1]):
            dZ[s, n] = dZ[s, n] / total / logits.dtype.type(m)
        dZ[s, labels[s]] -= logits.dtype.type(1) / logits.dtype.type(m)
    return loss, n_correct


@jit
def squared_error(outputs, targets, dZ):
    """dZ = (Z − Y)/m; returns Σ ½ (Z − Y)². dZ may be outputs."""
    m = outputs.dtype.type(outputs.shape[0])
    loss = 0.0
    for s in range(outputs.shape[0]):
        for n in range(outputs.shape[1]):
            difference = outputs[s, n] - targets[s, n]
            loss += 0.5 * difference * difference
            dZ[s, n] = difference / m
    return loss
