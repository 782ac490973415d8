"""Explicit vectors for Numba: every operation here is one or a few machine instructions.

A `Vector` is an opaque Numba type that lives in one register: `v = load(address, like)` (memory.py). `like`
is any scalar (or vector) of the wanted element type, so the same source serves float32 and float64, and the
vector width follows the CPU that Numba compiles for: 64 bytes with AVX-512, 32 with AVX2, 16 with SSE2 or
NEON.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from fastnn.kernels.target import HAS_FMA, VECTOR_BYTES

INT, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


# ---- the vector type -------------------------------------------------------------------------------


class Vector(types.Type):
    """One register full of `element`."""

    def __init__(self, element):
        self.element = element
        self.lanes = VECTOR_BYTES * 8 // element.bitwidth
        super().__init__(name=f"Vector({element} x {self.lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        element = dmm.lookup(fe_type.element).get_value_type()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.lanes))


def vector_of(like):
    """The Vector type with the element type of a scalar or vector type."""
    return like if isinstance(like, Vector) else Vector(like)


# ---- code builders, shared with tiles.py -----------------------------------------------------------


def pointer(builder, address):
    """An int64 address as a pointer."""
    return builder.inttoptr(address, ir.PointerType())


def row_at(builder, base, step, i):
    """Pointer to row i, `step` bytes apart, of what begins at an int64 address."""
    return pointer(builder, builder.add(base, builder.mul(step, ir.Constant(INT, i))))


def emit_call(builder, name, result, *values):
    """Call an LLVM intrinsic, or function, by its name."""
    kind = ir.FunctionType(result, [value.type for value in values])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)


def emit_constant(vector, number):
    """All lanes = number, known at compile time."""
    return ir.Constant(vector, [number] * vector.count)


def emit_splat(builder, vector, scalar):
    """All lanes = scalar."""
    seed = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    mask = ir.Constant(ir.VectorType(I32, vector.count), None)
    return builder.shuffle_vector(seed, ir.Constant(vector, ir.Undefined), mask)


def emit_fma(builder, a, b, c):
    """a * b + c: rounded once where the CPU can, else twice (the C library's fmaf is 50x slower)."""
    if not HAS_FMA:
        return builder.fadd(builder.fmul(a, b), c)
    return emit_call(builder, f"llvm.fma.{_suffix(a.type)}", a.type, a, b, c)


def _suffix(vector):
    """Of a float vector in the names of LLVM's intrinsics."""
    return f"v{vector.count}{'f32' if vector.element == ir.FloatType() else 'f64'}"


def emit_below(builder, a, b, then, otherwise):
    """Per lane: then where a < b, else otherwise (NaN compares false)."""
    return builder.select(builder.fcmp_ordered("<", a, b), then, otherwise)


def emit_first_lanes(builder, lanes, count):
    """Mask of the lanes i < count."""
    numbers = ir.Constant(ir.VectorType(INT, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, emit_splat(builder, numbers.type, count))


# ---- arithmetic ------------------------------------------------------------------------------------


@intrinsic
def splat(typingctx, scalar):
    """All lanes = scalar."""
    result = Vector(scalar)

    def codegen(context, builder, signature, args):
        return emit_splat(builder, context.get_value_type(result), args[0])

    return result(scalar), codegen


@intrinsic
def constant(typingctx, single, double, like):
    """All lanes = `single` in float32, `double` in float64; folded at compile time."""
    result = vector_of(like)

    def codegen(context, builder, signature, args):
        vector = context.get_value_type(result)
        if result.element == types.float32:
            return emit_splat(builder, vector, builder.fptrunc(args[0], vector.element))
        return emit_splat(builder, vector, args[1])

    return result(types.float64, types.float64, like), codegen


def lanewise(operation, arity, doc):
    """An intrinsic over `arity` vectors of one type, made from an IR-building function."""

    def declare(vectors, build):
        if not all(v == vectors[0] for v in vectors) or not isinstance(vectors[0], Vector):
            return None

        def codegen(context, builder, signature, args):
            return build(builder, *args)

        return vectors[0](*vectors), codegen

    if arity == 1:

        def typer(typingctx, a):
            return declare((a,), operation)
    elif arity == 2:

        def typer(typingctx, a, b):
            return declare((a, b), operation)
    elif arity == 3:

        def typer(typingctx, a, b, c):
            return declare((a, b, c), operation)
    else:

        def typer(typingctx, a, b, c, d):
            return declare((a, b, c, d), operation)

    typer.__doc__ = doc
    return intrinsic(typer)


def _power_of_two(builder, shifted):
    """2**n from n + 1.5 * 2**mantissa: the integer n sits in the low bits; move it to the exponent."""
    integers, mantissa, bias = layout_of(shifted.type)
    bits = builder.bitcast(shifted, integers)
    exponent = builder.shl(bits, emit_constant(integers, mantissa))
    one = emit_constant(integers, bias << mantissa)
    return builder.bitcast(builder.add(exponent, one), shifted.type)


def layout_of(vector):
    """Of a float vector: integers of its width, bits of the mantissa, and what exponents are off by."""
    single = vector.element == ir.FloatType()
    return ir.VectorType(I32 if single else INT, vector.count), *((23, 127) if single else (52, 1023))


def _exponent(builder, a):
    integers, mantissa, bias = layout_of(a.type)
    shifted = builder.lshr(builder.bitcast(a, integers), emit_constant(integers, mantissa))
    return builder.sitofp(builder.sub(shifted, emit_constant(integers, bias)), a.type)


def _fraction(builder, a):
    integers, mantissa, bias = layout_of(a.type)
    mask = emit_constant(integers, (1 << mantissa) - 1)
    one = emit_constant(integers, bias << mantissa)
    return builder.bitcast(builder.or_(builder.and_(builder.bitcast(a, integers), mask), one), a.type)


def _magnitude(builder, a):
    integers, _, _ = layout_of(a.type)
    mask = emit_constant(integers, (1 << (integers.element.width - 1)) - 1)
    return builder.bitcast(builder.and_(builder.bitcast(a, integers), mask), a.type)


def _copy_sign(builder, a, sign):
    integers, _, _ = layout_of(a.type)
    mask = emit_constant(integers, -(1 << (integers.element.width - 1)))
    bit = builder.and_(builder.bitcast(sign, integers), mask)
    return builder.bitcast(builder.or_(builder.bitcast(a, integers), bit), a.type)


def _sqrt(builder, a):
    return emit_call(builder, f"llvm.sqrt.{_suffix(a.type)}", a.type, a)


add = lanewise(lambda b, x, y: b.fadd(x, y), 2, "a + b")
sub = lanewise(lambda b, x, y: b.fsub(x, y), 2, "a - b")
mul = lanewise(lambda b, x, y: b.fmul(x, y), 2, "a * b")
div = lanewise(lambda b, x, y: b.fdiv(x, y), 2, "a / b")
sqrt = lanewise(_sqrt, 1, "square root, rounded correctly")
fma = lanewise(emit_fma, 3, "a * b + c")
below = lanewise(emit_below, 4, "c where a < b, else d")
equal = lanewise(
    lambda b, x, y, p, q: b.select(b.fcmp_ordered("==", x, y), p, q), 4, "c where a == b, else d"
)
larger = lanewise(lambda b, x, y: emit_below(b, x, y, y, x), 2, "y where x < y, else x: keeps a NaN in x")
smaller = lanewise(lambda b, x, y: emit_below(b, y, x, y, x), 2, "y where y < x, else x: keeps a NaN in x")
power_of_two = lanewise(_power_of_two, 1, "2**n for a shifted integer n, see activations.exp")
exponent = lanewise(_exponent, 1, "k where a = 2**k f with 1 <= f < 2, for a normal a > 0")
fraction = lanewise(_fraction, 1, "f where a = 2**k f with 1 <= f < 2, for a normal a > 0")
magnitude = lanewise(_magnitude, 1, "|a|")
copy_sign = lanewise(_copy_sign, 2, "a >= 0 with the sign of b")


@intrinsic
def lanes_of(typingctx, like):
    """Elements per vector, as a constant."""
    count = vector_of(like).lanes

    def codegen(context, builder, signature, args):
        return ir.Constant(INT, count)

    return types.intp(like), codegen


@intrinsic
def size_of(typingctx, like):
    """Bytes per element, as a constant."""
    width = vector_of(like).element.bitwidth // 8

    def codegen(context, builder, signature, args):
        return ir.Constant(INT, width)

    return types.intp(like), codegen


@intrinsic
def kept(typingctx, vector, count):
    """The first `count` lanes; others are zero."""

    def codegen(context, builder, signature, args):
        vector, count = args
        kept = emit_first_lanes(builder, vector.type.count, count)
        return builder.select(kept, vector, ir.Constant(vector.type, None))

    return vector(vector, types.intp), codegen
