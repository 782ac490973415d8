"""How many threads the contenders use, and telling BLAS so."""

from benchmarks.peak import cpus

# Every peer is tried with all CPUs and with one: a tiny network is often faster without other threads.
CHOICES = tuple(sorted({cpus(), 1}, reverse=True))


def limit_blas(threads: int) -> None:
    """Let NumPy's BLAS use this many threads; without threadpoolctl it keeps its own choice."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(limits=threads, user_api="blas")
