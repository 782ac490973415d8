"""open_gradients: loss and gradients of the same rows again and again, while the network changes."""

import numpy as np
import pytest

from fastnn.backends import numpy_backend
from fastnn.regularisation import Regularisation
from tests.checks import assert_close, data_for, network_of


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("weighted", [False, True])
def test_follows_the_arrays_of_the_network(backend, dtype, loss, weighted, generator):
    network = network_of((5, 40, 3), dtype, generator, loss=loss)
    X, y = data_for(network, 23, generator)
    weights = generator.uniform(0, 5, 23).astype(dtype) if weighted else None
    regularisation = Regularisation(l2=0.3, label_smoothing=0.1 if loss == "cross_entropy" else 0.0)
    gradients = backend.open_gradients(network, X, y, weights, regularisation)
    for factor in (1, 0.5, -1):
        for array in (*network.weights, *network.biases):
            array *= array.dtype.type(factor)
        found, dWs, dbs = gradients()
        expected, wanted_dWs, wanted_dbs = numpy_backend.loss_and_gradients(
            network, X, y, weights, regularisation
        )
        assert found == pytest.approx(expected, rel=1e-5)
        for actual, wanted in zip([*dWs, *dbs], [*wanted_dWs, *wanted_dbs], strict=True):
            assert_close(actual, wanted, atol=1e-6 if dtype == np.float32 else 1e-13)


def test_earlier_results_are_left_alone(backend, generator):
    network = network_of((5, 4, 3), np.float64, generator)
    gradients = backend.open_gradients(network, *data_for(network, 9, generator))
    _, dWs, _ = gradients()
    before = dWs[0].copy()
    network.weights[0][...] = 0
    gradients()
    np.testing.assert_array_equal(dWs[0], before)
