"""What the parts of a training step hand to each other, by name.

Numba takes a named tuple apart, so passing one costs what passing all its fields would.
"""

from typing import Any, NamedTuple

from numba import types

from fastnn.kernels.link import tuple_type
from fastnn.kernels.team import Member


class Net(NamedTuple):
    """A network, and the code for it."""

    layers: Any  # its table, see workspace.py
    kernels: Any  # addresses of what table.py compiled for it, by the places of entries.py
    bank: Any  # addresses of tiles, see tiles.py
    zeros: int  # address of one row of zeros
    like: Any  # a scalar of its element type


class Samples(NamedTuple):
    """The rows of X that a call works through, and what the loss needs to know of them."""

    data: int  # address of X
    data_scale: Any  # what its elements are multiplied by, of the element type
    order: Any  # (n,) int64, the rows
    targets: int  # address of the labels (int64) or the regression targets (row-major) of all of X; 0: none
    weights: int  # address of the weights of all rows of X, of the element type; 0: all alike
    option: Any  # label smoothing, or the Huber loss's δ
    losses: Any  # (n,) float64, written: the loss of each of the rows
    correct: Any  # (n_epochs,) int64, written: this thread's correctly classified rows


class Own(NamedTuple):
    """What a thread has for itself."""

    x: int  # address of its input
    layers: Any  # its table of layers where a batch is cut into shards, see Workspace.own
    plan: Any  # how it skips zeros of X, see sparsity.py; all zeros: not at all
    scratch: int  # address of its room for the loss
    room: int  # address of its room for gradients of two blocks, in predictions for a packed panel; or 0


class Course(NamedTuple):
    """How a run of updates goes through the samples.

    A long batch can be cut into several calls, which leave their sums in G; the last adds up the shards and
    takes the step.
    """

    epoch: int  # rows an epoch: no batch goes beyond its end
    batch: int  # rows an update
    chunk: int  # rows worked on at a time; with shards, by each thread
    shards: int  # that a batch is cut into, see shards.py; 0: none
    done: int  # of each shard, or without shards of each batch, rows done..up_to are worked on
    up_to: int
    descend: int  # 1 takes the steps; 0 leaves the gradients of the batch in G (see workspace.py)


class Chunk(NamedTuple):
    """Rows that are worked on together: order[start:start + rows]."""

    x: int  # address where the thread gathers them
    start: int
    rows: int


class Masks(NamedTuple):
    """Which dropout masks, see dropout.py; without the layer's number."""

    seed: int
    counter: int


class Types(NamedTuple):
    """The Numba types of the above, of a member of a team, and of what comes with them."""

    net: Any
    me: Any
    own: Any
    samples: Any
    course: Any
    chunk: Any
    masks: Any
    recipe: Any  # numbers of a run
    steps: Any  # numbers of each of several updates


def types_of(scalar):
    """Those for one element type, a Numba type."""
    number, vector, layers = types.int64, types.int64[::1], types.Array(types.int64, 2, "C")
    losses = types.float64[::1]
    return Types(
        tuple_type(Net, layers, vector, vector, number, scalar),
        tuple_type(Member, *[number] * 4),
        tuple_type(Own, number, layers, vector, number, number),
        tuple_type(Samples, number, scalar, vector, number, number, scalar, losses, vector),
        tuple_type(Course, *[number] * 7),
        tuple_type(Chunk, *[number] * 3),
        tuple_type(Masks, number, number),
        types.Array(scalar, 1, "C"),
        types.Array(scalar, 2, "C"),
    )
