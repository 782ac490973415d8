"""No home, a full disk, damaged caches, other versions: it works, with one warning at most."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastnn
from fastnn import backends
from tests.cli.process import hide
from tests.kernels.process import run_python

needs_numba = pytest.mark.skipif(
    "numba" not in backends.available(), reason="kernels are of the Numba backend"
)
PACKAGE = Path(fastnn.__file__).parent

# Two small kernels: what is said of them holds for the large ones, and they are compiled in no time.
SMALL = """
import warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    import numpy as np
    from fastnn.kernels import jit, team, updates
    W = np.arange(40, dtype=np.float32)
    updates.sgd_update(W, W.copy(), np.float32(0.5))
    team.spins_for()
stats = [function.stats for function in (updates.sgd_update, team._pauses)]
hits, misses = (sum(sum(getattr(s, n).values()) for s in stats) for n in ("cache_hits", "cache_misses"))
print(W.sum(), hits, misses, jit.CACHE_FOLDER)
for warning in seen:
    print(warning.message)
"""


def started(code, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    """(kernels from the cache, compiled, the cache, warnings) of a process with SMALL; its sum is right."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-3000:]
    assert err == ""
    first, *warnings = out.splitlines()
    total, hits, misses, folder = first.split(maxsplit=3)
    assert float(total) == 390.0
    return int(hits), int(misses), folder, warnings


def small(code=SMALL, **environment):
    return ended(started(code, **environment))


# ---- the cache --------------------------------------------------------------------------------------------


@needs_numba
def test_two_processes_compile_at_once_and_what_they_left_may_be_damaged(tmp_path):
    environment = {"FASTNN_CACHE_DIR": str(tmp_path)}
    both = [started(SMALL, **environment) for _ in range(2)]
    found = [ended(process) for process in both]
    assert found[0][2:] == found[1][2:]
    assert found[0][3] == []
    folder = Path(found[0][2])
    assert small(**environment)[:2] == (2, 0)
    assert not list(folder.glob("*.tmp.*"))

    for file in folder.glob("*.nbc"):  # one bit in the middle of the machine code
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 4
        file.write_bytes(content)
    assert small(**environment) == (0, 2, str(folder), [])

    for number, file in enumerate(sorted(folder.iterdir())):  # nothing, rubbish, and another version's
        file.write_bytes(
            (b"", os.urandom(500), b"\x80\x05\x95\x08\x00\x00\x00\x00\x00\x00\x00\x8c\x040.50\x94.")[
                number % 3
            ]
        )
    assert small(**environment) == (0, 2, str(folder), [])


@needs_numba
def test_another_cpu_or_flags_take_another_folder():
    code = "from fastnn.kernels.jit import fingerprint; print(fingerprint())"
    cpu = "haswell" if os.environ.get("NUMBA_CPU_NAME") == "nehalem" else "nehalem"
    other = {"NUMBA_CPU_NAME": cpu}, {"NUMBA_BOUNDSCHECK": "1"}, {"NUMBA_OPT": "1"}
    processes = [started(code, **environment) for environment in ({}, {}, *other)]
    found = [process.communicate(timeout=120)[0] for process in processes]
    assert found[0] == found[1] != ""
    assert len(set(found)) == 1 + len(other)


@needs_numba
@pytest.mark.skipif(os.name == "nt", reason="there is no limit on file sizes on Windows")
def test_a_full_disk(tmp_path):
    """Files may be made, but nothing be written into them."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n{SMALL}"
    hits, misses, folder, warnings = small(code, FASTNN_CACHE_DIR=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")
    assert (hits, misses) == (0, 2)
    assert len(warnings) == 1
    assert f"compiled kernels could not be kept in {folder} (File too large)" in warnings[0]
    assert [file.stat().st_size for file in Path(folder).iterdir()] == []


@needs_numba
def test_no_home(tmp_path):
    """A user id without an account, as some containers have, and no HOME."""
    code = f"""
import os, pwd
def nobody(_): raise KeyError
pwd.getpwuid = nobody
for name in ("HOME", "XDG_CACHE_HOME", "FASTNN_CACHE_DIR", "NUMBA_CACHE_DIR"):
    os.environ.pop(name, None)
os.chdir({str(tmp_path)!r})
"""
    hits, misses, folder, warnings = small(code + SMALL)
    assert (hits, misses, folder) == (0, 2, "None")
    assert len(warnings) == 1
    assert "there is no home folder" in warnings[0]
    assert list(tmp_path.iterdir()) == []


@needs_numba
def test_nothing_is_written_where_the_package_is(tmp_path):
    """So it may be installed read-only."""
    shutil.copytree(PACKAGE, tmp_path / "fastnn", ignore=shutil.ignore_patterns("__pycache__"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "fastnn").rglob("*")}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = f"{SMALL}\nimport fastnn\nfastnn.train(np.eye(4), [0, 1, 0, 1], epochs=1, backend='numpy')"
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tmp_path)}
    folder = small(code, FASTNN_CACHE_DIR=str(tmp_path / "cache"), **environment)[2]
    assert Path(folder).is_relative_to(tmp_path / "cache")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "fastnn").rglob("*")} == before
    for path in before:
        path.chmod(0o755)


# ---- Numba ------------------------------------------------------------------------------------------------

WITHOUT = """
import warnings; warnings.simplefilter("error")
import numpy as np, fastnn
print(fastnn.train(np.eye(4), [0, 1, 0, 1], epochs=1).backend, *fastnn.backends.available())
try: fastnn.train(np.eye(4), [0, 1, 0, 1], backend="numba")
except fastnn.FastnnError as error: print(error)
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ImportError('Numba needs NumPy 2.3 or less. Got NumPy 2.9.')", "Numba needs NumPy 2.3 or less"),
        (
            "SystemError('initialization of _internal failed without raising an exception')",
            "initialization of",
        ),
        ("AttributeError()", "AttributeError"),
    ],
)
def test_a_numba_that_refuses(tmp_path, error, said):
    (tmp_path / "numba.py").write_text(f"raise {error}")
    path = os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])
    first, second = run_python(WITHOUT, PYTHONPATH=path, FASTNN_BACKEND="").splitlines()
    assert first == "numpy numpy"
    assert second.startswith(f"backend='numba' does not import here ({said}")
    assert second.endswith("; install it, or use backend='numpy'")


def test_no_numba(tmp_path):
    lines = run_python(WITHOUT, FASTNN_BACKEND="", **hide("numba", tmp_path)).splitlines()
    assert lines[0] == "numpy numpy"
    assert "does not import here (No module named 'numba')" in lines[1]


@needs_numba
def test_a_numba_that_must_not_compile():
    lines = run_python(WITHOUT, NUMBA_DISABLE_JIT="1", FASTNN_BACKEND="").splitlines()
    assert lines[0] == "numpy numpy"
    assert "NUMBA_DISABLE_JIT is set; unset it, or use backend='numpy'" in lines[1]


@pytest.mark.skipif(not importlib.util.find_spec("_xxsubinterpreters"), reason="Python 3.11 and 3.12 have it")
def test_a_subinterpreter():
    """NumPy warns there, or refuses; Numba would hang."""
    code = (
        f"import _xxsubinterpreters as s; s.run_string(s.create(), {WITHOUT.replace('error', 'ignore', 1)!r})"
    )
    process = started(code, FASTNN_BACKEND="")
    out, err = process.communicate(timeout=60)
    if process.returncode:
        assert "subinterpreter" in err or "interpreter" in err
    else:
        assert out.splitlines()[0] == "numpy numpy"
        assert "does not work in a subinterpreter" in out.splitlines()[1]
