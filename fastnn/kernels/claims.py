"""Work that is shared unit by unit: each thread has a range of its own, and who is done helps the others.

Threads are rarely equally fast: other programs, cores of two kinds, a hyperthread that somebody else uses.
With ranges alone all would wait for the slowest at the next barrier. A thread takes its own units from the
front, so that what it works on stays in its core's cache from step to step, then those of others from the
back. Who computes a unit changes nothing in its bits.

An area has a cache line for each thread's range: units claimed of it, and how many of those by others.

In training all threads of a team meet at barriers. Where threads come and go (helpers.py) nobody may wait for
a thread that may never come: there one more line counts the units that are done, and who needs all of them
waits for that, for all have been claimed then, and whoever has claimed one is at work on it.
"""

import numpy as np

from fastnn.kernels.atomics import add_release, fetch_add, load_acquire, store_release
from fastnn.kernels.jit import inline, jit
from fastnn.kernels.target import LINE
from fastnn.kernels.team import share, wait_a_moment

# The areas of a layer: one for each product.
FORWARD_CLAIMS, BACKWARD_CLAIMS, UPDATE_CLAIMS, AREAS = range(4)


@jit
def area_of(claims, kind, threads):
    """Address of an area, from that of a layer's areas."""
    return claims + kind * threads * LINE


@jit
def next_unit(area, units, me, helped, taken):
    """(unit, helped, taken): one of `units` that nobody else gets, or -1 when there is none left.

    helped, taken   0, 0 before the first call; then what the call before returned: whose turn it is, 0 the
                    thread's own, and how many of its own it has had
    """
    while helped < me.threads:
        owner = (me.thread + helped) % me.threads
        first, last = share(units, owner, me.threads)
        line = area + owner * LINE
        if fetch_add(line, 1) < last - first:
            if helped == 0:
                return first + taken, helped, taken + 1
            return last - 1 - fetch_add(line + 8, 1), helped, taken
        helped += 1
    return -1, helped, taken


@jit
def give_back(claims, kind, me):
    """This thread's ranges in one area of each layer can be claimed again; nobody may be claiming there.

    claims   the layers' areas
    """
    for i in range(claims.shape[0]):
        line = area_of(claims[i], kind, me.threads) + me.thread * LINE
        store_release(line, 0)
        store_release(line + 8, 0)


def no_claims(areas, threads):
    """Room for so many counted areas of one call, and for a cache line more, for they begin with one."""
    return np.zeros((areas * (threads + 1) + 1) * LINE // 8, np.int64)


@inline
def areas_in(claims):
    """Address of the areas in what no_claims returned."""
    # Addresses of arrays are unsigned, and the sum of an unsigned number and another one is a float.
    return (np.intp(claims.ctypes.data) + LINE - 1) // LINE * LINE


@jit
def counted_area(areas, number, threads):
    """Address of an area with a count of what is done, from that of several, all zeros at first."""
    return areas + number * (threads + 1) * LINE


@jit
def finish(area, me):
    """One more unit of a counted area is done."""
    add_release(area + me.threads * LINE, 1)


@jit
def await_all(area, units, me):
    """Wait until all units of a counted area are done; this thread has been told that none is left."""
    looks = 0
    while load_acquire(area + me.threads * LINE) < units:
        looks = wait_a_moment(looks, me.spins)
