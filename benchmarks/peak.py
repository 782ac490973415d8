"""The peak of this machine, now: a probe of about 1 ms, to bracket every timing with.

The clock of a shared machine drops to 60 % for seconds at a time. A timing counts only if probes right
before and right after it reach 90 % of the best probe of the whole run. The probe multiplies and adds in
registers, on the widest vectors that Numba compiles for, and shares nothing else with fastnn's kernels.

    python benchmarks/peak.py    prints the peak of one thread and of all
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnn.kernels.target import VECTOR_BYTES, VECTOR_REGISTERS

LIMIT = 0.9
SECONDS = 1e-3


LANES = VECTOR_BYTES // 4
# Enough independent chains to hide the latency of an FMA, in the registers that there are.
CHAINS = 16 if VECTOR_REGISTERS == 32 else 12
FLOPS_PER_STEP = 2 * LANES * CHAINS


@intrinsic
def _fma_chains(typing_context, steps):
    """`steps` times x ← x/2 + 1 on CHAINS vectors of LANES float32, held in registers; returns one number."""

    def generate(context, builder, signature, arguments):
        vector = ir.VectorType(ir.FloatType(), LANES)
        name = f"llvm.fma.v{LANES}f32"
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
        half, one = (ir.Constant(vector, [value] * LANES) for value in (0.5, 1.0))
        before = builder.block
        loop, after = (builder.append_basic_block(label) for label in ("fma_loop", "fma_end"))
        builder.branch(loop)

        builder.position_at_end(loop)
        step = builder.phi(arguments[0].type)
        chains = [builder.phi(vector) for _ in range(CHAINS)]
        following = [builder.call(fma, [x, half, one]) for x in chains]
        next_step = builder.add(step, ir.Constant(step.type, 1))
        step.add_incoming(ir.Constant(step.type, 0), before)
        step.add_incoming(next_step, loop)
        for number, (x, x_next) in enumerate(zip(chains, following, strict=True)):
            x.add_incoming(ir.Constant(vector, [float(number)] * LANES), before)
            x.add_incoming(x_next, loop)
        builder.cbranch(builder.icmp_signed("<", next_step, arguments[0]), loop, after)

        builder.position_at_end(after)
        total = following[0]
        for x in following[1:]:
            total = builder.fadd(total, x)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.int64), generate


@njit("float32(int64)", nogil=True)
def _spin(steps):
    return _fma_chains(steps)


def cpus() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Trial:
    """One timing, in seconds a call, and the GFLOP/s of the probes right before and right after it."""

    seconds: float
    before: float
    after: float

    def share(self, best: float) -> float:
        """The lower probe as a share of the best one."""
        return min(self.before, self.after) / best


class Probe:
    """Measures the peak of `threads` threads together: call it for GFLOP/s; `best` is the most it saw."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cpus()
        self.best = 0.0
        self._pool = ThreadPoolExecutor(self.threads)
        self._barrier = threading.Barrier(self.threads)
        self._steps = round(1000 * SECONDS / min(_duration([_timed_spin(1000)]) for _ in range(100)))
        for _ in range(50):
            self()

    def __call__(self) -> float:
        """One probe: GFLOP/s of all its threads, from the first one's start to the last one's end."""
        spans = list(self._pool.map(self._spin_together, [self._steps] * self.threads))
        rate = self.threads * self._steps * FLOPS_PER_STEP / _duration(spans) / 1e9
        self.best = max(self.best, rate)
        return rate

    def bracketed(self, function: Callable[[], object], repeats: int = 1) -> Trial:
        """Time `repeats` calls of `function` between two probes.

        Before, the probe waits for a quiet moment. After, it gives a library's idle threads the time to stop
        spinning. Either wait ends after some 40 ms, so a machine that is slow for longer is still noticed.
        """
        before = self._quiet()
        start = time.perf_counter()
        for _ in range(repeats):
            function()
        seconds = (time.perf_counter() - start) / repeats
        return Trial(seconds, before, self._quiet())

    def accepts(self, trial: Trial) -> bool:
        """Whether both probes of `trial` reach 90 % of the best seen so far."""
        return trial.share(self.best) >= LIMIT

    def kept(self, trials: Sequence[Trial], least: int = 2) -> tuple[list[Trial], bool]:
        """(the trials to take the median of, whether all are accepted): `least` best ones if too few are."""
        accepted = [trial for trial in trials if self.accepts(trial)]
        if len(accepted) >= min(least, len(trials)):
            return accepted, True
        return sorted(trials, key=lambda trial: -trial.share(self.best))[:least], False

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _quiet(self, patience: int = 40) -> float:
        for _ in range(patience):
            rate = self()
            if rate >= LIMIT * self.best:
                break
        return rate

    def _spin_together(self, steps: int) -> tuple[float, float]:
        self._barrier.wait()
        return _timed_spin(steps)


def median(trials: Sequence[Trial]) -> float:
    """Median seconds."""
    return statistics.median(trial.seconds for trial in trials)


def _timed_spin(steps: int) -> tuple[float, float]:
    start = time.perf_counter()
    _spin(steps)
    return start, time.perf_counter()


def _duration(spans: Sequence[tuple[float, float]]) -> float:
    return max(end for _, end in spans) - min(start for start, _ in spans)


def main() -> None:
    """Print the peak of one thread and of all."""
    for threads in sorted({1, cpus()}):
        probe = Probe(threads)
        rates = sorted(probe() for _ in range(500))
        print(
            f"{threads} thread{'s' if threads > 1 else ''}: best {probe.best:.1f} GFLOP/s, "
            f"median {statistics.median(rates):.1f}, slowest tenth below {rates[len(rates) // 10]:.1f}"
        )
        probe.close()


if __name__ == "__main__":
    main()
