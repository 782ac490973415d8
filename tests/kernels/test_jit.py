"""Compiled code is cached, never stale, and a cache that cannot be used is never fatal."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from numba import types

import fastnn
from fastnn import kernels
from fastnn.kernels import jit
from tests.kernels.process import run_python

# Two small kernels: what is so for them is so for the large ones, which take ten seconds each time.
CODE = """
import numpy as np
from fastnn.kernels import jit, team, updates
updates.sgd_update(np.ones(9, np.float32), np.ones(9, np.float32), np.float32(0.1))
team.spins_for()
stats = [function.stats for function in (updates.sgd_update, team._pauses)]
hits, misses = (sum(sum(getattr(s, n).values()) for s in stats) for n in ("cache_hits", "cache_misses"))
print(hits, misses, jit.CACHE_FOLDER)
"""


def test_a_second_process_loads_and_an_edit_is_seen(tmp_path):
    shutil.copytree(
        Path(fastnn.__file__).parent, tmp_path / "fastnn", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = {"FASTNN_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}

    def run():
        hits, misses, folder = run_python(CODE, cwd=tmp_path, **environment).split()
        return int(hits), int(misses), Path(folder)

    first, second = run(), run()
    assert first[:2] == (0, 2)
    assert second == (2, 0, first[2])
    with open(tmp_path / "fastnn" / "kernels" / "simd.py", "a") as file:
        file.write("# edited\n")
    third = run()
    assert third[:2] == (0, 2)
    assert third[2] != first[2]
    for file in third[2].iterdir():  # a truncated file costs a compilation, nothing else
        file.write_bytes(file.read_bytes()[:40])
    assert run()[:2] == (0, 2)


def test_kernels_count_no_references():
    def last(a, b, n):
        chosen = a
        for i in range(n):
            chosen = b if i % 2 else a
        return chosen[0]

    counted = {}
    for name, flags in (("numba", {}), ("fastnn", jit.FLAGS)):
        compiled = numba.njit(**flags)(last)
        assert compiled(np.ones(2), np.zeros(3), 3) == 1
        counted[name] = "NRT_incref" in compiled.inspect_llvm(compiled.signatures[0])
    assert counted == {"numba": True, "fastnn": False}


def test_nowhere_to_cache_is_one_warning(tmp_path):
    code = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    from fastnn.kernels import simd, team\n"
        "    team.spins_for()\n"
        "from fastnn.kernels import jit\n"
        "print(len(seen), jit.CACHE_FOLDER)"
    )
    blocked = tmp_path / "file"
    blocked.write_text("")
    names = ("FASTNN_CACHE_DIR", "NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME")
    assert run_python(code, **dict.fromkeys(names, str(blocked))).split() == ["1", "None"]


def test_constants_among_the_arguments_are_no_reason_to_compile_again():
    @jit.jit
    def added(a, b):
        return a + b

    @jit.jit
    def caller(a):
        return added(a, 0) + added(a, 1) + added(2, a) + added(a, b=a)

    assert caller(5) == 5 + 6 + 7 + 10
    assert added.signatures == [(types.int64, types.int64)]


def sources():
    return sorted(Path(kernels.__file__).parent.rglob("*.py"))


def test_every_kernel_wears_the_one_decorator():
    for path in sources():
        text = path.read_text()
        if path.name != "jit.py":
            assert not re.search(r"\bnumba\.(njit|jit)\b|import njit|from numba import .*jit", text), (
                path.name
            )
        assert not re.search(r"fastmath\s*=\s*True", text), path.name


def test_kernels_know_nothing_of_the_rest():
    for path in sources():
        imported = re.findall(r"^\s*(?:from|import) (fastnn[\w.]*)", path.read_text(), re.MULTILINE)
        assert all(name.startswith("fastnn.kernels") for name in imported), path.name


USES = """
import numpy as np, sys
import fastnn
from fastnn.backends import numba_backend

def entries():
    return sorted(path.name for path in numba_backend.cache_folder().rglob("*.nbc"))

numba_backend.compile_kernels()
before = entries()
generator = np.random.default_rng(0)
X = generator.integers(0, 256, (300, 784), dtype=np.uint8)
X[generator.random(X.shape) > 0.2] = 0
y = generator.integers(0, 10, 300)
tables = generator.standard_normal((300, 20)).astype(np.float32)
for rows, options in (
    (X, {"hidden": 10}),
    (X, {"hidden": 128}),
    (X, {"hidden": 128, "optimizer": "adam", "dropout": 0.2, "clip_norm": 1.0}),
    (np.tile(X, (8, 1)), {"hidden": 10, "batch_size": 2400}),
    (tables, {"hidden": (64, 64), "activation": "tanh", "optimizer": "momentum", "max_norm": 2.0}),
):
    model = fastnn.train(rows, np.resize(y, len(rows)), **{"epochs": 1, "verbose": 0, **options})
    model.predict_proba(rows)
assert before and entries() == before, set(entries()) - set(before)
"""


@pytest.mark.slow
def test_compiled_ahead_nothing_is_left_to_compile(tmp_path):
    run_python(USES, FASTNN_CACHE_DIR=str(tmp_path))
