"""Exact first layers of large batches: the true products, rounded once, whatever multiplies."""

import ctypes
import types

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_network, numba_run, numpy_backend
from fastnn.kernels import amx_permission
from fastnn.kernels.byte_layer.exact import forward_exact, gather_exact, weight_update_exact
from fastnn.kernels.byte_layer.layout import MOST_ROWS, PLACE_OF_ROWS, ROWS_IN_PLACE
from fastnn.kernels.byte_layer.narrow import MOST_OUTPUTS
from fastnn.kernels.jit import target_cpu
from fastnn.kernels.panels import aligned_bytes, panel_columns
from fastnn.kernels.shards import SHARD_ROWS
from fastnn.kernels.strided import Gradients, Strided, Weights
from fastnn.kernels.target import HAS_FMA, IS_X86, MULTIPLIES_BYTES
from fastnn.kernels.tile_kinds import CONTINUE, RELU, ROW_BYTES, STORE
from fastnn.kernels.tiles import tile_bank
from fastnn.kernels.workspace import CHUNK, GB, W_PANEL, X_PANEL, Z_PANEL, B, G, W, Workspace, Z
from fastnn.run_settings import RunSettings
from tests.checks import network_of
from tests.kernels.process import run_python
from tests.kernels.test_determinism import bits, trained
from tests.settings import OPTIMIZERS

FLOAT = np.dtype(np.float32)
OUTPUTS = min(MOST_OUTPUTS, panel_columns(FLOAT))
BATCH = 2 * SHARD_ROWS  # the smallest that is cut into shards
EPSILON = 2.0**-23 if HAS_FMA else 2.0**-22  # each step is rounded twice without


# ---- the layer, by itself --------------------------------------------------------------------------------


class Layer:
    """One layer in a workspace, and the three kernels on it."""

    def __init__(self, weights, bias, scale, rows=CHUNK):
        self.shape, self.scale = weights.shape, np.float32(scale)
        self.workspace = Workspace(self.shape, FLOAT, rows=rows, gradients=1, first="exact", poison=0xFF)
        self.workspace.write([weights], [bias])
        self.row, self.x = self.workspace.layers[0], self.workspace.inputs[0]
        self.bank = tile_bank(FLOAT, bytes_as=numba_network.byte_tiles_of("exact", FLOAT))

    def gather(self, X, order):
        gather_exact(
            X.ctypes.data, order, 0, len(order), 0, self.x, self.row[X_PANEL], self.shape[0], self.scale, 0, 0
        )

    def forward(self, n_rows, mode=STORE, stale=1):
        fan_in, fan_out = self.shape
        row = self.row
        forward_exact(
            self.bank, 0, n_rows, Strided(self.x, row[X_PANEL]), row[W], row[B], stale, 0,
            Strided(row[Z], row[Z_PANEL]), fan_in, fan_out, 0, 0, mode, self.scale,
        )  # fmt: skip
        return panel(row[Z], n_rows)[:, :fan_out].copy()

    def update(self, deltas, mode=0):
        fan_in, fan_out = self.shape
        row, (n_rows, _) = self.row, deltas.shape
        memory = aligned_bytes(n_rows * ROW_BYTES)
        panel(memory.ctypes.data, n_rows)[:, :fan_out] = deltas
        blocks = -(-fan_in // panel_columns(FLOAT))
        weight_update_exact(
            self.bank, 0, blocks, n_rows, Strided(self.x, row[X_PANEL]),
            Strided(memory.ctypes.data, ROW_BYTES),
            Weights(Strided(row[W], row[W_PANEL]), row[B], Strided(0, 0)),
            Gradients(Strided(row[G], row[W_PANEL]), row[GB]), fan_in, fan_out, mode, self.scale,
        )  # fmt: skip
        gradient, db = np.empty(self.shape, FLOAT), np.empty(fan_out, FLOAT)
        self.workspace.read_gradients([gradient], [db])
        return gradient, db


def panel(address, n_rows):
    """A panel of float32 as an array."""
    count = n_rows * panel_columns(FLOAT)
    memory = (ctypes.c_float * count).from_address(int(address))
    return np.frombuffer(memory, FLOAT).reshape(n_rows, -1)


def digits(generator, shape, zeros=0.5):
    X = generator.integers(0, 256, shape, dtype=np.uint8)
    X[generator.random(shape) < zeros] = 0
    return X


@pytest.mark.parametrize("fan_in", [1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 784, 1100])
@pytest.mark.parametrize("fan_out", sorted({1, 2, 3, 4, 5, 8, OUTPUTS // 2 + 2, OUTPUTS}))
def test_products_are_those_of_double_precision(fan_in, fan_out, generator):
    weights = generator.standard_normal((fan_in, fan_out)).astype(FLOAT)
    bias = generator.standard_normal(fan_out).astype(FLOAT)
    X = digits(generator, (300, fan_in))
    layer = Layer(weights, bias, 1 / 255)
    for n_rows in (1, 15, 16, 17, 63, 65, 130, MOST_ROWS):
        order = generator.permutation(300)[:n_rows]
        layer.gather(X, order)
        first = layer.forward(n_rows)
        x = X[order] * np.float64(np.float32(1 / 255))
        expected = x @ weights.astype(np.float64) + bias
        largest = x.sum(axis=1)[:, None] * np.abs(weights).max(axis=0)
        bound = EPSILON * (np.abs(expected) + np.abs(bias)) + 2.0**-30 * largest + 1e-30
        assert np.all(np.abs(first - expected) <= bound)
        deltas = generator.standard_normal((n_rows, fan_out)).astype(FLOAT) ** 3
        gradient, db = layer.update(deltas)
        true = x.T @ deltas.astype(np.float64)
        largest = x.sum(axis=0)[:, None] * np.abs(deltas).max(axis=0)
        assert np.all(np.abs(gradient - true) <= EPSILON * np.abs(true) + 2.0**-30 * largest + 1e-30)
        np.testing.assert_allclose(db, deltas.sum(axis=0), rtol=1e-4, atol=1e-5)
        twice, _ = layer.update(deltas, mode=CONTINUE)
        np.testing.assert_allclose(twice, 2 * gradient, rtol=1e-6, atol=1e-30)
        layer.gather(X, order)  # what has been done since leaves the integers of the weights alone
        np.testing.assert_array_equal(layer.forward(n_rows, mode=RELU, stale=0), np.maximum(first, 0))


@pytest.mark.parametrize("fan_in", [3, 64, 65, 784])
def test_rows_in_order_give_the_bits_of_shuffled_ones(fan_in, generator):
    weights = generator.standard_normal((fan_in, OUTPUTS)).astype(FLOAT)
    layer = Layer(weights, np.zeros(OUTPUTS, FLOAT), 1 / 255)
    X = digits(generator, (300, fan_in))
    for n_rows in (1, 15, 16, 17, 130, MOST_ROWS):
        deltas = generator.standard_normal((n_rows, OUTPUTS)).astype(FLOAT)
        in_order = np.arange(300 - n_rows, 300)  # up to the end of X
        shuffle = generator.permutation(n_rows)
        for rows in (in_order, np.append(0, in_order[1:]), np.append(in_order[:-1], 0)):
            layer.gather(X, rows)
            Z, (gradient, _) = layer.forward(n_rows), layer.update(deltas)
            layer.gather(X, rows[shuffle])
            np.testing.assert_array_equal(layer.forward(n_rows), Z[shuffle])
            np.testing.assert_array_equal(layer.update(deltas[shuffle])[0], gradient)


@pytest.mark.skipif(not MULTIPLIES_BYTES, reason="tiles of doubles read a copy that lies otherwise")
def test_rows_in_order_are_read_where_they_are(generator):
    layer = Layer(np.ones((70, 2), FLOAT), np.zeros(2, FLOAT), 1)
    X = digits(generator, (300, 70))
    for rows, count in ((np.arange(100, 150), 48), (np.arange(15), 0), (np.arange(100, 0, -1), 0)):
        layer.gather(X, rows)
        place = ctypes.c_int64.from_address(layer.x + PLACE_OF_ROWS).value
        assert ctypes.c_int64.from_address(layer.x + ROWS_IN_PLACE).value == count
        assert count == 0 or place == X[rows[0]].ctypes.data


def test_weights_become_integers_only_when_they_have_changed(generator):
    weights = generator.standard_normal((2, 70, 5)).astype(FLOAT)
    X = digits(generator, (40, 70))
    layer, other = (Layer(matrix, np.zeros(5, FLOAT), 1) for matrix in weights)
    for each in (layer, other):
        each.gather(X, np.arange(40))
    before, after = layer.forward(40), other.forward(40)
    layer.workspace.write([weights[1]], [np.zeros(5, FLOAT)])
    np.testing.assert_array_equal(layer.forward(40, stale=0), before)
    np.testing.assert_array_equal(layer.forward(40, stale=1), after)


def test_closer_to_the_truth_than_a_chain_of_roundings(generator):
    weights = generator.standard_normal((784, 8)).astype(FLOAT)
    X = digits(generator, (MOST_ROWS, 784), zeros=0.8)
    layer = Layer(weights, np.zeros(8, FLOAT), 1)
    layer.gather(X, np.arange(MOST_ROWS))
    true = X.astype(np.float64) @ weights
    chain = np.zeros_like(true, FLOAT)
    for k in range(784):  # a product of two float32 is exact in a double: one rounding a step
        chain = (chain + X[:, k : k + 1].astype(np.float64) * weights[k].astype(np.float64)).astype(FLOAT)
    error, chain_error = (np.linalg.norm(z - true) for z in (layer.forward(MOST_ROWS), chain))
    assert error < chain_error / 4


@pytest.mark.parametrize("size", [1e-38, 1e-33, 1e-25, 1.0, 1e20, 1e35])
def test_any_size_of_weights_and_deltas(size, generator):
    weights = (size * generator.standard_normal((40, 5))).astype(FLOAT)
    X = digits(generator, (50, 40))
    layer = Layer(weights, np.zeros(5, FLOAT), 1 / 255)
    layer.gather(X, np.arange(50))
    x = X / 255.0
    expected = x @ weights.astype(np.float64)
    unit = 40 * 2.0**-116  # of 40 terms, for there are no smaller scales
    np.testing.assert_allclose(layer.forward(50), expected, rtol=1e-5, atol=1e-5 * size + unit)
    deltas = (size * generator.standard_normal((50, 5))).astype(FLOAT)
    true = x.T @ deltas.astype(np.float64)
    np.testing.assert_allclose(layer.update(deltas)[0], true, rtol=1e-5, atol=1e-5 * size + unit)


def test_outputs_of_unlike_sizes_keep_their_digits(generator):
    """Each output has a scale of its own."""
    sizes = np.array([1e-12, 1.0, 1e12])
    weights = (sizes * generator.standard_normal((64, 3))).astype(FLOAT)
    X = digits(generator, (64, 64))
    layer = Layer(weights, np.zeros(3, FLOAT), 1)
    layer.gather(X, np.arange(64))
    expected = X.astype(np.float64) @ weights
    assert np.all(np.abs(layer.forward(64) - expected) <= 1e-5 * np.abs(expected).max(axis=0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(value, generator):
    weights = generator.standard_normal((20, 3)).astype(FLOAT)
    weights[7, 1] = value
    layer = Layer(weights, np.zeros(3, FLOAT), 1)
    layer.gather(digits(generator, (30, 20)), np.arange(30))
    outputs = layer.forward(30)
    assert not np.isfinite(outputs[:, 1]).any()
    assert np.isfinite(outputs[:, [0, 2]]).all()
    assert not np.isfinite(layer.forward(30, mode=RELU)[:, 1]).any()
    deltas = generator.standard_normal((30, 3)).astype(FLOAT)
    deltas[29, 2] = value
    gradient, _ = layer.update(deltas)
    assert not np.isfinite(gradient[:, 2]).any()
    assert np.isfinite(gradient[:, :2]).all()


# At the ends of the scale; and all digits as large as they come: -128, -128, -128 and 63.
ENDS = (2 - 2.0**-23, 0x3E7F7F80 * 2.0**-29)


@pytest.mark.parametrize("value", [0, 1, 255])
@pytest.mark.parametrize("end", ENDS)
def test_images_of_one_colour_and_the_largest_sums(value, end):
    X = np.full((MOST_ROWS, 1000), value, np.uint8)
    for sign in (1, -1):
        top = np.float32(sign * end)
        assert top == sign * end
        layer = Layer(np.full((1000, 2), top, FLOAT), np.zeros(2, FLOAT), 1)
        layer.gather(X, np.arange(MOST_ROWS))
        np.testing.assert_allclose(layer.forward(MOST_ROWS), np.float64(top) * value * 1000, rtol=EPSILON)
        gradient, _ = layer.update(np.full((MOST_ROWS, 2), top, FLOAT))
        np.testing.assert_allclose(gradient, np.float64(top) * value * MOST_ROWS, rtol=EPSILON)


# ---- in training -----------------------------------------------------------------------------------------

SIZES = [(784, 10, 10), (784, 10), (5, 3, 2), (33, 9, 17, 3), (1, 1, 2), (70, OUTPUTS, 4), (24, 9, 3)]


def chosen(sizes, dtype=FLOAT, X=None, sharded=True):
    network = network_of(sizes, dtype, np.random.default_rng(0))
    X = np.zeros((3, sizes[0]), np.uint8) if X is None else X
    return numba_network.first_layer(network, X, RunSettings(2), sharded=sharded)


def test_for_shards_of_bytes_into_few_float32_only():
    assert chosen((784, OUTPUTS, 10)) == "exact"
    assert chosen((784, OUTPUTS, 10), sharded=False) == "narrow"
    assert chosen((784, 4, 10), np.dtype(np.float64)) == "narrow"
    assert chosen((784, OUTPUTS + 1, 10)) is None
    assert chosen((784, OUTPUTS, 10), X=np.zeros((3, 784), FLOAT)) is None
    assert chosen((1 << 15, 2)) == "exact"
    assert chosen(((1 << 15) + 1, 2)) == "narrow"


def test_a_chunk_is_as_long_as_sums_of_digits_allow():
    assert MOST_ROWS == CHUNK


def test_an_input_has_room_for_one_thread_only():
    def room(threads):
        options = {"rows": CHUNK * threads, "threads": threads, "gradients": 2, "first": "exact"}
        inputs = Workspace((784, 10, 10), FLOAT, **options).inputs
        return inputs[1] - inputs[0]

    assert room(2) == room(8) < 2_000_000


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
@pytest.mark.parametrize(("batch_size", "n_rows"), [(BATCH, BATCH + 90), (2500, 5100)])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_any_number_of_threads(sizes, batch_size, n_rows, optimizer):
    net = (sizes, "relu", "cross_entropy", batch_size, n_rows)
    options = {"optimizer": OPTIMIZERS[optimizer]}
    expected = bits(trained(net, FLOAT, 1, **options))
    for threads in (2, 3, 4, 7):
        assert bits(trained(net, FLOAT, threads, **options)) == expected, threads


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "-".join(map(str, sizes)))
def test_an_epoch_is_that_of_numpy(sizes, generator):
    X, y = digits(generator, (BATCH + 77, sizes[0])), generator.integers(0, sizes[-1], BATCH + 77)
    settings = RunSettings(BATCH, 2)
    found = []
    for open_run in (numba_run.Run, numpy_backend.Run):
        network = network_of(sizes, FLOAT, np.random.default_rng(1), input_scale=1 / 255)
        run = open_run(network, X, y, settings)
        losses = [run.epoch(np.arange(len(X)), settings.constant_rates(len(X), 0.2))[0] for _ in range(3)]
        run.write_back()
        found.append((losses, [*network.weights, *network.biases]))
        run.close()
    (losses, arrays), (expected_losses, expected) = found
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    for actual, wanted in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-3, atol=1e-5)


# One, all, and some of the outputs that a vector of AVX2 holds; with an optimizer that amplifies every bit.
ELSEWHERE = """
import hashlib
import numpy as np
from fastnn.kernels.target import HAS_AMX, HAS_VNNI, VECTOR_BYTES
from tests.kernels.test_determinism import bits, trained
from tests.settings import OPTIMIZERS

def digest():
    text = hashlib.sha256()
    for sizes in ((784, 10, 10), (90, 3, 4), (33, 16, 5), (1, 1, 2)):
        for name in ("sgd", "adam"):
            net = (sizes, "relu", "cross_entropy", 2200, 4500)
            result = trained(net, np.dtype("float32"), 2, optimizer=OPTIMIZERS[name])
            text.update(repr(bits(result)).encode())
    return text.hexdigest()
"""
CHILD = ELSEWHERE + "print(HAS_AMX, HAS_VNNI, VECTOR_BYTES, digest())"


def digest_here():
    scope = types.ModuleType("elsewhere").__dict__
    exec(ELSEWHERE, scope)
    return scope["digest"]()


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not (IS_X86 and HAS_FMA), reason="x86 targets, with the roundings of this CPU")
def test_the_same_bits_with_avx2_and_doubles(pytestconfig):
    """Tests something on a CPU with more than AVX2."""
    output = run_python(CHILD, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="")
    assert output.split() == ["False", "False", "32", digest_here()]


INSTRUCTIONS = ["amx-int8", "avx512vnni"]  # that multiply bytes, the faster first


@pytest.mark.slow
@pytest.mark.skipif(not MULTIPLIES_BYTES, reason="a CPU with AMX, and leave to use it, or AVX-512 VNNI")
@pytest.mark.parametrize("count", [1, 2])
def test_the_same_bits_without(count, pytestconfig):
    """The CPU with one of the instructions less that multiply bytes, and with neither."""
    features = target_cpu()[1]
    for name in INSTRUCTIONS[:count]:
        features = features.replace(f"+{name}", f"-{name}")
    output = run_python(CHILD, cwd=pytestconfig.rootpath, NUMBA_CPU_FEATURES=features)
    has_vnni = str(count == 1 and "+avx512vnni" in features)
    assert output.split() == ["False", has_vnni, "64", digest_here()]


@pytest.mark.slow
@pytest.mark.skipif(
    not MULTIPLIES_BYTES, reason="bytes are laid out for tiles where they are multiplied at all"
)
def test_the_same_bits_with_amx_tiles(pytestconfig, tmp_path):
    """Emulated, on any CPU that multiplies bytes: a change of what they read is seen without AMX, too."""
    emulated = "import tests.kernels.emulated_amx\n" + CHILD.replace(
        'dtype("float32"), 2', 'dtype("float32"), 1'
    )
    output = run_python(emulated, cwd=pytestconfig.rootpath, FASTNN_CACHE_DIR=str(tmp_path))
    assert output.split()[0] == "True"
    assert output.split()[-1] == digest_here()


# ---- leave to use AMX ------------------------------------------------------------------------------------


def test_amx_only_where_the_cpu_has_it_and_the_system_allows_it(monkeypatch):
    def system(answer):
        library = types.SimpleNamespace(syscall=lambda *_: answer)
        monkeypatch.setattr(amx_permission.ctypes, "CDLL", lambda _: library)

    monkeypatch.setattr(amx_permission.platform, "system", lambda: "Linux")
    system(0)
    assert amx_permission.may_use_amx("+avx2,+amx-int8,+amx-tile")
    assert not amx_permission.may_use_amx("+avx2,-amx-int8")
    assert not amx_permission.may_use_amx("")
    system(-1)
    assert not amx_permission.may_use_amx("+amx-int8")
    monkeypatch.setattr(amx_permission.ctypes, "CDLL", lambda _: object())
    assert not amx_permission.may_use_amx("+amx-int8")
    system(0)
    monkeypatch.setattr(amx_permission.platform, "system", lambda: "Darwin")
    assert not amx_permission.may_use_amx("+amx-int8")
