"""The digits data set: 1,797 real handwritten digits of 8×8 grey levels, shipped inside the package.

Source   E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits" (1998), UCI Machine
         Learning Repository, https://doi.org/10.24432/C50P49, its test set, in the copy that
         scikit-learn distributes (sklearn.datasets.load_digits); written by 13 people
Licence  Creative Commons Attribution 4.0 International (CC BY 4.0)
Changes  The grey levels 0..16 are stretched to 0..255, round(v · 255 / 16), so that the rule "uint8 is
         scaled by 1/255" holds here too. 360 of the rows, drawn once by class with a fixed seed, are the
         test part. digits.npz also keeps each row's number in the original (train_rows, test_rows);
         tests/datasets/make_digits.py made it, and a test compares it with scikit-learn's copy.
"""

from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_digits(split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one part of the digits.

    Shapes   X (n, 64) uint8 0..255, rows of the image first; y (n,) int64 0..9;
             n = 1437 for "train", 360 for "test"
    """
    with (
        resources.files("fastnn.datasets").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as data,
    ):
        X: NDArray[Any] = data[f"x_{split}"]
        return X, data[f"y_{split}"].astype(np.int64)
