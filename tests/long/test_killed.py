"""Killed at 300 random moments while it saves models and checkpoints: the files are always whole."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fastnn
from fastnn.trainer import checkpoint
from tests.fuzzing import SEED, cases, repeatable
from tests.limited import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows"),
]
KILLED = 300
# For each line it reads, it makes a copy of itself that saves the same two models in turn, and checkpoints a
# training that never ends, until it is killed.
NURSERY = """
import os, sys
import numpy as np
import fastnn
from pathlib import Path

class Saves(fastnn.callbacks.Callback):
    def start(self, training):
        self.models = [fastnn.load(folder / name, backend="numpy") for name in ("one", "two")]
        print("ready", os.getpid(), flush=True)

    def epoch_end(self, training):
        self.models[training.epoch % 2].save(folder / "model")

folder = Path(sys.argv[1])
X = np.random.default_rng(0).normal(size=(16, 400))
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        fastnn.train(
            X, np.arange(16) % 2, hidden=200, epochs=10**9, batch_size="full", seed=0, backend="numpy",
            optimizer="adam", checkpoint=folder / "run", resume=True, callbacks=[Saves()],
        )
    os.waitpid(child, 0)
    print("killed", flush=True)
"""


@pytest.fixture
def nursery(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        text=True,
    ) as process:
        yield process
        process.stdin.close()


def kill_after(nursery, seconds):
    """Lets a process save for so long, and kills it."""
    nursery.stdin.write("\n")
    nursery.stdin.flush()
    ready, _, number = nursery.stdout.readline().partition(" ")
    assert ready == "ready"
    time.sleep(seconds)
    os.kill(int(number), signal.SIGKILL)
    assert nursery.stdout.readline() == "killed\n"


def test_the_files_are_always_whole(tmp_path, nursery):
    models = [
        fastnn.train(np.eye(4), np.arange(4) % 2, hidden=width, epochs=1, seed=0, backend="numpy")
        for width in (5000, 6000)
    ]
    for model, name in zip(models, ("one", "two"), strict=True):
        model.save(tmp_path / name)
    whole = {(tmp_path / name).read_bytes() for name in ("one", "two")}
    delays = np.random.default_rng(SEED).uniform(0, 0.3, KILLED)
    reached, seen, leftovers = 0, set(), 0
    for number in cases(KILLED):
        with repeatable(number):
            kill_after(nursery, delays[number])
            leftovers += len(list(tmp_path.glob(".*.part")))
            if (tmp_path / "model").exists():
                content = (tmp_path / "model").read_bytes()
                assert content in whole
                seen.add(content)
                fastnn.load(tmp_path / "model")
            if (tmp_path / "run").exists():
                fastnn.load(tmp_path / "run")
                epoch = checkpoint.read(tmp_path / "run").epoch
                assert epoch >= reached
                reached = epoch
    # Otherwise it was never killed while there was anything to lose.
    assert reached > KILLED
    assert seen == whole
    assert leftovers > 0
