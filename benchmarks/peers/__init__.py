"""Peers: each file does the same training and the same predictions with one other library.

A peer module has NAME, PACKAGES (whose versions are recorded), and, as far as the library can do it,

    TRAINING_FORMS    ways to call it, dicts of keyword arguments; the fastest is what fastnn is compared with
    Training(task, **form)
        .prepare()            sets threads; called before every timing, outside of it
        .epoch(order)         trains on all rows in this order, one update a mini-batch; returns the mean loss
        .parameters()         [W1, b1, W2, b2, …] as fastnn shapes them
        .close()
    INFERENCE_FORMS
    Inference(task, **form)   .prepare(), .predict() -> probabilities of all rows of the task, .close()

Importing a peer's module imports the library, and fails where it is missing.
"""

import importlib
from types import ModuleType

MODULES = {
    "NumPy": "numpy_peer",
    "PyTorch": "torch_peer",
    "JAX": "jax_peer",
    "scikit-learn": "sklearn_peer",
    "ONNX Runtime": "onnx_peer",
}
PREDICT_ONLY = ("ONNX Runtime",)


def load(name: str) -> ModuleType:
    """The module of the peer called `name`; ImportError where its library is missing."""
    return importlib.import_module(f"benchmarks.peers.{MODULES[name]}")
