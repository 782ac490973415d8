"""Narrow first layers on bytes: the bits of the ordinary tiles, for any shape, batch, team and optimizer."""

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_run
from fastnn.kernels.byte_layer.byte_input import LISTED_ROWS
from fastnn.kernels.byte_layer.narrow import MOST_OUTPUTS
from fastnn.kernels.panels import aligned_bytes, pack_transposed, panel_columns, panel_view, unpack_transposed
from fastnn.kernels.target import IS_X86
from fastnn.kernels.tile_ir import COLUMNS_SHIFT
from fastnn.kernels.tile_kinds import ROW_BYTES
from fastnn.kernels.workspace import CHUNK
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings
from tests.checks import data_for, network_of
from tests.kernels.process import run_python
from tests.kernels.test_determinism import bits, trained
from tests.settings import OPTIMIZERS

SIZES = [
    (784, 10, 10),
    (784, 10),
    (5, 3, 2),
    (16, 16, 4),
    (33, 9, 17, 3),
    (100, 13, 10),
    (1, 1, 2),
    (64, 5, 2),
    (90, 4, 64),  # few products, but an output layer that is shared by columns
    (90, 2, 3, 40),
]
# batch size, rows: one sample; ragged; several panels of rows; several chunks
BATCHES = [(1, 7), (7, 50), (33, 100), (64, 300), (300, 900)]


@pytest.fixture
def ordinary(monkeypatch):
    """Calls a function with every first layer on the ordinary tiles."""

    def call(function, *args, **options):
        with monkeypatch.context() as patch:
            patch.setattr(numba_run, "first_layer", lambda *_, **__: None)
            return function(*args, **options)

    return call


def is_narrow(sizes, dtype, X=None, **options):
    network = network_of(sizes, dtype, np.random.default_rng(0))
    X = np.zeros((3, sizes[0]), np.uint8) if X is None else X
    return numba_run.first_layer(network, X, RunSettings(2, **options), sharded=False) == "narrow"


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
@pytest.mark.parametrize(("batch_size", "n_rows"), BATCHES)
def test_bits_of_the_ordinary_tiles(sizes, batch_size, n_rows, dtype, ordinary):
    net = (sizes, "relu", "cross_entropy", batch_size, n_rows)
    expected = bits(ordinary(trained, net, dtype, 1))
    for threads in (1, 2, 3, 7):
        assert bits(trained(net, dtype, threads)) == expected, threads


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_bits_with_other_optimizers_and_activations(optimizer, activation, dtype, ordinary):
    regularisation = Regularisation(l2=0.01, dropout=(0.0, 0.3))
    options = {"optimizer": OPTIMIZERS[optimizer], "regularisation": regularisation}
    net = ((40, 9, 5), activation, "cross_entropy", 40, 130)
    expected = bits(ordinary(trained, net, dtype, 1, **options))
    for threads in (1, 2, 5):
        assert bits(trained(net, dtype, threads, **options)) == expected, threads


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_bits_of_shards(optimizer, ordinary):
    net, dtype = ((70, 10, 4), "relu", "cross_entropy", 2500, 5100), np.dtype("float64")  # float32: exact.py
    expected = bits(ordinary(trained, net, dtype, 1, optimizer=OPTIMIZERS[optimizer]))
    for threads in (1, 2, 3):
        assert bits(trained(net, dtype, threads, optimizer=OPTIMIZERS[optimizer])) == expected, threads


@pytest.mark.parametrize("value", [0, 1, 255])
def test_images_of_one_colour(value, dtype, ordinary):
    def weights():
        generator = np.random.default_rng(3)
        network = network_of((50, 6, 3), dtype, generator, input_scale=1 / 255)
        _, y = data_for(network, 90, generator)
        settings = RunSettings(40, 2)
        run = numba_run.Run(network, np.full((90, 50), value, np.uint8), y, settings)
        run.epoch(np.arange(90), settings.constant_rates(90, 0.1))
        run.write_back()
        run.close()
        return network.weights

    for actual, expected in zip(weights(), ordinary(weights), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_gradients_and_state_come_out_of_their_layout(dtype, ordinary):
    def arrays():
        generator = np.random.default_rng(4)
        network = network_of((37, 11, 3), dtype, generator, input_scale=1 / 255)
        X, y = generator.integers(0, 256, (60, 37), dtype=np.uint8), generator.integers(0, 3, 60)
        run = numba_run.Run(network, X, y, RunSettings(30, 1, optimizer=OPTIMIZERS["adam"]), gradients=True)
        run.accumulate(np.arange(30))
        gradients = [np.empty_like(W) for W in network.weights]
        run.workspace.read_gradients(gradients, [np.empty_like(b) for b in network.biases])
        run.epoch(np.arange(60), np.full(2, 0.1))
        state = run.state()
        run.set_state(state)
        assert all(np.array_equal(run.state()[name], array) for name, array in state.items())
        run.close()
        return [*gradients, *state.values()]

    for actual, expected in zip(arrays(), ordinary(arrays), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_for_bytes_into_few_outputs_only(dtype):
    most = min(MOST_OUTPUTS, panel_columns(dtype))
    assert is_narrow((784, most, 10), dtype)
    assert not is_narrow((784, most + 1, 10), dtype)
    assert not is_narrow((784, 10, 10), dtype, X=np.zeros((3, 784), dtype))


def test_lists_have_room_for_a_chunk():
    assert LISTED_ROWS >= CHUNK
    assert LISTED_ROWS * ROW_BYTES <= 1 << COLUMNS_SHIFT  # offsets of rows of dZ


@pytest.mark.parametrize(
    "regularisation",
    [Regularisation(clip_norm=1.0), Regularisation(max_norm=1.0), Regularisation(dropout=(0.1, 0.0))],
    ids=["clip_norm", "max_norm", "input dropout"],
)
def test_not_for_what_goes_by_columns_of_W_or_changes_the_inputs(regularisation, dtype):
    assert not is_narrow((20, 10, 10), dtype, regularisation=regularisation)


@pytest.mark.parametrize("shape", [(1, 1), (32, 10), (33, 3), (100, 4)])
def test_transposed_blocks_there_and_back(shape, dtype, generator):
    width = panel_columns(dtype)
    M = generator.standard_normal(shape).astype(dtype)[:, :width]
    rows = -(-shape[0] // width) * width
    memory = aligned_bytes(rows * width * dtype.itemsize, fill=0xFF)
    pack_transposed(M, memory.ctypes.data, dtype.type(0))
    panels = panel_view(memory.ctypes.data, rows, width, 0, dtype)
    assert panels[0, 0, : min(width, len(M))].tolist() == M[:width, 0].tolist()
    assert not panels[0, M.shape[1] : width].any()
    back = np.empty_like(M)
    unpack_transposed(panels, back)
    np.testing.assert_array_equal(back, M)


SHORT_VECTORS = """
import numpy as np
from fastnn.backends import numba_run
from fastnn.kernels.target import VECTOR_BYTES
from tests.kernels.test_determinism import bits, trained
from tests.kernels.test_narrow import is_narrow

chosen = numba_run.first_layer
for sizes in ((90, 4, 3), (784, 2, 2), (33, 3)):
    for name in ("float32", "float64"):
        net, dtype = (sizes, "relu", "cross_entropy", 33, 100), np.dtype(name)
        assert is_narrow(sizes, dtype)
        narrow = [bits(trained(net, dtype, threads)) for threads in (1, 2, 3)]
        numba_run.first_layer = lambda *_, **__: None
        assert narrow == [bits(trained(net, dtype, 1))] * 3, (sizes, name)
        numba_run.first_layer = chosen
net, dtype = ((90, 4, 3), "relu", "cross_entropy", 2200, 2300), np.dtype("float32")  # in shards: exact.py
exact = [trained(net, dtype, threads) for threads in (1, 2, 3)]
numba_run.first_layer = lambda *_, **__: None
for found, expected in zip(exact[0][1], trained(net, dtype, 1)[1], strict=True):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
assert bits(exact[0]) == bits(exact[1]) == bits(exact[2])
print(VECTOR_BYTES)
"""


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not IS_X86, reason="x86 targets")
def test_vectors_of_16_bytes(pytestconfig):
    """Panels of eight floats, or of four doubles: less than a byte of a bitmap."""
    output = run_python(
        SHORT_VECTORS, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="nehalem", NUMBA_CPU_FEATURES=""
    )
    assert output.split() == ["16"]


def test_rows_beyond_four_gigabytes():
    """The update reads X where it is, by offsets: those of the last of many rows do not fit 32 bits."""
    generator, columns, n_rows = np.random.default_rng(0), 784, 150
    few = generator.integers(0, 256, (n_rows, columns), np.uint8)
    few[generator.random(few.shape) < 0.8] = 0
    labels = generator.integers(0, 10, n_rows)
    before = 2**32 // columns + 1
    try:
        X, y = np.zeros((before + n_rows, columns), np.uint8), np.zeros(before + n_rows, np.int64)
    except MemoryError:
        pytest.skip("no 4 GB of addresses are to be had")
    X[before:], y[before:] = few, labels  # what is never touched takes no memory
    order = generator.permutation(n_rows)

    def weights(X, y, order):
        network = network_of(
            (columns, 10, 10), np.dtype(np.float32), np.random.default_rng(1), input_scale=1 / 255
        )
        settings = RunSettings(64, 2)
        run = numba_run.Run(network, X, y, settings)
        run.epoch(order, settings.constant_rates(len(order), 0.1))
        run.write_back()
        run.close()
        return [weight.tobytes() for weight in network.weights]

    assert weights(X, y, before + order) == weights(few, labels, order)
