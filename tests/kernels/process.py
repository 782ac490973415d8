"""Runs Python in a fresh process with extra environment variables: other CPU targets, other cache folders."""

import os
import subprocess
import sys


def run_python(code, *, cwd=None, **environment):
    """Standard output of `code`; the test fails with its errors if it does not end well."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout
