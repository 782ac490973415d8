"""The compiled losses against the specification, at every width; and what else an epoch relies on."""

import hashlib

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_backend, numpy_backend, numpy_losses
from fastnn.kernels import losses, target
from fastnn.kernels.panels import Panels, aligned_bytes, panel_view
from tests.checks import assert_close
from tests.kernels.process import run_python

WIDTHS = (1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 100)
LEAVES = {function.__name__: name for name, function in numpy_losses.LOSSES.items()}
OPTIONS = {
    "softmax_cross_entropy": ({}, {"smoothing": 0.1}),
    "binary_cross_entropy": ({}, {"smoothing": 0.1}),
    "huber": ({"delta": 1.0}, {"delta": 0.3}),
}
CASES = [(leaf, option) for leaf in LEAVES for option in OPTIONS.get(leaf, ({},))]
LOSS_RTOL = {"float32": 2e-5, "float64": 1e-12}


def case(leaf, m, n, dtype, generator, size=1.0):
    """(Z, targets, weights), some of them 0, for one leaf."""
    Z = (size * generator.normal(size=(m, n))).astype(dtype)
    if leaf == "softmax_cross_entropy":
        y = generator.integers(0, n, m)
    elif leaf == "binary_cross_entropy":
        y = generator.integers(0, 2, (m, n)).astype(dtype)
    elif leaf == "poisson":
        y = generator.poisson(2.0, (m, n)).astype(dtype)
    else:
        y = (size * generator.normal(size=(m, n))).astype(dtype)
    weights = generator.uniform(0, 3, m).astype(dtype)
    weights[::3] = 0
    weights[-1] = 1
    return Z, y, weights


@pytest.mark.parametrize(("leaf", "option"), CASES)
@pytest.mark.parametrize("n", WIDTHS)
def test_equals_the_specification(leaf, option, n, dtype, generator):
    for m in (1, 5, 16, 37):
        Z, y, weights = case(leaf, m, n, dtype, generator)
        for w in (None, weights):
            loss, dZ = getattr(numba_backend, leaf)(Z, y, w, **option)
            expected, expected_dZ = getattr(numpy_backend, leaf)(Z, y, w, **option)
            assert loss == pytest.approx(expected, rel=LOSS_RTOL[str(dtype)], abs=LOSS_RTOL[str(dtype)])
            assert_close(dZ, expected_dZ)


@pytest.mark.parametrize("leaf", ["softmax_cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("size", [30.0, 1e4, 1e30])
def test_extreme_logits(leaf, smoothing, size, dtype, generator):
    for n in (1, 2, 17, 100):
        Z, y, weights = case(leaf, 20, n, dtype, generator, size)
        Z[0] = size
        Z[1] = -size
        for w in (None, weights):
            loss, dZ = getattr(numba_backend, leaf)(Z, y, w, smoothing)
            expected, expected_dZ = getattr(numpy_backend, leaf)(Z, y, w, smoothing)
            assert np.isfinite(loss)
            assert loss == pytest.approx(expected, rel=LOSS_RTOL[str(dtype)], abs=1e-6)
            assert_close(dZ, expected_dZ)


def test_a_small_loss_is_not_lost_beside_one(dtype):
    Z = np.array([[30.0, -40.0]], dtype)
    loss, _ = numba_backend.binary_cross_entropy(Z, np.array([[1.0, 0.0]], dtype))
    assert loss == pytest.approx(np.exp(-30.0) + np.exp(-40.0), rel=1e-5)


@pytest.mark.parametrize("leaf", LEAVES)
def test_nan_comes_through(leaf, dtype, generator):
    Z, y, _ = case(leaf, 20, 3, dtype, generator)
    Z[4, 1] = np.nan
    loss, dZ = getattr(numba_backend, leaf)(Z, y)
    assert np.isnan(loss)
    assert np.isnan(dZ[4, 1])
    assert np.isfinite(np.delete(dZ, 4, axis=0)).all()


class Call:
    """One call of a kernel on panels that hold rubbish beyond their last row."""

    def __init__(self, name, Z, y, weights=None, option=0.0, scale=1.0):
        self.shape, self.dtype = Z.shape, Z.dtype
        self.z = Panels.of(Z, losses.spare_rows(Z.dtype))
        self.view()[:, len(Z) :] = np.nan
        self.y, self.weights, self.option, self.scale, self.name = y, weights, option, scale, name
        self.scratch = aligned_bytes(losses.scratch_bytes(Z.shape[1], Z.dtype), 0xFF)
        self.losses = np.full(len(Z), np.nan)

    def view(self):
        rows = self.shape[0] + losses.spare_rows(self.dtype)
        return panel_view(self.z.address, rows, self.shape[1], self.z.stride, self.dtype)

    def run(self, first, last, order=None):
        m, n_outputs = self.shape
        return losses.KERNELS[self.name](
            first,
            last,
            self.z.address,
            self.z.stride,
            n_outputs,
            np.arange(m) if order is None else order,
            0 if self.y is None else self.y.ctypes.data,
            0 if self.weights is None else self.weights.ctypes.data,
            0,
            self.dtype.type(self.scale),
            self.dtype.type(self.option),
            self.losses,
            self.scratch.ctypes.data,
        )


@pytest.mark.parametrize(("leaf", "option"), CASES)
@pytest.mark.parametrize("n", [1, 17, 40])
def test_rows_shared_out_in_any_way_give_the_same_bits(leaf, option, n, dtype, generator):
    Z, y, weights = case(leaf, 41, n, dtype, generator)
    arguments = LEAVES[leaf], Z, y, weights, next(iter(option.values()), 0.0), 1 / 41
    order = generator.permutation(41)
    whole, parts = Call(*arguments), Call(*arguments)
    n_correct = whole.run(0, 41, order)
    assert n_correct == sum(parts.run(*rows, order) for rows in ((7, 30), (0, 7), (30, 30), (30, 41)))
    assert parts.z.unpacked().tobytes() == whole.z.unpacked().tobytes()
    assert parts.losses.tobytes() == whole.losses.tobytes()
    # row i is sample order[i]; losses are the rows' own, weighted
    for i in (0, 20, 40):
        name, value = LEAVES[leaf], order[i : i + 1]
        one, _ = numpy_losses.LOSSES[name](Z[i : i + 1], y[value], None, **option)
        assert whole.losses[i] == pytest.approx(one * weights[order[i]], rel=1e-5, abs=1e-5)
    assert n_correct == numpy_losses.count_correct(LEAVES[leaf], Z, y[order])


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("n", WIDTHS)
def test_pad_columns_become_zero(leaf, n, dtype, generator):
    Z, y, _ = case(leaf, 21, n, dtype, generator)
    call = Call(LEAVES[leaf], Z, y)
    call.run(0, 21)
    view = call.view()[:, :21]
    lanes = view.shape[2] // 2
    written = -(-n // lanes) * lanes  # whole vectors; what lies beyond stays as the product left it
    flat = np.concatenate(list(view), axis=1)
    assert not flat[:, n:written].any()
    assert np.isnan(call.view()[:, 21:]).all()


@pytest.mark.parametrize("name", losses.KERNELS)
@pytest.mark.parametrize("n", [1, 10, 33])
def test_without_targets_the_outputs_are_what_a_user_sees(name, n, dtype, generator):
    Z = (20 * generator.normal(size=(23, n))).astype(dtype)
    call = Call(name, Z, None)
    assert call.run(2, 20) == 0
    actual = call.z.unpacked()
    assert_close(actual[2:20], numpy_losses.outputs(name, Z)[2:20])
    np.testing.assert_array_equal(actual[:2], Z[:2])
    np.testing.assert_array_equal(actual[20:], Z[20:])


def digest():
    """Bits of losses and gradients, to compare with another vector width."""
    text, generator = hashlib.sha256(), np.random.default_rng(3)
    for leaf in ("softmax_cross_entropy", "binary_cross_entropy", "poisson"):
        for n in (3, 40, 130):
            Z, y, weights = case(leaf, 21, n, np.dtype("float32"), generator)
            call = Call(LEAVES[leaf], Z, y, weights, 0.1, 0.1)
            call.run(0, 21)
            text.update(call.z.unpacked().tobytes() + call.losses.tobytes())
    return text.hexdigest()


@pytest.mark.slow  # compiles everything for another CPU; .ci/run does
@pytest.mark.skipif(not target.IS_X86, reason="x86 targets")
def test_same_bits_with_avx2(pytestconfig):
    if not target.HAS_FMA:
        pytest.skip("this machine has no FMA, so it rounds differently")
    code = "from tests.kernels.test_losses import *; print(target.VECTOR_BYTES, digest())"
    output = run_python(code, cwd=pytestconfig.rootpath, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="")
    assert output.split() == ["32", digest()]
