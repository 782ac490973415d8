"""The path for a few rows: the bits of the large batch, whatever follows the layers."""

import threading

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_backend, numba_directly, numba_predict, numpy_backend
from fastnn.backends.numba_directly import Directly
from fastnn.kernels.helpers import Helpers, Pace
from tests.checks import assert_close, data_for, network_of

LOSSES = numpy_backend.LOSSES
N_ROWS = 800  # all together take the other path


def assert_same_bits(network, X):
    assert numba_directly.few_rows(network) < N_ROWS
    together = numba_backend.predict(network, X)
    assert_close(together, numpy_backend.predict(network, X))
    for rows in (slice(0, 1), slice(3, 4), slice(5, 22)):
        np.testing.assert_array_equal(numba_backend.predict(network, X[rows]), together[rows])


def with_zeros(shape, zeros, generator):
    """X of which so large a share is zero."""
    X = generator.standard_normal(shape).astype(np.float32)
    X[generator.random(shape) < zeros] = 0
    return X


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
    monkeypatch.setattr(numba_directly, "usable_cpus", lambda: 1)
    network = network_of(sizes, np.dtype(np.float32), generator)
    X = with_zeros((n_rows, sizes[0]), zeros, generator)
    expected, packed = numba_backend.predict(network, X), []
    monkeypatch.setattr(numba_predict, "_forward", lambda *_, outputs: packed.append(len(outputs)))
    found = numba_backend.predict(network, X)
    assert packed == ([] if direct else [n_rows])
    if direct:
        monkeypatch.undo()
        network.prepared.directly = None
        np.testing.assert_array_equal(found, numba_backend.predict(network, X))
        np.testing.assert_array_equal(found, expected)


class QuickPace(Pace):
    def is_quick(self):
        return True


@pytest.mark.parametrize(
    ("sizes", "n_rows", "threads"),
    [
        ((784, 128, 10), 40, 1),
        ((784, 128, 10), 64, 2),
        ((784, 128, 10), 1152, 2),
        ((784, 128, 10), 1153, 0),
        ((784, 10, 10), 256, 2),
        ((784, 10, 10), 257, 0),
        ((784, 512, 512, 10), 192, 2),
        ((784, 512, 512, 10), 193, 0),
        ((64, 32, 10), 256, 1),
    ],
)
def test_how_many_threads_take_rows_of_zeros(sizes, n_rows, threads, generator, monkeypatch):
    monkeypatch.setattr(numba_directly, "usable_cpus", lambda: 2)
    network = network_of(sizes, np.dtype(np.float32), generator)
    directly, X = Directly(network, QuickPace()), with_zeros((n_rows, sizes[0]), 0.8, generator)
    assert directly.threads_for_more(X) == threads
    X[n_rows // 4 :] = 1  # the first rows say nothing of the others
    assert directly.threads_for_more(X) == 0


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n_rows", [1, 7, 8, 9, 100])
@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_together_gives_the_same_bits(n_rows, threads, kind, dtype, generator, monkeypatch):
    monkeypatch.setattr(numba_directly, "usable_cpus", lambda: threads)
    network = network_of((33, 40, 17, 3), dtype, generator, activation=("relu", "tanh"))
    X = generator.integers(0, 4, (n_rows, 33)).astype(np.uint8 if kind == "bytes" else dtype)
    if kind == "floats":
        X[n_rows // 2, 5] = np.inf
    directly = Directly(network, Pace())
    np.testing.assert_array_equal(directly.predict_more(X, threads), directly.predict(X))


def test_rows_are_predicted_without_those_who_never_come(generator, monkeypatch):
    network = network_of((20, 30, 3), np.float32, generator)
    X, late = data_for(network, 50, generator)[0], []
    monkeypatch.setattr(Helpers, "run", lambda self, work, helpers: (late.append(work), work(0, 1)))
    directly = Directly(network, Pace())
    found = directly.predict_more(X, 3)
    np.testing.assert_array_equal(found, directly.predict(X))
    found[:] = 7
    late[0](1, 1)  # finds nothing to do
    late[0](2, 1)
    assert (found == 7).all()


def test_after_ctrl_c_a_helper_ends_it_all(generator, monkeypatch):
    monkeypatch.setattr(numba_directly, "usable_cpus", lambda: 2)
    network = network_of((20, 30, 3), np.float32, generator)
    X = data_for(network, 50, generator)[0]
    directly, done, run = Directly(network, Pace()), threading.Event(), Helpers.run

    def interrupted(self, work, helpers):
        def interrupted_work(number, call):
            if number == 0:
                raise KeyboardInterrupt
            work(number, call)
            done.set()

        run(self, interrupted_work, helpers)

    monkeypatch.setattr(Helpers, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        directly.predict_more(X, 2)
    assert done.wait(30)
    monkeypatch.undo()
    np.testing.assert_array_equal(directly.predict_more(X, 2), directly.predict(X))


def test_a_nan_stays_one(dtype, generator):
    network = network_of((4, 6, 3), dtype, generator)
    X = np.full((1, 4), np.nan, dtype)
    assert np.isnan(numba_backend.predict(network, X)).all()
