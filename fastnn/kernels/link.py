"""Calls between jitted functions by address.

Numba links a callee's whole code into each caller and optimises it there again: with four levels from
epoch to tile, every tile loop was compiled four times (10 s for the epoch alone). The large kernels are
therefore compiled once each, on their own, and the epoch jumps to them through a table of addresses.
A call costs about 2 ns.
"""

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic


def address_of(function, *arguments):
    """Address of a jitted function compiled for `arguments` (Numba types); compiles or loads it now."""
    signature = tuple(arguments)
    function.compile(signature)
    result = function.overloads[signature]
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


def scalar_type(dtype):
    """The Numba type of a NumPy dtype's scalars."""
    return numba.from_dtype(np.dtype(dtype))


def tuple_type(kind, *fields):
    """The Numba type of a named tuple whose fields have these types."""
    return types.BaseTuple.from_types(fields, kind)


def _call(result):
    def typer(typingctx, address, *arguments):
        plain = [types.unliteral(argument) for argument in arguments]

        def codegen(context, builder, signature, args):
            convention = context.call_conv
            kind = convention.get_function_type(result, plain)
            function = builder.inttoptr(args[0], kind.as_pointer())
            values = [builder.extract_value(args[1], i) for i in range(len(plain))]
            _, value = convention.call_function(builder, function, result, plain, values)
            return value if result is not types.none else context.get_dummy_value()

        return result(types.intp, types.StarArgTuple(plain)), codegen

    return intrinsic(typer)


call = _call(types.none)  # call(address, *arguments)
call_total = _call(types.float64)  # the same for a kernel that returns a float64
call_count = _call(types.int64)  # the same for a kernel that returns an int64
