"""Data sets by name (digits, mnist, fashion-mnist) or path, and preparing them for training."""

from fastnn.datasets.loading import feature_names, load, load_features, names, splits
from fastnn.datasets.preparation import one_hot, split

__all__ = ["feature_names", "load", "load_features", "names", "one_hot", "split", "splits"]
