"""Data sets by name (digits, mnist, fashion-mnist) or path, and preparing them for training."""

from fastnn.datasets.loading import load, load_features, names, splits
from fastnn.datasets.preparation import one_hot, split

__all__ = ["load", "load_features", "names", "one_hot", "split", "splits"]
