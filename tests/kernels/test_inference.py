"""Forward passes on their own: the same bits whichever way rows take, and whoever helps, late or never."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_pass, numpy_backend
from fastnn.backends.numba_network import targets_of
from fastnn.backends.numba_pass import ForwardPass
from fastnn.kernels.helpers import Helpers
from tests.checks import assert_close, data_for, network_of

NETWORKS = {
    "one layer": ((7, 3), "relu", "cross_entropy"),
    "panels": ((33, 64, 31, 2), "gelu", "binary_cross_entropy"),
    "large": ((600, 470, 33, 5), ("relu", "tanh"), "cross_entropy"),
    "regression": ((40, 130, 17, 1), "softplus", "huber"),
}


@pytest.fixture
def all_helpers(monkeypatch):
    """As many threads as there are, for the smallest work too."""
    monkeypatch.setattr(numba_pass, "threads_for_rows", lambda cost, n_rows, *_: min(n_rows, 3))


@pytest.mark.usefixtures("all_helpers")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_both_ways_give_the_same_bits(name, threads, dtype, generator, monkeypatch):
    sizes, activation, loss = NETWORKS[name]
    network = network_of(sizes, dtype, generator, activation=activation, loss=loss)
    X, y = data_for(network, 260, generator)
    weights = generator.random(len(X)).astype(dtype)
    forward_pass = ForwardPass(network, threads)
    for n in (1, 2, 15, 16, 28, 29, 31, 32, 41, 65, 128, 256, 257):
        found = []
        for few in (0, 256):  # all by rows; all by panels, for which there is room
            monkeypatch.setattr(numba_pass, "most_for_panels", lambda workspace, few=few: few)
            outputs = np.empty((n, sizes[-1]), dtype)
            forward_pass.run(network, X[:n], outputs=outputs)
            targets = targets_of(network, y[:n])
            found.append((outputs, forward_pass.run(network, X[:n], targets, weights=weights[:n])))
        (by_rows, lost_by_rows), (by_panels, lost_by_panels) = found
        np.testing.assert_array_equal(by_panels, by_rows)
        assert lost_by_panels == lost_by_rows
        assert_close(by_rows, numpy_backend.predict(network, X[:n]))
        loss_expected, correct_expected = numpy_backend.evaluate(network, X[:n], y[:n], weights[:n])
        np.testing.assert_allclose(lost_by_rows[0], loss_expected, rtol=1e-4)
        assert lost_by_rows[1] == correct_expected


@pytest.mark.parametrize("fan_out", [1, 15, 16, 17, 33, 300])
@pytest.mark.parametrize("n_features", [1, 3, 16, 17, 100])
def test_rows_give_the_same_bits_in_place_converted_and_in_panels(
    n_features, fan_out, generator, monkeypatch
):
    network = network_of((n_features, fan_out), np.float32, generator)
    network.weights = [unaligned(W) for W in network.weights]
    network.input_scale = 1 / 255
    pixels = generator.integers(0, 256, (300, n_features), np.uint8)
    floats = unaligned(pixels * np.float32(network.input_scale))
    forward_pass = ForwardPass(network, 1)
    for n in (*range(1, 19), 31, 257, 300):
        found = []
        for few in (0, 256):
            monkeypatch.setattr(numba_pass, "most_for_panels", lambda workspace, few=few: few)
            for X in (floats[:n], floats[:n].astype(np.float64), pixels[:n]):
                found.append(np.empty((n, fan_out), np.float32))
                forward_pass.run(network, X, outputs=found[-1])
        for outputs in found[1:]:
            np.testing.assert_array_equal(outputs, found[0])
    ways = {(kind.itemsize, row_major) for kind, _, row_major in forward_pass._nets}
    assert ways == {(4, True), (8, True), (1, True), (8, False), (1, False)} | (
        {(4, False)} if fan_out == 300 else set()
    )


def unaligned(A):
    """A copy of A that begins where no vector does."""
    memory = np.empty(A.size + 1, A.dtype)
    memory[1:] = A.ravel()
    return memory[1:].reshape(A.shape)


@pytest.mark.usefixtures("all_helpers")
@pytest.mark.parametrize("n_rows", [100, 3000])
def test_helpers_need_not_come(n_rows, generator, monkeypatch):
    network = network_of((20, 40, 3), np.float32, generator)
    X, _ = data_for(network, n_rows, generator)
    expected = np.empty((n_rows, 3), np.float32)
    ForwardPass(network, 1).run(network, X, outputs=expected)
    forward_pass, found = ForwardPass(network, 3), np.empty_like(expected)
    asked = []
    monkeypatch.setattr(
        Helpers, "run", lambda self, work, helpers: (asked.append((work, helpers)), work(0, 1))
    )
    forward_pass.run(network, X, outputs=found)
    np.testing.assert_array_equal(found, expected)
    ((late, helpers),) = asked
    assert helpers == 2
    found[:] = 7
    late(1, 1)  # finds nothing to do, and touches nothing
    late(2, 1)
    assert (found == 7).all()


def interrupt_callers(monkeypatch, until=None):
    """Ctrl-C just before the caller is in its kernel; helpers work, but wait for the event `until` before."""

    def interrupted(kernel, kind, net, me, *arguments):
        if me.thread == 0:
            raise KeyboardInterrupt
        assert until is None or until.wait(30)
        kernel(net, me, *arguments)

    monkeypatch.setattr(numba_pass, "call_known", interrupted)


@pytest.mark.usefixtures("all_helpers")
def test_after_ctrl_c_helpers_end_alone_what_the_caller_never_began(generator, monkeypatch):
    network = network_of((20, 40, 3), np.float32, generator)
    X, _ = data_for(network, 3000, generator)
    expected, found = np.empty((3000, 3), np.float32), np.zeros((3000, 3), np.float32)
    ForwardPass(network, 3).run(network, X, outputs=expected)
    forward_pass = ForwardPass(network, 3)
    interrupt_callers(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        forward_pass.run(network, X, outputs=found)
    assert comes_true(lambda: np.array_equal(found, expected))
    found[:] = 0
    monkeypatch.undo()
    forward_pass.run(network, X, outputs=found)  # and are ready for more
    np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("all_helpers")
def test_after_ctrl_c_helpers_keep_what_they_work_on(generator, monkeypatch):
    network = network_of((20, 40, 3), np.float32, generator)
    X, _ = data_for(network, 3000, generator)
    expected, found = np.empty((3000, 3), np.float32), np.zeros((3000, 3), np.float32)
    ForwardPass(network, 1).run(network, X, outputs=expected)
    released = threading.Event()
    interrupt_callers(monkeypatch, until=released)
    forward_pass = ForwardPass(network, 3)
    workspace = weakref.ref(forward_pass._workspace)
    with pytest.raises(KeyboardInterrupt):
        forward_pass.run(network, X, outputs=found)
    del forward_pass
    gc.collect()
    assert workspace() is not None
    released.set()
    assert comes_true(lambda: np.array_equal(found, expected))
    assert comes_true(lambda: workspace() is None)


def comes_true(condition):
    """Whether it does, soon."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    return condition()


def test_helpers_end_with_their_owner():
    helpers = Helpers(4)
    helpers.run(lambda number, _: None, 0)
    assert not helpers._crew.threads  # before they are needed
    began = threading.Event()
    helpers.run(lambda number, _: number == 2 and began.set(), 2)
    assert began.wait(30)
    threads = helpers._crew.threads
    assert len(threads) == 2
    del helpers
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_helper_that_cannot_be_had(monkeypatch):
    from fastnn.kernels import crew as module

    begun = []

    class Refused(threading.Thread):
        def start(self):
            if self.name == "fastnn_2":
                raise RuntimeError("can't start new thread")
            super().start()
            begun.append(self)

    monkeypatch.setattr(module, "Thread", Refused)
    with pytest.raises(RuntimeError, match="can't start"):
        Helpers(2).run(lambda number, _: None, 2)
    (first,) = begun
    first.join(30)
    assert not first.is_alive()


def test_arrays_in_any_order(generator):
    network = network_of((20, 40, 3), np.float32, generator)
    X, _ = data_for(network, 300, generator)
    found, expected = np.empty((2, 300, 3), np.float32)
    ForwardPass(network, 2).run(network, X, outputs=expected)
    network.weights[0] = np.asfortranarray(network.weights[0])
    forward_pass = ForwardPass(network, 2)
    forward_pass.run(network, X, outputs=found)
    np.testing.assert_array_equal(found, expected)
    network.weights[0][:] *= 2  # and in place
    ForwardPass(network, 2).run(network, X, outputs=expected)
    forward_pass.run(network, X, outputs=found)
    np.testing.assert_array_equal(found, expected)
