"""Models in and out: plain arrays, PyTorch, scikit-learn, ONNX. Each file imports its package when called."""

from fastnn.exchange.arrays import from_arrays
from fastnn.exchange.onnx_reader import from_onnx
from fastnn.exchange.scikit import from_sklearn
from fastnn.exchange.torch_modules import from_torch

__all__ = ["from_arrays", "from_onnx", "from_sklearn", "from_torch"]
