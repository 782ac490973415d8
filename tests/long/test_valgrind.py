"""No kernel touches memory that is not allocated, as valgrind sees it. `pytest -m slow tests/long` runs this.

By hand, once the kernels for that CPU are in the cache (valgrind 3.19 does not know AVX-512):

    PYTHONMALLOC=malloc NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES= valgrind --undef-value-errors=no \\
        python -m tests.kernels.guarded ordinary
"""

import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("numba")

from fastnn.kernels import target

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed"),
    pytest.mark.skipif(not (target.IS_X86 and target.HAS_FMA), reason="needs a CPU that runs haswell's code"),
]

# What the C library's loader of shared libraries does on purpose.
SUPPRESSED = """
{
   words of a string
   Memcheck:Addr8
   fun:strncmp
   fun:is_dst
   ...
}
"""
HASWELL = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "", "OPENBLAS_CORETYPE": "Haswell"}
# So that NumPy too does without what valgrind does not know.
AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"


def started(command, root):
    environment = {
        **HASWELL,
        "PYTHONMALLOC": "malloc",
        "NPY_DISABLE_CPU_FEATURES": AVX512,
        "PYTHONPATH": str(root),
    }
    return subprocess.run(
        command, cwd=root, env=os.environ | environment, capture_output=True, text=True, timeout=900
    )


def valgrind(what, root, folder):
    (folder / "suppressed").write_text(SUPPRESSED)
    options = ["--undef-value-errors=no", "--error-exitcode=9", f"--suppressions={folder / 'suppressed'}"]
    return started(["valgrind", *options, sys.executable, "-m", "tests.kernels.guarded", what], root)


def test_nothing_invalid_is_read_or_written(pytestconfig, tmp_path):
    root = pytestconfig.rootpath
    compiled = started([sys.executable, "-m", "tests.kernels.guarded", "ordinary"], root)
    assert compiled.returncode == 0, compiled.stderr
    done = valgrind("ordinary", root, tmp_path)
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.endswith("done\n")


def test_valgrind_sees_an_invalid_read(pytestconfig, tmp_path):
    done = valgrind("ordinary overrun", pytestconfig.rootpath, tmp_path)
    assert done.returncode == 9, done.stderr[-3000:]
    assert "Invalid read" in done.stderr
