"""Shared fixtures: backends, tolerances, and real MNIST where FASTNN_DATA_DIR has it."""

import os
import signal

import numpy as np
import pytest

from fastnn import backends
from fastnn.cpus import usable_cpus

# A shell starts background jobs deaf to Ctrl-C, and a test that interrupts a training would wait for its end.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The one tolerance table. Products and sums are compared within k·ε·(|A|·|B|) (see `assert_product_close`);
# elementwise results and short trajectories within these.
RTOL = {"float64": 1e-10, "float32": 2e-5}
ATOL = {"float64": 1e-12, "float32": 2e-6}
TRAJECTORY_RTOL = {"float64": 1e-8, "float32": 2e-3}

PROCESSES = 2


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which makes processes of the number
def pytest_cmdline_main(config):
    """The whole default suite runs in two processes, unless `-n` says otherwise: in one it is too long."""
    options, whole = config.option, config.args_source is config.ArgsSource.TESTPATHS
    default = whole and options.markexpr == "not slow and not soak" and not hasattr(config, "workerinput")
    if default and getattr(options, "numprocesses", 0) is None and not options.usepdb:
        options.numprocesses = min(PROCESSES, usable_cpus())


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture(params=backends.NAMES)
def backend_name(request):
    if request.param not in backends.available():
        pytest.skip(f"backend {request.param} does not import here")
    return request.param


@pytest.fixture
def backend(backend_name):
    return backends.get(backend_name)[1]


@pytest.fixture
def generator():
    return np.random.default_rng(20261120)


@pytest.fixture
def blobs(generator):
    """Three well separated clouds of points in four dimensions."""
    y = generator.integers(0, 3, 240)
    return generator.normal(size=(240, 4)) + 3 * np.eye(4)[y], y


@pytest.fixture(scope="session")
def mnist_folder():
    folder = os.environ.get("FASTNN_DATA_DIR")
    if not folder or not os.path.exists(os.path.join(folder, "train-images-idx3-ubyte.gz")):
        pytest.skip("FASTNN_DATA_DIR does not point at a folder with the official MNIST files")
    return folder


@pytest.fixture(scope="session")
def mnist(mnist_folder):
    """((X_train, y_train), (X_test, y_test)) of the real files."""
    from fastnn import datasets

    return datasets.load("mnist", split="train"), datasets.load("mnist", split="test")
