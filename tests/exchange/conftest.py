"""The tests here are of weights and graphs, not of kernels: all on the NumPy backend, which starts fast."""

import pytest


@pytest.fixture(autouse=True)
def _numpy_backend(monkeypatch):
    monkeypatch.setenv("FASTNN_BACKEND", "numpy")
