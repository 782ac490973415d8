"""`pytest -m soak`: ten minutes of soak.py, or FASTNN_SOAK_SECONDS; FASTNN_SOAK_SEED repeats a run."""

import os
import subprocess
import sys

import pytest

from tests.long import soak

pytestmark = pytest.mark.soak


def soaked(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tests.long.soak", *arguments],
        cwd=soak.ROOT,
        env=os.environ | {"PYTHONPATH": str(soak.ROOT), **environment},
        capture_output=True,
        text=True,
    )


def test_for_as_long_as_is_asked():
    seconds = os.environ.get("FASTNN_SOAK_SECONDS", "600")
    seed = os.environ.get("FASTNN_SOAK_SEED")
    done = soaked("--seconds", seconds, *(["--first", seed] if seed else []))
    last = next(
        (line for line in reversed(done.stdout.splitlines()) if line.startswith("round ")), "no round"
    )
    number = last.partition(":")[0].removeprefix("round ")
    again = f"again: python -m tests.long.soak --first {number} --rounds 1"
    assert done.returncode == 0, f"{last}\n{again}\n{done.stderr[-3000:]}"
    assert done.stdout.endswith("rounds, all good\n")
    print(done.stdout)


def test_a_broken_promise_is_seen(monkeypatch):
    """Of each check: where training is not what it was, it says so."""
    original, calls = soak.Round.train, []

    def train(self, **changes):
        calls.append(0)
        return original(self, **changes | {"seed": self.seed + len(calls)})

    monkeypatch.setattr(soak.Round, "train", train)
    round_ = soak.Round(3)
    expected = soak.bits(original(round_, backend="numpy"))
    with pytest.raises(AssertionError):
        soak.check_concurrency(round_, "numpy", expected)
