"""Runs compiled code on memory that ends, or begins, at a page nobody may touch: for a process of its own.

    python -m tests.kernels.guarded all    # or some; the name of each case is printed before it runs

Every matrix of a run's workspace, X, targets, weights, order, losses and outputs lie each between two such
pages, so reading or writing beyond one ends the process. Room that is to be written first holds NaNs. Each
case must give the bits that it gives on ordinary memory.
"""

import ctypes
import mmap
import sys
from functools import partialmethod

import numpy as np

from fastnn.backends import (
    numba_backend,
    numba_directly,
    numba_network,
    numba_pass,
    numba_predict,
    numba_run,
)
from fastnn.kernels import leaves, panels, predict, sparsity, workspace
from fastnn.kernels.strided import Strided
from fastnn.kernels.tile_kinds import ROW_BYTES
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings
from tests.checks import data_for, network_of
from tests.settings import OPTIMIZERS, REGULARISATIONS

PAGE = mmap.PAGESIZE
NAN = 0xFF
ORDINARY = workspace.Workspace.__init__


class Guard:
    """Hands out memory that ends exactly at a forbidden page, or with `after` False begins behind one."""

    def __init__(self, after):
        self.after = after
        self._kept = []
        self._protect = ctypes.CDLL(None, use_errno=True).mprotect
        self._protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int

    def block(self, count, fill=0):
        """Address of `count` bytes."""
        pages = -(-max(1, count) // PAGE)
        room = mmap.mmap(-1, (pages + 2) * PAGE)
        base = ctypes.addressof(ctypes.c_char.from_buffer(room))
        for forbidden in (base, base + (pages + 1) * PAGE):
            if self._protect(forbidden, PAGE, 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        self._kept.append(room)
        address = base + PAGE + (pages * PAGE - count if self.after else 0)
        ctypes.memset(address, fill, count)
        return address

    def forget(self):
        """Give all of it back: three mappings a block, and a process may have no more than 65,530."""
        self._kept.clear()

    def bytes(self, count, fill=0):
        """In place of panels.aligned_bytes: whole cache lines."""
        count = -(-count // 64) * 64
        return self.array(count, np.uint8, fill)

    def array(self, shape, dtype=np.float64, fill=NAN):
        """An array of its own, not yet filled with anything of use."""
        dtype = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        memory = (ctypes.c_char * count).from_address(self.block(count, fill))
        return np.frombuffer(memory, dtype).reshape(shape)

    def copy(self, values, dtype=None):
        """The same numbers in guarded memory."""
        values = np.asarray(values, dtype)
        copied = self.array(values.shape, values.dtype)
        copied[...] = values
        return copied


class GuardedNumpy:
    """NumPy with guarded arrays, for the modules that allocate what kernels get the addresses of."""

    def __init__(self, guard):
        self.empty, self.ascontiguousarray = guard.array, guard.copy
        self.zeros = lambda shape, dtype=np.float64: guard.array(shape, dtype, 0)
        self.arange = lambda *arguments: guard.copy(np.arange(*arguments))

    def __getattr__(self, name):
        return getattr(np, name)


class Arena(workspace._Arena):
    """A workspace's memory, each matrix on pages of its own."""

    guard: Guard

    def take(self, count):
        super().take(count)
        return self.guard.block(-(-count // 64) * 64, NAN if self._fill else 0)


def put_in_place(guard):
    """Have everything that compiled code works on allocated by `guard`, from now on."""
    Arena.guard = guard
    workspace._Arena = Arena
    workspace.Workspace.__init__ = partialmethod(ORDINARY, poison=NAN)
    for module in (panels, leaves, predict, sparsity):
        module.aligned_bytes = guard.bytes
    runs = numba_run, numba_network, numba_pass, numba_predict, numba_directly, numba_backend
    for module in (*runs, sparsity, leaves):
        module.np = GuardedNumpy(guard)


# ---- cases ------------------------------------------------------------------------------------------------

# sizes, activations, loss, batch size, rows: one less, as many, one more than vectors, panels, chunks have
SHAPES = {
    "one of all": ((1, 1, 1), "relu", "cross_entropy", 1, 3),
    "no hidden layer": ((5, 3), "relu", "cross_entropy", 7, 20),
    "below a vector": ((7, 15, 7), "tanh", "cross_entropy", 13, 40),
    "vectors": ((16, 16, 8), "logistic", "cross_entropy", 16, 48),
    "above a vector": ((17, 17, 9), "relu", "binary_cross_entropy", 17, 55),
    "below a panel": ((31, 31, 15), "gelu", "squared_error", 15, 64),
    "panels": ((32, 64, 32), "elu", "huber", 32, 96),
    "above a panel": ((33, 65, 33), "silu", "absolute_error", 33, 100),
    "wide": ((40, 129, 70, 10), "softplus", "cross_entropy", 64, 130),
    "narrow and deep": ((20, 3, 50, 2, 7, 1), "leaky_relu", "poisson", 19, 70),
    "chunks": ((10, 20, 3), "relu", "cross_entropy", 600, 515),
    "several chunks a batch": ((9, 33, 2), "tanh", "squared_error", 300, 601),
    "shards": ((9, 33, 2), "tanh", "cross_entropy", 2150, 2300),
    "shards of bytes": ((70, 10, 2), "relu", "cross_entropy", 2150, 2301),
    "large first layer": ((600, 470, 3), "relu", "cross_entropy", 64, 70),
    "words of bits": ((129, 40, 10), "relu", "cross_entropy", 63, 129),
}
OPTIONS = {
    "plain": {},
    "adam": {"optimizer": OPTIMIZERS["adam"]},
    "momentum": {"optimizer": OPTIMIZERS["momentum"]},
    "everything": {"optimizer": OPTIMIZERS["rmsprop"], "regularisation": "everything"},
}


def regularisation_for(name, n_layers, loss):
    """One of tests.settings with as many shares to drop as there are layers."""
    known = REGULARISATIONS[name]
    smoothing = known.label_smoothing if loss in ("cross_entropy", "binary_cross_entropy") else 0.0
    fields = vars(known) | {"dropout": (0.1,) * n_layers, "label_smoothing": smoothing}
    return Regularisation(**fields)


def run_case(shape, dtype, data_type, option, threads, lists, own):
    """Bits of two epochs, evaluations and predictions; `own` copies an array to where it is to lie."""
    sizes, activation, loss, batch_size, n_rows = shape
    generator = np.random.default_rng(len(sizes) + n_rows)
    scale = 1 / 255 if data_type == "uint8" else None
    network = network_of(sizes, dtype, generator, activation=activation, loss=loss, input_scale=scale)
    X, y = data_for(network, n_rows, generator)
    if data_type == "uint8":
        X = generator.integers(0, 256, X.shape, dtype=np.uint8)
    X = X * (generator.random(X.shape) < 0.4).astype(X.dtype)
    weights = own(generator.uniform(0.5, 2, n_rows).astype(network.dtype))
    X, y = own(X), own(y)
    network.weights = [own(W) for W in network.weights]
    network.biases = [own(b) for b in network.biases]
    options = dict(OPTIONS[option])
    if "regularisation" in options:
        options["regularisation"] = regularisation_for("everything", len(sizes) - 1, loss)
    settings = RunSettings(batch_size, threads, dropout_seed=3, **options)
    sparsity.choose = lambda *_, training=True: (lists, lists and training)
    run = numba_backend.open_run(network, X, y, settings, weights)
    found = []
    for order in (generator.permutation(n_rows), np.arange(n_rows)):
        losses, n_correct = run.epoch(order, settings.constant_rates(n_rows, 0.01))
        found += [losses.tobytes(), n_correct]
    run.write_back()
    run.close()
    found += [array.tobytes() for array in (*network.weights, *network.biases)]
    found.append(numba_backend.evaluate(network, X, y, weights))
    for count in {1, min(n_rows, 64), n_rows}:  # the path for a few rows, and the other
        found.append(numba_backend.predict(network, own(X[:count])).tobytes())
    return found


def cases():
    """(name, arguments of run_case) of all."""
    for number, (name, shape) in enumerate(SHAPES.items()):
        for dtype in ("float32", "float64"):
            for data_type in ("uint8", dtype):
                option = list(OPTIONS)[(number + (dtype == "float64")) % len(OPTIONS)]
                for threads, lists, chosen in (
                    (1, False, "plain"),
                    (2, True, "plain"),
                    (3, lists_for(number), option),
                ):
                    text = f"{name}, {dtype}, X {data_type}, {chosen}, {threads} threads, lists {lists}"
                    yield text, (shape, dtype, data_type, chosen, threads, lists)


def lists_for(number):
    """Now one, now the other."""
    return number % 2 == 0


def leaf_results(own):
    """Bits of the kernels that work on single matrices."""
    generator, found = np.random.default_rng(0), []
    for dtype in ("float32", "float64"):
        for m, fan_in, fan_out in ((1, 1, 1), (7, 16, 33), (33, 31, 15), (40, 65, 64)):
            X, W, b, dZ = (
                own(generator.normal(size=shape).astype(dtype))
                for shape in ((m, fan_in), (fan_in, fan_out), (fan_out,), (m, fan_out))
            )
            found.append(numba_backend.dense_forward(X, W, b).tobytes())
            found += [array.tobytes() for array in numba_backend.dense_backward(X, W, dZ)]
            found.append(numba_backend.activate("gelu", dZ).tobytes())
            found.append(numba_backend.activation_derivative("tanh", dZ).tobytes())
            found.append(numba_backend.softmax(dZ).tobytes())
            loss, gradient = numba_backend.softmax_cross_entropy(dZ, own(generator.integers(0, fan_out, m)))
            found += [loss, gradient.tobytes()]
            loss, gradient = numba_backend.binary_cross_entropy(dZ, own((dZ > 0).astype(dtype)))
            found += [loss, gradient.tobytes()]
    return found


def overrun(memory):
    """Read 16 rows of a panel where `memory` holds 4: what this whole file is for."""
    X, others = memory.ctypes.data, panels.aligned_bytes(64 * ROW_BYTES)
    at, like, columns = others.ctypes.data, np.float32(0), ROW_BYTES // 4
    bank, there = leaves.tile_bank(np.dtype(np.float32)), Strided(at, 0)
    leaves.forward_tiles(bank, 0, 16, Strided(X, 0), there, at, there, columns, columns, 0, like)


def compare(side, chosen, expected, expected_leaves):
    """Everything once more on guarded memory."""
    guard = Guard(after=side == "after")
    put_in_place(guard)
    for text, arguments in chosen:
        print(side, text, flush=True)
        assert run_case(*arguments, guard.copy) == expected[text], text
        guard.forget()
    print(side, "leaves", flush=True)
    assert leaf_results(guard.copy) == expected_leaves


def main(what):
    if what == "overrun":
        guard = Guard(after=True)
        overrun(guard.bytes(4 * ROW_BYTES))
        return
    if what == "ordinary overrun":
        overrun(panels.aligned_bytes(4 * ROW_BYTES))
        return
    if what == "ordinary":  # for valgrind, which watches all memory itself, and runs one thread at a time
        for text, (*some, _, lists) in list(cases())[::7]:
            print(text, flush=True)
            run_case(*some, 1, lists, np.copy)
    else:
        chosen = list(cases())[:: 1 if what == "all" else 5]
        expected = {text: run_case(*arguments, np.copy) for text, arguments in chosen}
        expected_leaves = leaf_results(np.copy)
        for side in ("after", "before"):
            compare(side, chosen, expected, expected_leaves)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
