"""Hidden activations beside their derivatives, on whole vectors, without a branch per element.

exp, tanh and logistic share one reduction: x = n ln2 + r with |r| <= ln2/2, expm1(r) = r + r^2 P(r)
(a polynomial), scaled by 2^n through the exponent bits. No SVML and no C library: the same operations
on every CPU, so the same bits for every vector width.

Derivatives are written in the *output* A = g(Z): Z need not be kept.
"""

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.simd import (
    add,
    below,
    constant,
    copy_sign,
    div,
    fma,
    lanes_of,
    larger,
    load,
    magnitude,
    mul,
    power_of_two,
    size_of,
    smaller,
    store,
    sub,
)
from fastnn.kernels.tile_ir import ROW_BYTES

IDENTITY, RELU, TANH, LOGISTIC = 0, 1, 2, 3
CODES = {"identity": IDENTITY, "relu": RELU, "tanh": TANH, "logistic": LOGISTIC}


@inline
def _reduce(x):
    """n and expm1(r) where x = n ln2 + r. Adding 1.5 * 2^mantissa rounds to an integer."""
    magic = constant(12582912.0, 6755399441055744.0, x)
    n = sub(fma(x, constant(1.4426950408889634, 1.4426950408889634, x), magic), magic)
    # ln2 in two parts (Cody-Waite, constants of Cephes): n * high is exact even without FMA
    r = fma(n, constant(-0.693359375, -6.93145751953125e-1, x), x)
    r = fma(n, constant(2.12194440e-4, -1.42860682030941723212e-6, x), r)
    if size_of(x) == 4:  # Cephes expf
        p = constant(1.9875691500e-4, 0.0, x)
        p = fma(p, r, constant(1.3981999507e-3, 0.0, x))
        p = fma(p, r, constant(8.3334519073e-3, 0.0, x))
        p = fma(p, r, constant(4.1665795894e-2, 0.0, x))
        p = fma(p, r, constant(1.6666665459e-1, 0.0, x))
        p = fma(p, r, constant(5.0000001201e-1, 0.0, x))
    else:  # Taylor to r^13 / 13!: remainder 4e-18 of the result
        p = constant(0.0, 1.0 / 6227020800.0, x)
        p = fma(p, r, constant(0.0, 1.0 / 479001600.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 39916800.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 3628800.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 362880.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 40320.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 5040.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 720.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 120.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 24.0, x))
        p = fma(p, r, constant(0.0, 1.0 / 6.0, x))
        p = fma(p, r, constant(0.0, 0.5, x))
    return n, fma(mul(r, r), p, r)


@jit
def exp(x):
    """e**x: 0 and inf beyond the range, subnormals included, NaN kept."""
    x = larger(x, constant(-104.0, -746.0, x))
    x = smaller(x, constant(89.0, 710.0, x))
    n, q = _reduce(x)
    # 2^n in two factors, as 2^-149 and 2^128 have no normal float
    magic = constant(12582912.0, 6755399441055744.0, x)
    half = fma(n, constant(0.5, 0.5, x), magic)
    rest = add(sub(n, sub(half, magic)), magic)
    return mul(mul(add(constant(1.0, 1.0, x), q), power_of_two(half)), power_of_two(rest))


@jit
def tanh(x):
    """tanh |x| = m / (m + 2) with m = expm1(2|x|): an error in m is halved or better on its way out."""
    size = smaller(magnitude(x), constant(10.0, 20.0, x))  # tanh is 1 to the last bit beyond
    n, q = _reduce(add(size, size))
    scale = power_of_two(add(n, constant(12582912.0, 6755399441055744.0, x)))
    m = fma(scale, q, sub(scale, constant(1.0, 1.0, x)))
    result = copy_sign(div(m, add(m, constant(2.0, 2.0, x))), x)
    if size_of(x) == 4:  # below 0.625 an odd polynomial (Cephes tanhf) is 1 ulp better
        z = mul(x, x)
        p = constant(-5.70498872745e-3, 0.0, x)
        p = fma(p, z, constant(2.06390887954e-2, 0.0, x))
        p = fma(p, z, constant(-5.37397155531e-2, 0.0, x))
        p = fma(p, z, constant(1.33314422036e-1, 0.0, x))
        p = fma(p, z, constant(-3.33332819422e-1, 0.0, x))
        result = below(size, constant(0.625, 0.0, x), fma(mul(p, z), x, x), result)
    return result


@jit
def logistic(x):
    """1 / (1 + exp(-x)), from exp(-|x|) so that nothing overflows."""
    zero, one = constant(0.0, 0.0, x), constant(1.0, 1.0, x)
    e = exp(sub(zero, magnitude(x)))
    whole = add(one, e)
    lost = sub(e, sub(whole, one))  # what rounding took from 1 + e, exactly
    result = div(below(x, zero, e, one), whole)
    inverse = below(x, zero, sub(one, result), result)  # 1 / (1 + e), near enough for a correction
    return sub(result, mul(mul(result, inverse), lost))


@jit
def activate(activation, first, last, Z, stride, columns, like):
    """A = g(Z) in place for rows first..last of a panel-major matrix.

    An epoch calls it for tanh and logistic only: relu happens in the tile's store, and identity nowhere.
    """
    if activation == IDENTITY:
        return
    zero = constant(0.0, 0.0, like)
    lanes = lanes_of(like)
    for vector in range((columns + lanes - 1) // lanes):
        base = Z + vector // 2 * stride + vector % 2 * (ROW_BYTES // 2)
        if activation == RELU:
            for i in range(first, last):
                store(base + i * ROW_BYTES, larger(load(base + i * ROW_BYTES, like), zero))
        elif activation == TANH:
            for i in range(first, last):
                store(base + i * ROW_BYTES, tanh(load(base + i * ROW_BYTES, like)))
        else:
            for i in range(first, last):
                store(base + i * ROW_BYTES, logistic(load(base + i * ROW_BYTES, like)))


@inline
def times_derivative(activation, rows, vectors, D, A, like):
    """D *= g'(Z) for one tile of `rows` panel rows, just stored and still in L1. A = g(Z)."""
    zero, one = constant(0.0, 0.0, like), constant(1.0, 1.0, like)
    for v in range(vectors):
        for i in range(rows):
            offset = i * ROW_BYTES + v * (ROW_BYTES // 2)
            d, a = load(D + offset, like), load(A + offset, like)
            if activation == RELU:
                d = below(zero, a, d, zero)
            elif activation == TANH:
                d = mul(d, fma(sub(zero, a), a, one))
            else:
                d = mul(d, fma(sub(zero, a), a, a))
            store(D + offset, d)


@jit
def multiply_by_derivative(activation, rows, D, A, like):
    """D *= g'(Z) over `rows` whole panel rows, with A = g(Z); what the leaf kernels call."""
    if activation != IDENTITY:
        times_derivative(activation, rows, 2, D, A, like)
