"""No kernel reads or writes beyond its arrays: run on guarded memory, see guarded.py."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("numba")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no mprotect on Windows")


def guarded(what, root):
    return subprocess.run(
        [sys.executable, "-m", "tests.kernels.guarded", what],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.mark.parametrize("what", ["some", pytest.param("all", marks=pytest.mark.slow)])
def test_no_access_beyond_any_array(what, pytestconfig):
    done = guarded(what, pytestconfig.rootpath)
    assert done.returncode == 0, (done.stdout[-300:], done.stderr[-3000:])
    assert done.stdout.endswith("done\n")


def test_an_access_beyond_an_array_is_seen(pytestconfig):
    assert guarded("overrun", pytestconfig.rootpath).returncode in (-signal.SIGSEGV, -signal.SIGBUS)
