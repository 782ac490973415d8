"""The whole passes can be compiled before there are data, and by another process."""

import numpy as np
import pytest

pytest.importorskip("numba")

import fastnn
from fastnn.kernels.epoch import train_rows
from fastnn.kernels.inference import forward_rows
from fastnn.kernels.passes import PREDICTING, TRAINING, is_ready, signature
from tests.kernels.process import run_python

TYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", TYPES)
def test_these_are_the_types_that_runs_and_predictions_bring(dtype):
    X = np.random.default_rng(0).normal(size=(200, 5))
    options = {"hidden": (8, 8), "epochs": 1, "verbose": 0, "dtype": dtype}
    for more in ({}, {"optimizer": "adam", "validation": 0.2}, {"batch_size": "full", "threads": 2}):
        fastnn.train(X, X[:, 0] > 0, **options, **more).predict(X)
    fastnn.train((9 * X).clip(0, 255).astype(np.uint8), X[:, :2], loss="squared_error", **options)
    every = {dtype: {name: signature(name, dtype) for name in (TRAINING, PREDICTING)} for dtype in TYPES}
    assert set(train_rows.overloads) <= {each[TRAINING] for each in every.values()}
    assert set(forward_rows.overloads) <= {each[PREDICTING] for each in every.values()}
    assert every[dtype][TRAINING] in train_rows.overloads
    assert every[dtype][PREDICTING] in forward_rows.overloads
    assert is_ready(TRAINING, dtype)
    assert is_ready(PREDICTING, dtype)


FIRST = """
import numpy as np
import fastnn
from fastnn import cpus
from fastnn.kernels.epoch import train_rows
from fastnn.kernels.inference import forward_rows
X = np.random.default_rng(0).normal(size=(3000, 9)).astype(np.float32)
model = fastnn.train(X, X[:, 0] > 0, epochs=1, verbose=0)
model.predict(X)
passes, kinds = (train_rows, forward_rows), ("cache_hits", "cache_misses")
print(cpus.usable_cpus(), *([sum(getattr(f.stats, kind).values()) for f in passes] for kind in kinds))
"""


@pytest.mark.slow
def test_a_first_training_says_so_and_finds_the_passes_compiled_by_a_second_process(tmp_path):
    code = f"import os\nos.dup2(1, 2)\n{FIRST}"
    output = run_python(code, FASTNN_CACHE_DIR=str(tmp_path)).splitlines()
    assert output[0] == "fastnn: compiling its kernels for this CPU, once (about 10 s) …"
    cpus, found = output[1].split(maxsplit=1)
    assert found == ("[1, 1] [0, 0]" if int(cpus) > 1 else "[0, 0] [1, 1]")
    assert run_python(code, FASTNN_CACHE_DIR=str(tmp_path)).splitlines() == [f"{cpus} [1, 1] [0, 0]"]
