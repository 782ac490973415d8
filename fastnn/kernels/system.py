"""What threads ask of the operating system, where its C library has it: to give way; which CPU this is."""

import llvmlite.binding as llvm
from numba import types
from numba.core import registry

from fastnn.kernels.atomics import pause
from fastnn.kernels.jit import jit


def _offers(name):
    # LLVM knows the functions of this process only when a compiler has been set up, which Numba does late.
    _ = registry.cpu_target.target_context
    return bool(llvm.address_of_symbol(name))


HAS_SCHED_YIELD, TELLS_CPU = _offers("sched_yield"), _offers("sched_getcpu")
_sched_yield = types.ExternalFunction("sched_yield", types.int32())
_sched_getcpu = types.ExternalFunction("sched_getcpu", types.int32())

if HAS_SCHED_YIELD:

    @jit
    def give_way():
        """Let another runnable thread have this core."""
        _sched_yield()
else:

    @jit
    def give_way():
        """No sched_yield here (Windows): wait a little longer between looks."""
        for _ in range(64):
            pause()


if TELLS_CPU:

    @jit
    def current_cpu():
        """Number of the CPU that this thread is on."""
        return _sched_getcpu()
else:

    def current_cpu():
        """Nobody knows (macOS, Windows)."""
        return None
