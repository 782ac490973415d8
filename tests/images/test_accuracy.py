"""Digits that were drawn anew as larger, moved, inverted, framed and noisy pictures are still recognised."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="Pillow is not installed")


import fastnn
from fastnn import images
from tests.images.conftest import framed
from tests.images.pictures import rerendered

# Accuracy that drawing the digits anew may cost; in a small sample one more picture is chance.
WANTED, SAMPLE = 0.015, 120


def read_back(digits, model, folder, times=None):
    """What `images.digit` makes of each digit drawn anew and saved as PNG; row i is drawn with seed i."""
    path = folder / "digit.png"
    found = []
    for i, digit in enumerate(digits):
        random = np.random.default_rng(i)
        rerendered(digit, random, times and random.uniform(*times)).save(path, compress_level=1)
        found.append(images.digit(path, model).ravel())
    return np.stack(found)


def test_drawn_anew_for_784_features(digits, model_784, tmp_path):
    X, y = digits[0][:SAMPLE], digits[1][:SAMPLE]
    plain = model_784.score(np.stack([framed(digit) for digit in X]), y)
    drawn = model_784.score(read_back(X, model_784, tmp_path, times=(10, 28)), y)
    assert plain > 0.93
    assert drawn >= plain - WANTED - 1 / SAMPLE


def test_drawn_anew_for_64_features(digits, model_64, tmp_path):
    X, y = digits[0][:SAMPLE], digits[1][:SAMPLE]
    plain = model_64.score(X.reshape(-1, 64), y)
    drawn = model_64.score(read_back(X, model_64, tmp_path, times=(10, 28)), y)
    assert plain > 0.93
    assert drawn >= plain - WANTED - 1 / SAMPLE


def test_the_measure_can_fail(digits, model_784, tmp_path):
    """Digits that are wrongly framed, here upside down, are not recognised."""
    X, y = digits[0][:40], digits[1][:40]
    assert model_784.score(read_back(X[:, ::-1], model_784, tmp_path, times=(10, 28)), y) < 0.7


@pytest.fixture(scope="module")
def model_mnist(mnist):
    return fastnn.train(*mnist[0], epochs=10, seed=0)


@pytest.mark.slow
def test_all_of_mnist_drawn_anew(mnist, model_mnist, tmp_path):
    X, y = mnist[1]
    plain = model_mnist.score(X, y)
    drawn = model_mnist.score(read_back(X.reshape(-1, 28, 28), model_mnist, tmp_path), y)
    print(f"plain {plain:.4f}, drawn anew {drawn:.4f}")
    assert plain > 0.97
    assert drawn >= plain - WANTED


@pytest.mark.slow
def test_a_network_of_the_shipped_digits_reads_mnist_better_by_its_own_frame(mnist, model_64, tmp_path):
    """Other writers, other pens: not as good as on its own digits, but far better than shrunk to 8×8."""
    from PIL import Image

    X, y = mnist[1][0][:500].reshape(-1, 28, 28), mnist[1][1][:500]
    shrunk = [
        np.asarray(Image.fromarray(x[4:24, 4:24]).resize((8, 8), Image.Resampling.BOX)).ravel() for x in X
    ]
    assert model_64.score(read_back(X, model_64, tmp_path), y) > max(
        0.7, 0.1 + model_64.score(np.stack(shrunk), y)
    )
