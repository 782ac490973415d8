"""Training and predicting in forked, spawned, pooled processes: no deadlock, and the bits of this process."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from fastnn import backends
from tests import jobs
from tests.kernels.process import run_python

needs_numba = pytest.mark.skipif(
    "numba" not in backends.available(), reason="threads are of the Numba backend"
)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def check(found, backend):
    """Digests from other processes are those of this one."""
    expected, here = jobs.all_done(backend)
    for digests, process in found:
        assert process != here
        assert digests == expected


def test_spawned_processes(backend_name):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        check(list(pool.map(jobs.all_done, [backend_name] * 2)), backend_name)


def test_joblibs_processes(backend_name):
    joblib = pytest.importorskip("joblib")
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(jobs.all_done)(backend_name) for _ in range(2))
    check(found, backend_name)


# In a process of its own: Python 3.12 warns of fork where there are threads, which is what is tested here.
FORKED = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")
import multiprocessing
from fastnn import cpus
from tests import jobs
backend = sys.argv[1]
if backend == "numba":
    from fastnn.backends import numba_pass, numba_run
    cpus.affinity = lambda: 2
    numba_pass.FLOPS_PER_THREAD = numba_run.FLOPS_PER_THREAD = 1  # two threads everywhere
    numba_pass.FLOPS_PER_THREAD_IN_A_ROW = 1
expected, _ = jobs.all_done(backend)
model, (X, y) = jobs.train("full", backend=backend), jobs.data("classes")
predicted = jobs.digest(model)
threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("fastnn")]
assert len(threads) == (backend == "numba"), threads  # the model keeps a helper, which a fork has not

def use(_):
    assert jobs.digest(model) == predicted
    assert jobs.all_done(backend)[0] == expected
    return os.getpid()

with multiprocessing.get_context("fork").Pool(2) as pool:
    processes = pool.map_async(use, range(4), chunksize=2).get(60)
assert os.getpid() not in processes
assert jobs.digest(model) == predicted

# Forked while other threads train and predict, at moments that are not chosen.
stop = threading.Event()
def busy():
    while not stop.is_set():
        model.predict(X[:3])
        model.predict(X)
        jobs.train("plain", backend=backend)
others = [threading.Thread(target=busy) for _ in range(2)]
for other in others:
    other.start()
for number in range(6):
    time.sleep(0.01 * number)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        status = 1
        try:
            if jobs.digest(model) == predicted and jobs.done("adam", backend=backend) == expected["adam"]:
                status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for other in others:
    other.join()
print("done")
"""


@needs_fork
def test_forked_processes(backend_name):
    code = f"import sys; sys.argv.append({backend_name!r})\n{FORKED}"
    assert run_python(code) == "done\n"


# ---- the same seed in other processes ---------------------------------------------------------------------

DIGESTS = "from tests import jobs; print(*[jobs.done(name, backend='numba') for name in jobs.JOBS])"


def here():
    return [jobs.done(name, backend="numba") for name in jobs.JOBS]


@needs_numba
@pytest.mark.slow
def test_same_bits_with_a_cold_cache_and_with_avx2(tmp_path):
    from fastnn.kernels import target

    assert run_python(DIGESTS, FASTNN_CACHE_DIR=str(tmp_path)).split() == here()
    if target.IS_X86 and target.HAS_FMA:
        assert run_python(DIGESTS, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="").split() == here()


@needs_numba
@pytest.mark.slow
def test_same_bits_without_a_cache(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    names = ("FASTNN_CACHE_DIR", "NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME")
    code = f"import warnings; warnings.simplefilter('ignore')\n{DIGESTS}"
    assert run_python(code, **dict.fromkeys(names, str(blocked))).split() == here()
