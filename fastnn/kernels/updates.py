"""What is done with a gradient, on panel rows: every optimizer of backends/numpy_updates.py.

Plain gradient descent without extras does not come here: its update is the store of the dW tile (tile_ir.py).
Everything else takes the gradient of one block of W (32 x 32 floats, 4 KB, fresh from the tile and still in
L1) and reads and writes W and the optimizer's arrays once: that traffic is all an optimizer costs. The
penalties are a few instructions beside it and are always done, with neutral numbers where nobody wants them.
"""

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load, store
from fastnn.kernels.simd import add, below, constant, div, fma, larger, mul, smaller, splat, sqrt, sub
from fastnn.kernels.target import VECTOR_BYTES
from fastnn.kernels.tile_kinds import ROW_BYTES

# Numbers that stay the same throughout a run, in an array of the element type.
(
    CLIP_VALUE,
    CLIP_NORM,
    MAX_NORM,
    FIRST,
    FIRST_REST,
    SECOND,
    SECOND_REST,
    EPSILON,
    NESTEROV,
    MEASURES_SQUARES,
    RECIPE_FIELDS,
) = range(11)
# Numbers of one update: learning rate, 1/m, what weight decay leaves of W, α/(1 − β₁ᵗ), 1/√(1 − β₂ᵗ), the
# penalties; and one that it writes, if asked to: ΣW² before the step.
RATE, SCALE, SHRINK, MEAN_RATE, ROOT_SCALE, L2, L1, WEIGHT_SQUARES, STEP_FIELDS = range(9)


@jit
def sgd_update(parameter, gradient, learning_rate):
    """W −= α dW, in place, over flat arrays."""
    for i in range(parameter.size):
        parameter[i] -= learning_rate * gradient[i]


# What a step is taken on: a bias has neither penalties nor decay; penalties may be in the gradient already.
BIAS, WEIGHT, PENALISED = range(3)


@inline
def _whole_gradient(g, w, recipe, now, kind):
    """The gradient with penalties, cut off at ±CLIP_VALUE; a NaN stays one."""
    if kind == WEIGHT:
        zero, one = constant(0.0, 0.0, w), constant(1.0, 1.0, w)
        sign = sub(below(zero, w, one, zero), below(w, zero, one, zero))
        g = fma(splat(now[L1]), sign, fma(splat(now[L2]), w, g))
    return larger(smaller(g, splat(recipe[CLIP_VALUE])), splat(-recipe[CLIP_VALUE]))


@jit
def penalise(rows, W, G, recipe, now, kind):
    """Make G the whole gradient, where its length is needed before any step is taken."""
    for offset in range(0, rows * ROW_BYTES, VECTOR_BYTES):
        g = load(G + offset, now[L2])
        store(G + offset, _whole_gradient(g, load(W + offset, now[L2]), recipe, now, kind))


@jit
def plain_step(rows, W, G, M, V, recipe, now, factor, kind):
    """W −= α dW over `rows` panel rows; M and V are not used.

    factor      by which clipping to a norm shortens all gradients (1: not at all)
    kind        BIAS, WEIGHT or PENALISED
    """
    rate = splat(-now[RATE] * factor)
    shrink = splat(now[SHRINK] if kind != BIAS else type(factor)(1))
    for offset in range(0, rows * ROW_BYTES, VECTOR_BYTES):
        w = load(W + offset, factor)
        g = _whole_gradient(load(G + offset, factor), w, recipe, now, kind)
        store(W + offset, fma(rate, g, mul(w, shrink)))


@jit
def momentum_step(rows, W, G, M, V, recipe, now, factor, kind):
    """v = μv + dW;  W −= αv, or with Nesterov's momentum W −= α (dW + μv). M holds v; V is not used."""
    rate, momentum, length = splat(-now[RATE]), splat(recipe[FIRST]), splat(factor)
    shrink = splat(now[SHRINK] if kind != BIAS else type(factor)(1))
    nesterov = recipe[NESTEROV] != 0
    for offset in range(0, rows * ROW_BYTES, VECTOR_BYTES):
        w = load(W + offset, factor)
        g = mul(_whole_gradient(load(G + offset, factor), w, recipe, now, kind), length)
        v = fma(momentum, load(M + offset, factor), g)
        store(M + offset, v)
        step = fma(momentum, v, g) if nesterov else v
        store(W + offset, fma(rate, step, mul(w, shrink)))


@jit
def adam_step(rows, W, G, M, V, recipe, now, factor, kind):
    """m = β₁m + (1−β₁) dW;  v = β₂v + (1−β₂) dW²;  W −= α m̂ / (√v̂ + ε). M holds m, V v."""
    length, epsilon = splat(factor), splat(recipe[EPSILON])
    rate, root_scale = splat(-now[MEAN_RATE]), splat(now[ROOT_SCALE])
    shrink = splat(now[SHRINK] if kind != BIAS else type(factor)(1))
    first, first_rest = splat(recipe[FIRST]), splat(recipe[FIRST_REST])
    second, second_rest = splat(recipe[SECOND]), splat(recipe[SECOND_REST])
    for offset in range(0, rows * ROW_BYTES, VECTOR_BYTES):
        w = load(W + offset, factor)
        g = mul(_whole_gradient(load(G + offset, factor), w, recipe, now, kind), length)
        m = fma(first, load(M + offset, factor), mul(first_rest, g))
        v = fma(second, load(V + offset, factor), mul(second_rest, mul(g, g)))
        store(M + offset, m)
        store(V + offset, v)
        step = div(m, fma(sqrt(v), root_scale, epsilon))
        store(W + offset, fma(rate, step, mul(w, shrink)))


@jit
def rmsprop_step(rows, W, G, M, V, recipe, now, factor, kind):
    """v = ρv + (1−ρ) dW²;  W −= α dW / (√v + ε). M holds v; V is not used."""
    length, epsilon, rate = splat(factor), splat(recipe[EPSILON]), splat(-now[RATE])
    shrink = splat(now[SHRINK] if kind != BIAS else type(factor)(1))
    second, second_rest = splat(recipe[SECOND]), splat(recipe[SECOND_REST])
    for offset in range(0, rows * ROW_BYTES, VECTOR_BYTES):
        w = load(W + offset, factor)
        g = mul(_whole_gradient(load(G + offset, factor), w, recipe, now, kind), length)
        v = fma(second, load(M + offset, factor), mul(second_rest, mul(g, g)))
        store(M + offset, v)
        step = div(g, add(sqrt(v), epsilon))
        store(W + offset, fma(rate, step, mul(w, shrink)))


# One signature for all, so that an epoch can hold the address of any.
STEPS = {"plain": plain_step, "momentum": momentum_step, "adam": adam_step, "rmsprop": rmsprop_step}
