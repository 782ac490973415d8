"""A folder with the four files of MNIST, by their official names: which are there, and reading a pair."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets.idx import read_idx
from fastnn.datasets.values import as_features, as_labels
from fastnn.errors import DataError

# split -> (images, labels), without the ".gz"
STEMS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def spellings(stem: str) -> tuple[str, ...]:
    """List the names under which an official file circulates: gzipped, plain, and with Kaggle's dot."""
    return f"{stem}.gz", stem, stem.replace("-idx", ".idx")


def find_pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Map each split whose two files lie in `folder` to (images, labels).

    Errors   DataError when neither split is complete
    """
    pairs = {}
    for split, (images, labels) in STEMS.items():
        found = _find(folder, images), _find(folder, labels)
        if found[0] and found[1]:
            pairs[split] = (found[0], found[1])
    if not pairs:
        wanted = " and ".join(STEMS["train"])
        raise DataError(f"{folder}: a folder of IDX files must hold {wanted} (gzipped or not)")
    return pairs


def read_pair(
    images: Path, labels: Path, pixels: bool | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Read images and their labels.

    Shapes   images (n, height, width) or any (n, …) -> X (n, product); labels (n,) -> y (n,) int64
    Errors   DataError when either file is unsound or their lengths differ
    """
    X = as_features(read_idx(images), pixels, images)
    y = as_labels(read_idx(labels), labels)
    if len(X) != len(y):
        raise DataError(f"{labels}: holds {len(y)} labels for the {len(X)} images of {images.name}")
    return X, y


def _find(folder: Path, stem: str) -> Path | None:
    return next((folder / name for name in spellings(stem) if (folder / name).is_file()), None)
