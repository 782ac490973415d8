"""The second process that compiles: when there is one, and that nobody waits for it in vain."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from fastnn.backends import numba_ahead
from fastnn.kernels import jit
from fastnn.kernels.passes import PREDICTING, TRAINING
from tests.kernels.process import run_python

DTYPE = np.dtype(np.float32)
ENDLESS = "import time\nwhile True: time.sleep(1)"


@pytest.fixture
def nothing_compiled(monkeypatch):
    """As in a new process with an empty cache and two CPUs. Gives the second processes, which do nothing."""
    processes = {}
    monkeypatch.setattr(numba_ahead, "_claims", {})
    monkeypatch.setattr(numba_ahead, "_processes", processes)
    monkeypatch.setattr(numba_ahead, "is_ready", lambda name, dtype: False)
    monkeypatch.setattr(numba_ahead, "usable_cpus", lambda: 2)
    monkeypatch.setattr(numba_ahead, "PROGRAM", ENDLESS)
    monkeypatch.setattr(jit, "_announced", False)
    yield processes
    numba_ahead._end_all()


def process_for(dtype, name):
    return numba_ahead._processes[os.getpid(), dtype, name]


def begin():
    numba_ahead.begin(DTYPE, TRAINING, PREDICTING)


def test_the_user_is_told(nothing_compiled, caplog):
    begin()
    begin()
    numba_ahead.begin(DTYPE, PREDICTING)
    assert caplog.messages == ["fastnn: compiling its kernels for this CPU, once (about 10 s) …"]


def test_one_process_a_type(nothing_compiled):
    begin()
    first = process_for("float32", TRAINING)
    numba_ahead.begin(DTYPE, PREDICTING)
    assert process_for("float32", TRAINING) is process_for("float32", PREDICTING) is first
    assert len(nothing_compiled) == 2
    numba_ahead.begin(np.dtype(np.float64), PREDICTING)
    assert process_for("float64", PREDICTING) is not first
    assert first.poll() is None


def test_another_one_for_another_pass(nothing_compiled):
    """As where a model predicts in one thread, and another is trained meanwhile."""
    numba_ahead.begin(DTYPE, PREDICTING)
    first = process_for("float32", PREDICTING)
    begin()
    assert process_for("float32", PREDICTING) is first
    assert process_for("float32", TRAINING) is not first


@pytest.mark.parametrize("compiled", [(TRAINING,), (TRAINING, PREDICTING)])
def test_none_where_what_is_needed_first_is_compiled(nothing_compiled, compiled, monkeypatch, caplog):
    monkeypatch.setattr(numba_ahead, "is_ready", lambda name, dtype: name in compiled)
    begin()
    assert nothing_compiled == {}
    assert caplog.messages == []
    numba_ahead.begin(DTYPE, PREDICTING)  # the model predicts, too
    assert bool(nothing_compiled) == (PREDICTING not in compiled)
    assert len(caplog.messages) == (PREDICTING not in compiled)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 on, where there are threads
def test_a_forked_process_waits_for_nothing(nothing_compiled):
    begin()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        numba_ahead.wait(DTYPE, TRAINING)
        numba_ahead._end_all()
        os.write(writing, b"done")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert file.read() == b"done"
    os.waitpid(pid, 0)
    assert process_for("float32", TRAINING).poll() is None


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (numba_ahead, "usable_cpus", lambda: 1),
        (jit, "CACHE_FOLDER", None),
        (sys, "executable", None),
        (sys, "executable", "/usr/bin/uwsgi"),  # a server with Python in it
        (sys, "executable", "/nowhere/python3"),
    ],
)
def test_none_where_it_would_not_help(nothing_compiled, monkeypatch, place, name, value):
    monkeypatch.setattr(place, name, value)
    begin()
    assert nothing_compiled == {}
    numba_ahead.wait(DTYPE, TRAINING)


def test_none_from_a_frozen_program(nothing_compiled, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    begin()
    assert nothing_compiled == {}


def seconds_of_waiting():
    start = time.monotonic()
    numba_ahead.wait(DTYPE, TRAINING)
    return time.monotonic() - start


def test_who_waits_goes_on_when_the_pass_is_there(nothing_compiled, monkeypatch):
    begin()
    looks = iter([False, False, True])
    monkeypatch.setattr(numba_ahead, "is_ready", lambda name, dtype: next(looks))
    assert seconds_of_waiting() < 10
    assert next(looks, None) is None
    process = process_for("float32", PREDICTING)
    assert process.poll() is None  # it goes on with the next pass
    monkeypatch.setattr(numba_ahead, "is_ready", lambda name, dtype: True)
    numba_ahead.wait(DTYPE, PREDICTING)
    assert process.returncode is not None
    assert nothing_compiled == {}


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "not Python"])
def test_who_waits_goes_on_when_the_process_has_failed(nothing_compiled, monkeypatch, program):
    monkeypatch.setattr(numba_ahead, "PROGRAM", program)
    begin()
    assert seconds_of_waiting() < 10
    assert nothing_compiled == {}


def test_nobody_waits_for_ever(nothing_compiled, monkeypatch):
    monkeypatch.setattr(numba_ahead, "LONGEST_WAIT", 0.05)
    begin()
    process = process_for("float32", TRAINING)
    assert 0.05 <= seconds_of_waiting() < 10
    assert process.returncode is not None
    assert seconds_of_waiting() < 0.05


NOTHING_COMPILED = """
import os, sys, time
sys.path.remove("")  # else this process would import what lies about in its folder
import numpy as np
from fastnn.backends import numba_ahead
numba_ahead.is_ready = lambda name, dtype: False
numba_ahead.usable_cpus = lambda: 2
"""


def test_it_imports_what_this_process_imports(tmp_path):
    """Not what lies about in the folder where it is started."""
    for name in ("numpy", "threading", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
    code = f"""{NOTHING_COMPILED}
numba_ahead.begin(np.dtype(np.float32), "training")
print(numba_ahead._processes[os.getpid(), "float32", "training"].wait(100))
"""
    assert run_python(code, cwd=tmp_path) == "0\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc to see processes in")
def test_it_ends_with_the_process_that_began_it(tmp_path):
    """However that ended; here as if it had been killed."""
    code = f"""{NOTHING_COMPILED}
at_work = "numba_ahead.make_ready = lambda *_: (open('at work', 'w').close(), time.sleep(100))"
program = "import time\\nfrom fastnn.backends import numba_ahead\\n" + at_work + "\\nfrom fastnn"
numba_ahead.PROGRAM = numba_ahead.PROGRAM.replace("from fastnn", program)
numba_ahead.begin(np.dtype(np.float32), "training")
process = numba_ahead._processes[os.getpid(), "float32", "training"]
while not os.path.exists("at work"):
    assert process.poll() is None
    time.sleep(0.01)
print(process.pid, flush=True)
os._exit(0)
"""
    stat = Path(f"/proc/{int(run_python(code, cwd=tmp_path))}/stat")
    end = time.monotonic() + 20
    while is_alive(stat):
        assert time.monotonic() < end
        time.sleep(0.01)


def is_alive(stat):
    """Whether a process is more than a zombie, which it stays where nobody takes note of its end."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
