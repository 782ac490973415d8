"""Make fastnn/datasets/digits.npz from scikit-learn's copy: python tests/datasets/make_digits.py PATH."""

import sys
from typing import Any

import numpy as np

from fastnn.datasets.preparation import split_indices

SOURCE = (
    "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (1998), UCI Machine Learning "
    "Repository, https://doi.org/10.24432/C50P49; the copy distributed by scikit-learn (load_digits)"
)
LICENCE = "Creative Commons Attribution 4.0 International (CC BY 4.0)"
CHANGES = "Grey levels 0..16 stretched to 0..255; split into 1437 training and 360 test rows"


def stretched(levels: Any) -> Any:
    """Turn grey levels 0..16 into uint8 0..255."""
    return np.round(np.asarray(levels) * 255 / 16).astype(np.uint8)


def main(path: str) -> None:
    """Write the file; the same bytes every time, with the same versions of NumPy and zlib."""
    from sklearn.datasets import load_digits

    data = load_digits()
    X, y = stretched(data.data), data.target.astype(np.uint8)
    train, test = split_indices(y, 360 / len(y), np.random.default_rng(0))
    np.savez_compressed(
        path,
        x_train=X[train],
        y_train=y[train],
        x_test=X[test],
        y_test=y[test],
        train_rows=train.astype(np.uint16),
        test_rows=test.astype(np.uint16),
        source=np.array(SOURCE),
        licence=np.array(LICENCE),
        changes=np.array(CHANGES),
    )


if __name__ == "__main__":
    main(sys.argv[1])
