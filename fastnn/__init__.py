"""fastnn: multilayer perceptrons on a CPU, every equation as one line of NumPy and as a fast Numba kernel."""

from fastnn import callbacks, datasets, errors
from fastnn.errors import FastnnError
from fastnn.model_file import load
from fastnn.network import Network
from fastnn.training import train

__version__ = "0.1.0"

__all__ = ["FastnnError", "Network", "__version__", "callbacks", "datasets", "errors", "load", "train"]
