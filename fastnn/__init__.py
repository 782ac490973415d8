"""fastnn: multilayer perceptrons on a CPU, every equation as one line of NumPy and as a fast Numba kernel."""

from fastnn import callbacks, datasets, errors, images, metrics, optimizers, schedules
from fastnn.errors import FastnnError
from fastnn.exchange import from_arrays, from_onnx, from_sklearn, from_torch
from fastnn.learning_rate_finder import find_learning_rate
from fastnn.many import folds, grid, train_many
from fastnn.model_file import load
from fastnn.network import Network
from fastnn.training import train

__version__ = "0.1.0"

__all__ = [
    "FastnnError",
    "Network",
    "__version__",
    "callbacks",
    "datasets",
    "errors",
    "find_learning_rate",
    "folds",
    "from_arrays",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "grid",
    "images",
    "load",
    "metrics",
    "optimizers",
    "schedules",
    "train",
    "train_many",
]
