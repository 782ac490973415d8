"""Hidden activations beside their derivatives, on whole vectors, without a branch per element.

All share one reduction: x = n ln2 + r with |r| <= ln2/2, expm1(r) = r + r^2 P(r) (a polynomial), scaled by
2^n through the exponent bits. No SVML and no C library: the same operations on every CPU, so the same bits
for every vector width.

`name_and_slope(z)` gives A = g(Z) and g'(Z) of one vector; activate.py makes a kernel of each, in which the
slope costs nothing where nobody wants it. `exp`, `tanh` and `logistic` alone are what losses and others use.
"""

import math

from fastnn.kernels.jit import inline, jit
from fastnn.kernels.memory import load, store
from fastnn.kernels.simd import (
    add,
    below,
    constant,
    copy_sign,
    div,
    exponent,
    fma,
    fraction,
    larger,
    magnitude,
    mul,
    power_of_two,
    size_of,
    smaller,
    sub,
)
from fastnn.kernels.tile_kinds import ROW_BYTES

# ---- exponential and logarithm ----------------------------------------------------------------------------


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


@inline
def _lowest(x):
    """From here on down, not only e**x is 0 but x e**x too."""
    return constant(-112.0, -760.0, x)


@inline
def _exp_parts(x):
    """(q, first, second): e**x = (1 + q) * first * second, the last two powers of two.

    Two of them, as 2^-149 and 2^128 have no normal float. Each is one, even where e**x is 0 or inf.
    """
    x = smaller(larger(x, _lowest(x)), constant(89.0, 710.0, x))
    n, q = _reduce(x)
    magic = constant(12582912.0, 6755399441055744.0, x)
    half = fma(n, constant(0.5, 0.5, x), magic)
    rest = add(sub(n, sub(half, magic)), magic)
    return q, power_of_two(half), power_of_two(rest)


@jit
def exp(x):
    """e**x: 0 and inf beyond the range, subnormals included, NaN kept."""
    q, first, second = _exp_parts(x)
    return mul(mul(add(constant(1.0, 1.0, x), q), first), second)


@inline
def _log1p(e):
    """log(1 + e) for 0 <= e <= 1.

    1 + e = 2^k (1 + f) with k = 0 and f = e below 1/2, k = 1 and f = (e - 1)/2 from there: both exact. Then
    log(1 + f) = 2 artanh(s) with s = f/(2 + f), of which 2s is written f - s f, so that what s was rounded
    by hardly counts (fdlibm's log). The series of artanh stops where |s| <= 1/5 leaves 1/6 of a rounding.
    """
    zero, half = constant(0.0, 0.0, e), constant(0.5, 0.5, e)
    f = below(e, half, e, mul(half, sub(e, constant(1.0, 1.0, e))))
    s = div(f, add(constant(2.0, 2.0, e), f))
    w = mul(s, s)
    if size_of(e) == 4:
        p = constant(2.0 / 9.0, 0.0, e)
    else:
        p = constant(0.0, 2.0 / 21.0, e)
        p = fma(p, w, constant(0.0, 2.0 / 19.0, e))
        p = fma(p, w, constant(0.0, 2.0 / 17.0, e))
        p = fma(p, w, constant(0.0, 2.0 / 15.0, e))
        p = fma(p, w, constant(0.0, 2.0 / 13.0, e))
        p = fma(p, w, constant(0.0, 2.0 / 11.0, e))
        p = fma(p, w, constant(0.0, 2.0 / 9.0, e))
    p = fma(p, w, constant(2.0 / 7.0, 2.0 / 7.0, e))
    p = fma(p, w, constant(2.0 / 5.0, 2.0 / 5.0, e))
    p = fma(p, w, constant(2.0 / 3.0, 2.0 / 3.0, e))
    log = fma(s, fma(p, w, sub(zero, f)), f)
    return add(below(e, half, zero, constant(0.6931471805599453, 0.6931471805599453, e)), log)


@jit
def log(x):
    """log x for x >= 1; inf and NaN kept. Below 1, k ln2 and the rest of the logarithm would cancel."""
    ln2 = constant(0.6931471805599453, 0.6931471805599453, x)
    result = fma(exponent(x), ln2, _log1p(sub(fraction(x), constant(1.0, 1.0, x))))
    return below(x, constant(math.inf, math.inf, x), result, x)


# ---- functions --------------------------------------------------------------------------------------------


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


@inline
def _logistic_parts(x):
    """(e, high, low, factor): e = exp(-|x|), and 1 / (1 + exp(-x)) = (high + low) * factor.

    high is a quotient, and low what rounding took from its two sides and from itself. factor is a power of
    two, kept apart because the product may be too small for a normal float.
    """
    zero, one = constant(0.0, 0.0, x), constant(1.0, 1.0, x)
    q, first, second = _exp_parts(sub(zero, magnitude(x)))
    e = add(one, q)
    e, e_low = mul(e, first), mul(sub(q, sub(e, one)), first)
    top, top_low, factor = below(x, zero, e, one), below(x, zero, e_low, zero), below(x, zero, second, one)
    e, e_low = mul(e, second), mul(e_low, second)
    whole = add(one, e)
    whole_low = add(sub(e, sub(whole, one)), e_low)
    high = div(top, whole)
    left = add(fma(sub(zero, high), whole, top), sub(top_low, mul(high, whole_low)))
    inverse = below(x, zero, sub(one, mul(high, factor)), high)  # 1 / whole, near enough for a correction
    return e, high, mul(left, inverse), factor


@inline
def _rest(x, s, e):
    """1 - s for s = logistic x, not from s where that is nearly 1. e = exp(-|x|)."""
    return below(x, constant(0.0, 0.0, x), sub(constant(1.0, 1.0, x), s), mul(e, s))


@jit
def logistic(x):
    """1 / (1 + exp(-x)), from exp(-|x|) so that nothing overflows."""
    _, high, low, factor = _logistic_parts(x)
    return mul(add(high, low), factor)


# ---- activations: (A, g'(Z)) ------------------------------------------------------------------------------


@inline
def relu_and_slope(z):
    """max(z, 0); 1 above 0, else 0."""
    zero = constant(0.0, 0.0, z)
    return larger(z, zero), below(zero, z, constant(1.0, 1.0, z), zero)


@inline
def leaky_relu_and_slope(z):
    """z above 0, else z/100; 1 or 1/100."""
    zero, one, leak = constant(0.0, 0.0, z), constant(1.0, 1.0, z), constant(0.01, 0.01, z)
    return below(zero, z, z, mul(leak, z)), below(zero, z, one, leak)


@inline
def elu_and_slope(z):
    """z above 0, else e**z - 1; 1 or e**z. Each from the parts of e**z, for neither gives the other."""
    zero, one = constant(0.0, 0.0, z), constant(1.0, 1.0, z)
    q, first, second = _exp_parts(smaller(z, zero))
    power = mul(first, second)
    a = below(zero, z, z, fma(power, q, sub(power, one)))
    return a, mul(mul(add(one, q), first), second)


@inline
def softplus_and_slope(z):
    """log(1 + e**z) = max(z, 0) + log(1 + e**-|z|); logistic z."""
    e, high, low, factor = _logistic_parts(z)
    return add(larger(z, constant(0.0, 0.0, z)), _log1p(e)), mul(add(high, low), factor)


@inline
def silu_and_slope(z):
    """z s; s (1 + z (1 - s)), with s = logistic z."""
    e, high, low, factor = _logistic_parts(z)
    s, x = mul(add(high, low), factor), larger(z, _lowest(z))
    return mul(fma(x, high, mul(x, low)), factor), fma(mul(z, _rest(z, s, e)), s, s)


@inline
def gelu_and_slope(z):
    """z s; s + z s (1 - s) du, with s = logistic u, u = sqrt(8/pi) (z + 0.044715 z^3), du its derivative.

    Beyond 30, s or 1 - s is 0 and z^3 would only overflow. In e**u the rounding of u counts |u| times, so in
    single precision the last digits are lost on the far left: 190 ulp at -9.6, where the result is 1e-33.
    """
    limit = constant(30.0, 30.0, z)
    x = smaller(larger(z, sub(constant(0.0, 0.0, z), limit)), limit)
    square, linear = mul(x, x), constant(1.5957691216057308, 1.5957691216057308, z)
    u = mul(x, fma(square, constant(0.07135481627260025, 0.07135481627260025, z), linear))
    du = fma(square, constant(0.21406444881780075, 0.21406444881780075, z), linear)
    e, high, low, factor = _logistic_parts(u)
    s = mul(add(high, low), factor)
    return mul(z, s), fma(mul(mul(x, du), _rest(u, s, e)), s, s)


@inline
def tanh_and_slope(z):
    """tanh z; 1 - tanh^2 z."""
    a = tanh(z)
    return a, fma(sub(constant(0.0, 0.0, z), a), a, constant(1.0, 1.0, z))


@inline
def logistic_and_slope(z):
    """s = logistic z; s (1 - s)."""
    s = logistic(z)
    return s, fma(sub(constant(0.0, 0.0, z), s), s, s)


@inline
def exp_and_slope(z):
    """e**z twice: no activation, but what follows the last layer for the Poisson loss."""
    e = exp(z)
    return e, e


# ---- on the way back --------------------------------------------------------------------------------------

# How the backward pass gets g'(Z): from A, or ready made, as activate.py stored it.
IDENTITY, RELU, TANH, LOGISTIC, STORED = range(5)
CODES = {
    "identity": IDENTITY,
    "relu": RELU,
    "tanh": TANH,
    "logistic": LOGISTIC,
    "leaky_relu": STORED,
    "elu": STORED,
    "gelu": STORED,
    "silu": STORED,
    "softplus": STORED,
}


@inline
def times_derivative(activation, rows, vectors, D, A, like):
    """D *= g'(Z) for one tile of `rows` panel rows, just stored and still in L1. A = g(Z); STORED: g'(Z)."""
    zero, one = constant(0.0, 0.0, like), constant(1.0, 1.0, like)
    for v in range(vectors):
        for i in range(rows):
            offset = i * ROW_BYTES + v * (ROW_BYTES // 2)
            d, a = load(D + offset, like), load(A + offset, like)
            if activation == RELU:
                d = below(zero, a, d, zero)
            elif activation == TANH:
                d = mul(d, fma(sub(zero, a), a, one))
            elif activation == LOGISTIC:
                d = mul(d, fma(sub(zero, a), a, a))
            else:
                d = mul(d, a)
            store(D + offset, d)
