"""One kernel an activation, so that only those a network uses are compiled; reached by address.

All have one signature: A = g(Z) in place for rows first..last of a panel-major matrix, and where the
address S is not 0 also g'(Z) into S, a matrix of Z's layout. Identity needs none, and relu only for its
slope, because it happens in the tile's store.
"""

from fastnn.kernels import activations
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load, store
from fastnn.kernels.simd import lanes_of
from fastnn.kernels.tile_kinds import ROW_BYTES


@inline
def _over_rows(g, first, last, Z, stride, columns, S, like):
    lanes = lanes_of(like)
    for vector in range((columns + lanes - 1) // lanes):
        base = vector // 2 * stride + vector % 2 * (ROW_BYTES // 2)
        for i in range(first, last):
            offset = base + i * ROW_BYTES
            a, slope = g(load(Z + offset, like))
            store(Z + offset, a)
            if S != 0:
                store(S + offset, slope)


@jit
def _relu(first, last, Z, stride, columns, S, like):
    _over_rows(activations.relu_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _leaky_relu(first, last, Z, stride, columns, S, like):
    _over_rows(activations.leaky_relu_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _elu(first, last, Z, stride, columns, S, like):
    _over_rows(activations.elu_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _gelu(first, last, Z, stride, columns, S, like):
    _over_rows(activations.gelu_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _silu(first, last, Z, stride, columns, S, like):
    _over_rows(activations.silu_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _softplus(first, last, Z, stride, columns, S, like):
    _over_rows(activations.softplus_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _tanh(first, last, Z, stride, columns, S, like):
    _over_rows(activations.tanh_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _logistic(first, last, Z, stride, columns, S, like):
    _over_rows(activations.logistic_and_slope, first, last, Z, stride, columns, S, like)


@jit
def _exp(first, last, Z, stride, columns, S, like):
    _over_rows(activations.exp_and_slope, first, last, Z, stride, columns, S, like)


# By name; "exp" is what follows the last layer for the Poisson loss.
KERNELS = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": _softplus,
    "tanh": _tanh,
    "logistic": _logistic,
    "exp": _exp,
}
