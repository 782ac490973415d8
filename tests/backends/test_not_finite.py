"""Rows with a NaN or an infinity are predicted as NaN, also where no layer would let it through."""

import numpy as np
import pytest

from tests.checks import data_for, network_of

# Of minus infinity relu makes 0 and tanh -1; of plus infinity logistic makes 1.
NETWORKS = {
    "relu": ((7, 20, 3), "relu", "cross_entropy"),
    "tanh": ((40, 130, 2), "tanh", "squared_error"),
    "logistic": ((33, 5, 1), "logistic", "binary_cross_entropy"),
    "large": ((600, 470, 5), "relu", "cross_entropy"),
}


def unfriendly(sizes, activation, loss, dtype, generator):
    """A network in which an infinity in the last feature gets lost."""
    network = network_of(sizes, dtype, generator, activation=activation, loss=loss)
    network.weights[0][-1] = -1 if activation == "relu" else 1
    return network


@pytest.mark.parametrize("n_rows", [1, 3, 30, 200, 700])
@pytest.mark.parametrize("name", NETWORKS)
def test_predictions(backend, name, n_rows, dtype, generator):
    sizes, activation, loss = NETWORKS[name]
    network = unfriendly(sizes, activation, loss, dtype, generator)
    X, y = data_for(network, n_rows, generator)
    expected = backend.predict(network, X)
    assert np.isfinite(expected).all()
    for value in (np.inf, np.nan):
        for rows in ([0], [n_rows - 1], list(range(0, n_rows, 7))):
            odd = X.copy()
            odd[rows, -1] = value
            found = backend.predict(network, odd)
            assert np.isnan(found[rows]).all()
            others = np.delete(np.arange(n_rows), rows)
            np.testing.assert_array_equal(found[others], expected[others])
            assert np.isnan(backend.evaluate(network, odd, y)[0])
            assert np.isnan(backend.evaluate(network, odd, y, np.ones(n_rows, dtype))[0])
    np.testing.assert_array_equal(backend.predict(network, X), expected)
    assert np.isfinite(backend.evaluate(network, X, y)[0])
