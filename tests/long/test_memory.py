"""Thousands of trainings leave no memory behind. `pytest -m slow tests/long` runs this, a minute or two."""

import sys

import pytest

from tests.kernels.process import run_python

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from Linux's /proc"),
]

# Each round trains, predicts on both paths, saves and loads; sizes and options differ from one to the next.
CODE = """
import gc, os, sys, warnings
import numpy as np, fastnn
from fastnn import cpus
warnings.simplefilter("ignore")
backend, rounds, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
cpus.affinity = lambda: 2
generator = np.random.default_rng(0)
images = generator.integers(0, 256, (400, 30), dtype=np.uint8)
tables = [generator.normal(size=(400, 30)).astype(np.float32), images]
y = generator.integers(0, 3, 400)
OPTIONS = [
    {},
    {"optimizer": "adam", "dropout": 0.2},
    {"batch_size": "full", "learning_rate": 0.1, "standardize": True},
    {"validation": 0.2, "early_stopping": 1, "clip_norm": 1.0},
    {"sample_weight": np.ones(400), "max_norm": 2.0},
    {"threads": 2} if backend == "numba" else {},
    {"checkpoint": os.path.join(folder, "run.fastnn")},
]

def once(number):
    X = tables[number % 2]
    hidden = (8 + number % 57, 3 + number % 11)
    model = fastnn.train(X, y, hidden=hidden, epochs=2, seed=number, backend=backend, **OPTIONS[number % 7])
    model.predict_proba(X[:3]); model.score(X, y)
    if number % 5 == 0:
        model.save(os.path.join(folder, "m.safetensors"))
        fastnn.load(os.path.join(folder, "m.safetensors"), backend=backend).predict(X)
    if number % 20 == 0:
        fastnn.train_many(X, y, fastnn.grid(seed=range(4)), hidden=5, epochs=1, backend=backend)

def resident():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

for number in range(300):
    once(number)
begin = resident()
for number in range(rounds):
    once(number)
print(resident() - begin)
"""


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_two_thousand_trainings_leave_memory_flat(backend, tmp_path):
    if backend == "numba":
        pytest.importorskip("numba")
    code = f"import sys; sys.argv += [{backend!r}, '2000', {str(tmp_path)!r}]\n{CODE}"
    growth = float(run_python(code))
    assert abs(growth) < 5, f"{growth:.1f} MB"


def test_a_leak_is_seen(tmp_path):
    leak = "    globals().setdefault('kept', []).append(os.urandom(6 << 20))\n    return int("
    code = CODE.replace("    return int(", leak)
    code = f"import sys; sys.argv += ['numpy', '1', {str(tmp_path)!r}]\n{code}"
    assert float(run_python(code)) > 5
