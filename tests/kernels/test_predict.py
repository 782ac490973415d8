"""The path for a few rows: the bits of the large batch, whatever follows the layers."""

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_backend, numba_predict, numpy_backend
from tests.checks import assert_close, data_for, network_of

LOSSES = numpy_backend.LOSSES
N_ROWS = 800  # all together take the other path


def assert_same_bits(network, X):
    assert numba_predict.few_rows(network) < N_ROWS
    together = numba_backend.predict(network, X)
    assert_close(together, numpy_backend.predict(network, X))
    for rows in (slice(0, 1), slice(3, 4), slice(5, 22)):
        np.testing.assert_array_equal(numba_backend.predict(network, X[rows]), together[rows])


@pytest.mark.parametrize("activation", numpy_backend.ACTIVATIONS)
def test_every_activation(activation, dtype, generator):
    network = network_of((9, 130, 17, 3), dtype, generator, activation=activation)
    assert_same_bits(network, data_for(network, N_ROWS, generator)[0])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_outputs", [1, 2, 40])
def test_every_loss(loss, n_outputs, dtype, generator):
    activations = ("gelu", "relu", "softplus", "identity")
    network = network_of((5, 20, 33, 8, 12, n_outputs), dtype, generator, activation=activations, loss=loss)
    assert_same_bits(network, data_for(network, N_ROWS, generator)[0])


@pytest.mark.parametrize(
    ("sizes", "n_rows", "zeros", "direct"),
    [
        ((784, 128, 10), 8, 0.0, True),
        ((784, 128, 10), 9, 0.0, False),
        ((784, 128, 10), 192, 0.8, True),
        ((784, 128, 10), 193, 0.8, False),
        ((784, 10, 10), 256, 0.8, True),
        ((784, 10, 10), 257, 0.8, False),
        ((784, 512, 512, 10), 4, 0.0, True),
        ((784, 512, 512, 10), 5, 0.0, False),
        ((784, 512, 512, 10), 32, 0.8, True),
        ((784, 512, 512, 10), 33, 0.8, False),
        ((784, 1024, 1024, 10), 1, 0.8, True),
        ((784, 1024, 1024, 10), 2, 0.8, False),
    ],
)
def test_which_rows_are_few(sizes, n_rows, zeros, direct, generator, monkeypatch):
    network = network_of(sizes, np.dtype(np.float32), generator)
    X = generator.standard_normal((n_rows, 784)).astype(np.float32)
    X[generator.random(X.shape) < zeros] = 0
    expected, packed = numba_backend.predict(network, X), []
    monkeypatch.setattr(numba_predict, "_forward", lambda *_, outputs: packed.append(len(outputs)))
    found = numba_backend.predict(network, X)
    assert packed == ([] if direct else [n_rows])
    if direct:
        monkeypatch.undo()
        monkeypatch.setattr(numba_predict, "_are_few", lambda *_: False)
        np.testing.assert_array_equal(found, numba_backend.predict(network, X))
        np.testing.assert_array_equal(found, expected)


def test_a_nan_stays_one(dtype, generator):
    network = network_of((4, 6, 3), dtype, generator)
    X = np.full((1, 4), np.nan, dtype)
    assert np.isnan(numba_backend.predict(network, X)).all()
