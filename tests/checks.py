"""Comparisons, small networks and names of cases that several tests share."""

import re

import numpy as np

from fastnn.network import Network
from tests.conftest import ATOL, RTOL


def assert_close(actual, expected, *, rtol=None, atol=None):
    """Equal within the tolerance table, and of the same shape and dtype."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    name = str(expected.dtype)
    np.testing.assert_allclose(actual, expected, rtol=rtol or RTOL[name], atol=atol or ATOL[name])


def assert_product_close(actual, A, B, bias=0.0):
    """`actual` is A @ B + bias within k·ε·(|A|·|B| + |bias|), which a sum in any order meets."""
    exact = A.astype(np.float64) @ B.astype(np.float64) + bias
    size = np.abs(A).astype(np.float64) @ np.abs(B).astype(np.float64) + np.abs(bias)
    bound = (A.shape[1] + 2) * np.finfo(actual.dtype).eps * size
    assert actual.shape == exact.shape
    assert np.all(np.abs(actual - exact) <= bound + np.finfo(actual.dtype).tiny)


def network_of(sizes, dtype, generator, *, activation="relu", loss="cross_entropy", input_scale=None):
    """A random network with biases that are not zero, so that they are tested too."""
    network = Network.initialise(
        sizes,
        generator=generator,
        dtype=np.dtype(dtype),
        activation=activation,
        loss=loss,
        input_scale=input_scale,
    )
    for b in network.biases:
        b[...] = generator.normal(0, 0.3, b.shape)
    return network


def data_for(network, n_rows, generator):
    """Random rows and targets that fit `network`."""
    X = generator.normal(size=(n_rows, network.sizes[0])).astype(network.dtype)
    shape = n_rows, network.sizes[-1]
    if network.loss_name == "cross_entropy":
        return X, generator.integers(0, network.sizes[-1], n_rows)
    if network.loss_name == "binary_cross_entropy":
        return X, generator.integers(0, 2, shape).astype(network.dtype)
    if network.loss_name == "poisson":
        return X, generator.poisson(2.0, shape).astype(network.dtype)
    return X, generator.normal(size=shape).astype(network.dtype)


def copy_of(network):
    """The same network with arrays of its own."""
    return Network(
        [W.copy() for W in network.weights],
        [b.copy() for b in network.biases],
        activation=network.activations,
        huber_delta=network.huber_delta,
        loss=network.loss_name,
        classes=network.classes,
        input_scale=network.input_scale,
        backend=network.backend,
    )


def weights_of(model):
    """Weights and biases of a model or network."""
    return [*model.weights, *model.biases]


def assert_same_bits(one, other):
    """The same parameters, to the last bit."""
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


def case(value):
    """The name of a parametrized case: the same in every process, so without addresses, and short."""
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", str(value))[:40]
