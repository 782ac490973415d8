"""A CPU for each member of a team.

Linux often wakes two threads on one CPU, because the one that woke them was busy on the other at that moment,
and leaves them there for 10 ms and more while the other CPU is idle. 784-10-10 takes 5 ms an epoch with all
rows a step, but took 12 in every third epoch or so.
"""

import contextlib
import os

from fastnn.kernels.system import TELLS_CPU, current_cpu

CAN_MOVE = TELLS_CPU and hasattr(os, "sched_setaffinity")


def settle(taken, allowed=None):
    """Leave the CPUs `taken`, if others are allowed, and add to them the one where this thread is then.

    The thread is kept off them only while it moves: from then on the system may again do as it thinks best,
    for another program may need a CPU more than we do. Where threads cannot move themselves it always may.

    allowed   from keep_off, if this thread has been kept off
    """
    if not CAN_MOVE:
        return
    with contextlib.suppress(OSError):  # forbidden here, or somebody else is changing what is allowed
        if allowed is not None:
            os.sched_setaffinity(0, allowed)
        if current_cpu() in taken:
            allowed = os.sched_getaffinity(0)
            if others := allowed - taken:
                os.sched_setaffinity(0, others)
                os.sched_setaffinity(0, allowed)
    taken.add(current_cpu())


def keep_off(taken, threads):
    """Keep sleeping threads off the CPUs `taken`, until they have settled; returns what `settle` wants.

    Woken there, while the thread that wakes them is busy, they would wait for it to end.
    """
    if not CAN_MOVE:
        return None
    allowed = os.sched_getaffinity(0)
    if others := allowed - taken:
        for thread in threads:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread.native_id, others)
    return allowed
