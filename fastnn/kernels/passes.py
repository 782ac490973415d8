"""The two whole passes, and the types of arguments that each is compiled for.

These follow from the element type alone. So the passes can be compiled before there are any data, and by
another process, which leaves them in the cache.
"""

from numba import types

from fastnn.kernels.epoch import train_rows
from fastnn.kernels.inference import Pass, forward_rows
from fastnn.kernels.jit import is_compiled
from fastnn.kernels.link import scalar_type, tuple_type
from fastnn.kernels.step import types_of

TRAINING, PREDICTING = "training", "predicting"
_functions = {TRAINING: train_rows, PREDICTING: forward_rows}


def signature(name, dtype):
    """Numba types of the arguments of the pass."""
    scalar = scalar_type(dtype)
    of = types_of(scalar)
    if name == TRAINING:
        return of.net, of.me, of.own, of.samples, of.course, of.recipe, of.steps, of.masks
    number, vector, outputs = types.int64, types.int64[::1], types.Array(scalar, 2, "C")
    task = tuple_type(Pass, number, number, outputs, vector, *[number] * 4, vector, number, number)
    return of.net, of.me, of.own, of.samples, task


def is_ready(name, dtype):
    """Whether the pass is compiled, or in the cache."""
    return is_compiled(_functions[name], signature(name, dtype))


def make_ready(name, dtype):
    """Compile it, or load it from the cache."""
    _functions[name].compile(signature(name, dtype))
