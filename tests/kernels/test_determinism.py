"""The same bits for any number of threads, any vector width, any rubbish in the workspace."""

import hashlib

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_backend, numpy_backend
from fastnn.kernels import sparsity, target, workspace
from fastnn.kernels.listed import heights
from fastnn.kernels.shares import panels_together
from fastnn.run_settings import RunSettings
from tests.checks import copy_of, data_for, network_of
from tests.kernels.process import run_python
from tests.settings import OPTIMIZERS, PAIRS, REGULARISATIONS

# sizes, activation, loss, batch size, rows: ragged batches, chunks, widths on both sides of a panel
NETS = [
    ((20, 64, 64, 2), "relu", "cross_entropy", 32, 333),
    ((33, 17, 10), "tanh", "cross_entropy", 128, 300),
    ((784, 100, 40, 10), "logistic", "cross_entropy", 64, 200),
    ((5, 3), "relu", "cross_entropy", 200, 200),
    ((50, 30, 40, 33), "identity", "squared_error", 50, 120),
    ((1, 1, 1, 2), "relu", "cross_entropy", 1, 20),
    ((40, 35, 3), "tanh", "cross_entropy", 1000, 900),  # a full batch in several chunks
    ((784, 10, 10), "relu", "cross_entropy", 64, 150),
    ((20, 10, 130, 7, 64, 5), "relu", "cross_entropy", 40, 150),  # narrow and wide layers in turn
    ((40, 35, 9, 3), "tanh", "cross_entropy", 2500, 2600),  # in fixed shards, the last batch in one
    ((70, 10, 4), "relu", "cross_entropy", 2500, 5100),  # in shards, a first layer that is exact.py's
    ((20, 64, 64, 100, 7, 5), ("gelu", "softplus", "silu", "elu"), "cross_entropy", 40, 333),
]


def trained(net, dtype, threads, epochs=2, image_like=True, **options):
    """(results of the epochs, weights and biases) after training a network that depends on `net` alone."""
    sizes, activation, loss, batch_size, n_rows = net
    generator = np.random.default_rng(5)
    network = network_of(
        sizes, dtype, generator, activation=activation, loss=loss, input_scale=1 / 255 if image_like else None
    )
    X, y = data_for(network, n_rows, generator)
    if image_like:
        X = generator.integers(0, 256, X.shape, dtype=np.uint8)
        X[generator.random(X.shape) < 0.6] = 0
        X[:, ::3] = 0
        X[: n_rows // 4] = 0
    settings = RunSettings(batch_size, threads, **options)
    run = numba_backend.open_run(network, X, y, settings)
    rates = settings.constant_rates(n_rows, 0.1)
    results = [run.epoch(generator.permutation(n_rows), rates) for _ in range(epochs)]
    run.write_back()
    run.close()
    return results, [*network.weights, *network.biases], numba_backend.predict(network, X)


def bits(result):
    results, arrays, outputs = result
    losses = [(values.tobytes(), n_correct) for values, n_correct in results]
    return losses, [array.tobytes() for array in arrays], outputs.tobytes()


@pytest.mark.parametrize("net", NETS, ids=lambda net: "-".join(map(str, net[0])))
@pytest.mark.parametrize("image_like", [True, False])
def test_any_number_of_threads(net, dtype, image_like):
    expected = bits(trained(net, dtype, 1, image_like=image_like))
    for threads in (2, 3, 4, 7):
        assert bits(trained(net, dtype, threads, image_like=image_like)) == expected, threads


@pytest.mark.parametrize("net", NETS, ids=lambda net: "-".join(map(str, net[0])))
@pytest.mark.parametrize("lists", [(True, True), (False, False)])
def test_rubbish_in_the_workspace(net, dtype, lists, monkeypatch):
    monkeypatch.setattr(sparsity, "choose", lambda *_: lists)
    expected = bits(trained(net, dtype, 2))
    room = sparsity.aligned_bytes
    monkeypatch.setattr(sparsity, "aligned_bytes", lambda count: room(count, 0xFF))
    original = workspace.Workspace.__init__
    monkeypatch.setattr(
        workspace.Workspace,
        "__init__",
        lambda self, *args, **options: original(self, *args, **options, poison=0xFF),
    )
    assert bits(trained(net, dtype, 2)) == expected


@pytest.mark.parametrize("net", NETS, ids=lambda net: "-".join(map(str, net[0])))
@pytest.mark.parametrize("image_like", [True, False])
@pytest.mark.parametrize("lists", [(True, True), (True, False), (False, True)])
def test_skipping_zeros_changes_no_bit(net, dtype, image_like, lists, monkeypatch):
    monkeypatch.setattr(sparsity, "choose", lambda *_: (False, False))
    expected = bits(trained(net, dtype, 1, image_like=image_like))
    monkeypatch.setattr(sparsity, "choose", lambda *_: lists)
    for threads in (1, 3):
        assert bits(trained(net, dtype, threads, image_like=image_like)) == expected


# In vectors of outputs, around the places where listed.py takes two panels together; 34: with short vectors.
@pytest.mark.parametrize("vectors", [2, 3, 4, 5, 6, 7, 8, 12, 34])
@pytest.mark.parametrize("rest", [0, 1])
def test_skipping_zeros_with_two_panels_together(vectors, rest, dtype, monkeypatch):
    width = vectors * target.VECTOR_BYTES // dtype.itemsize + rest
    net = ((70, width, 5), "relu", "cross_entropy", 300, 330)  # batches of two chunks, and of less than one
    optimizer = OPTIMIZERS["momentum"]
    monkeypatch.setattr(sparsity, "choose", lambda *_: (False, False))
    expected = [bits(trained(net, dtype, 1)), bits(trained(net, dtype, 1, optimizer=optimizer))]
    monkeypatch.setattr(sparsity, "choose", lambda *_: (True, True))
    for threads in (1, 2, 3, 7):
        found = [bits(trained(net, dtype, threads)), bits(trained(net, dtype, threads, optimizer=optimizer))]
        assert found == expected, threads


OPTION_NET = ((784, 128, 70, 10), "relu", "cross_entropy", 48, 130)
SHARDED_NET = ((30, 24, 35, 10), "tanh", "cross_entropy", 3000, 5100)
FULL_BATCH_NET = ((60, 64, 35, 10), "tanh", "cross_entropy", 600, 600)
OPTIONS = {
    f"{optimizer}, {regularisation}": {
        "optimizer": OPTIMIZERS[optimizer],
        "regularisation": REGULARISATIONS[regularisation],
        "dropout_seed": 7,
    }
    for optimizer, regularisation in PAIRS
    if optimizer == "sgd" or regularisation == "everything"
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_any_number_of_threads_with_options(options):
    for net, name in ((OPTION_NET, "float32"), (FULL_BATCH_NET, "float64"), (SHARDED_NET, "float32")):
        expected = bits(trained(net, np.dtype(name), 1, **options))
        for threads in (2, 7):
            assert bits(trained(net, np.dtype(name), threads, **options)) == expected, threads


@pytest.mark.parametrize("net", [OPTION_NET, FULL_BATCH_NET], ids=["batches", "full"])
def test_rubbish_in_the_workspace_with_options(net, dtype, monkeypatch):
    options = OPTIONS["adam, everything"]
    expected = bits(trained(net, dtype, 2, **options))
    original = workspace.Workspace.__init__
    monkeypatch.setattr(
        workspace.Workspace,
        "__init__",
        lambda self, *args, **options: original(self, *args, **options, poison=0xFF),
    )
    assert bits(trained(net, dtype, 2, **options)) == expected


def test_skipping_zeros_changes_no_bit_with_options(dtype, monkeypatch):
    options = OPTIONS["adam, everything"]
    monkeypatch.setattr(sparsity, "choose", lambda *_: (False, False))
    expected = bits(trained(OPTION_NET, dtype, 1, **options))
    monkeypatch.setattr(sparsity, "choose", lambda *_: (True, True))
    for threads in (1, 2, 3, 7):
        assert bits(trained(OPTION_NET, dtype, threads, **options)) == expected


def test_zeros_are_skipped_where_it_pays(generator):
    images = generator.integers(1, 256, (2000, 784), dtype=np.uint8)
    assert sparsity.choose(images, np.float32, 128, 128) == (False, False)
    images[:, : 784 // 2] = 0  # as the margins of a digit
    assert sparsity.choose(images, np.float32, 128, 128) == (True, True)
    assert sparsity.choose(images, np.float32, 2, 8) == (False, False)  # too little work for lists
    assert sparsity.choose(images[:1], np.float64, 70_000, 256) == (True, True)
    assert sparsity.choose(images[:100], np.float32, 128, 128) == (False, False)  # in all rows together


def test_zeros_are_judged_by_the_tiles_that_will_skip_them(generator):
    """Of 6 rows at random 72 % of these features remain, of 10 rows 88: above what is worth lists."""
    X = generator.integers(1, 256, (2000, 784), dtype=np.uint8) * (generator.random((2000, 784)) < 0.19)
    X, like = X.astype(np.uint8), np.float32(0)
    for fan_out, threads in ((128, 1), (64, 1), (64, 2), (192, 2), (128, 2), (64, 3)):
        tall, _ = heights(panels_together(fan_out, threads, 1, like))
        worth = sparsity.active_shares(X, tall, 4)[0] < sparsity.WORTH_LISTING
        assert sparsity.choose(X, np.float32, fan_out, 128, threads)[0] == worth, (fan_out, threads)
        assert worth == (tall < 8)


def digest(nets=NETS[:5]):
    """One hash of the bits of several trainings, to compare with another process's."""
    text, float32 = hashlib.sha256(), np.dtype("float32")  # another type would be compiled for half a minute
    for lists in ((False, False), (True, True)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sparsity, "choose", lambda *_, chosen=lists: chosen)
            for net in nets:
                text.update(repr(bits(trained(net, float32, 2))).encode())
            for option in ("adam, everything", "nesterov, everything"):
                text.update(repr(bits(trained(OPTION_NET, float32, 2, **OPTIONS[option]))).encode())
    return text.hexdigest()


CHILD = "from tests.kernels.test_determinism import *; print(target.VECTOR_BYTES, target.HAS_FMA, digest())"


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not target.IS_X86, reason="x86 targets")
def test_same_bits_with_avx2(pytestconfig):
    """Half the vector width, half the registers, other tiles: the same bits."""
    if not target.HAS_FMA:
        pytest.skip("this machine has no FMA, so it rounds differently")
    output = run_python(CHILD, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="")
    assert output.split() == ["32", "True", digest()]


WITHOUT_FMA = """
from tests.kernels.test_determinism import *
from tests.backends import test_equal
float32 = np.dtype("float32")
for net in NETS:
    assert bits(trained(net, float32, 1)) == bits(trained(net, float32, 3))
for sizes, activation, loss in test_equal.NETWORKS[:5]:
    test_equal.test_loss_and_gradients(
        numba_backend, float32, np.random.default_rng(1), sizes, activation, loss
    )
print(target.VECTOR_BYTES, target.HAS_FMA)
"""


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not target.IS_X86, reason="x86 targets")
def test_a_cpu_without_fma(pytestconfig):
    """A CPU of 2008: vectors of 16 bytes, two roundings a step; other bits, the same mathematics."""
    output = run_python(
        WITHOUT_FMA, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="nehalem", NUMBA_CPU_FEATURES=""
    )
    assert output.split() == ["16", "False"]


def test_a_row_predicts_the_same_alone_and_in_company(dtype, generator):
    network = network_of((30, 20, 5), dtype, generator)
    X, _ = data_for(network, 700, generator)
    together = numba_backend.predict(network, X)
    for i in (0, 1, 17, 255, 256, 699):
        assert numba_backend.predict(network, X[i : i + 1]).tobytes() == together[i : i + 1].tobytes()
    assert numba_backend.predict(network, X[:100]).tobytes() == together[:100].tobytes()


def test_gradients_of_a_batch_in_several_chunks(generator):
    network = network_of((30, 20, 5), np.float64, generator)
    X, y = data_for(network, 3 * workspace.CHUNK + 5, generator)
    loss, dWs, dbs = numba_backend.loss_and_gradients(network, X, y)
    expected, expected_dWs, expected_dbs = numpy_backend.loss_and_gradients(network, X, y)
    assert loss == pytest.approx(expected, rel=1e-12)
    for actual, wanted in zip([*dWs, *dbs], [*expected_dWs, *expected_dbs], strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-9, atol=1e-13)


def test_many_threads_on_few_cpus_finish(generator):
    network = network_of((20, 16, 3), np.float32, generator)
    X, y = data_for(network, 2000, generator)
    expected = copy_of(network)
    for model, threads in ((network, 8), (expected, 1)):
        settings = RunSettings(32, threads)
        run = numba_backend.open_run(model, X, y, settings)
        run.epoch(np.arange(2000), settings.constant_rates(2000, 0.1))
        run.write_back()
        run.close()
    np.testing.assert_array_equal(network.weights[0], expected.weights[0])
