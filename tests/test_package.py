"""What importing fastnn brings along, and that its public names are there."""

import subprocess
import sys

import fastnn


def test_public_names_exist():
    for name in fastnn.__all__:
        assert hasattr(fastnn, name)


def test_import_is_light():
    heavy = "numba llvmlite matplotlib sklearn pandas scipy typer pooch tqdm"
    code = f"import sys, fastnn; print(sorted(set('{heavy}'.split()) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_works_where_numba_does_not_import():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np, fastnn\n"
        "model = fastnn.train(np.eye(4), [0, 1, 0, 1], epochs=1)\n"
        "print(model.backend, fastnn.backends.available())\n"
        "try: fastnn.train(np.eye(4), [0, 1, 0, 1], backend='numba')\n"
        "except fastnn.FastnnError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[0] == "numpy ('numpy',)"
    assert "backend='numba' does not import here" in result.stdout.splitlines()[1]
