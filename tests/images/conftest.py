"""Digits, and networks that know them, which the tests of pictures share."""

import numpy as np
import pytest

import fastnn
from fastnn.images.framing import as_mnist


@pytest.fixture(scope="session")
def digits():
    """The shipped digits' test part: (360, 8, 8) uint8, labels."""
    X, y = fastnn.datasets.load("digits", split="test")
    return X.reshape(-1, 8, 8), y


def cropped(ink):
    """`ink` without its empty margins."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def framed(digit):
    """A digit of 8×8 in MNIST's frame."""
    from tests.images.pictures import enlarged  # imports Pillow, without which tests are skipped, not this

    return as_mnist(cropped(enlarged(digit, 8)))


@pytest.fixture(scope="session")
def model_64():
    """A network of the shipped digits as they are."""
    return fastnn.train(*fastnn.datasets.load("digits"), seed=0)


@pytest.fixture(scope="session")
def model_784():
    """A network of the shipped digits in MNIST's frame."""
    X, y = fastnn.datasets.load("digits")
    return fastnn.train(np.stack([framed(digit.reshape(8, 8)) for digit in X]), y, epochs=15, seed=0)
