"""Each activation beside its derivative, elementwise over 2-D arrays; equations in numpy_backend."""

import math

from fastnn.kernels.jit import jit

# One compiled network serves every activation: it carries a number, not a function.
CODES = {"identity": 0, "relu": 1, "tanh": 2, "logistic": 3}


@jit
def relu(Z, A):
    """A = max(Z, 0); A may be Z. A NaN stays a NaN, so that divergence is seen."""
    for s in range(Z.shape[0]):
        for n in range(Z.shape[1]):
            z = Z[s, n]
            A[s, n] = Z.dtype.type(0) if z <= 0 else z


@jit
def tanh(Z, A):
    """A = tanh Z; A may be Z."""
    for s in range(Z.shape[0]):
        for n in range(Z.shape[1]):
            A[s, n] = math.tanh(Z[s, n])


@jit
def logistic(Z, A):
    """A = (1 + tanh(Z/2)) / 2; A may be Z."""
    half = Z.dtype.type(0.5)
    for s in range(Z.shape[0]):
        for n in range(Z.shape[1]):
            A[s, n] = half + half * math.tanh(half * Z[s, n])


@jit
def identity(Z, A):
    """A = Z; A may be Z."""
    for s in range(Z.shape[0]):
        for n in range(Z.shape[1]):
            A[s, n] = Z[s, n]


@jit
def activate(code, Z, A):
    """A = g(Z) for the activation numbered `code`; A may be Z."""
    if code == 1:
        relu(Z, A)
    elif code == 2:
        tanh(Z, A)
    elif code == 3:
        logistic(Z, A)
    else:
        identity(Z, A)


@jit
def derivative(code, A, D):
    """D = g′(Z), computed from A = g(Z), which all four activations allow; D may be A."""
    zero, one = A.dtype.type(0), A.dtype.type(1)
    for s in range(A.shape[0]):
        for n in range(A.shape[1]):
            a = A[s, n]
            if code == 1:
                D[s, n] = one if a > 0 else zero
            elif code == 2:
                D[s, n] = one - a * a
            elif code == 3:
                D[s, n] = a * (one - a)
            else:
                D[s, n] = one


@jit
def backward(code, A, dA):
    """dZ = dA ⊙ g′(Z), in place in dA, with g′ computed from A = g(Z)."""
    zero, one = A.dtype.type(0), A.dtype.type(1)
    for s in range(A.shape[0]):
        for n in range(A.shape[1]):
            a = A[s, n]
            if code == 1:
                dA[s, n] = dA[s, n] if a > 0 else zero
            elif code == 2:
                dA[s, n] *= one - a * a
            elif code == 3:
                dA[s, n] *= a * (one - a)
