"""Frames: MNIST's size and centre of mass, strokes of its width, and the 8×8 of the shipped digits."""

import numpy as np
import pytest

pytest.importorskip("PIL", reason="Pillow is not installed")


from fastnn.images.finding import find_ink
from fastnn.images.framing import as_mnist, as_optical, stroke_width, thickened, upright
from tests.images.pictures import enlarged


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (20, 20), (57, 31), (200, 400), (9, 480)])
def test_mnist_frame_has_the_size_and_the_centre(shape):
    image = as_mnist(np.random.default_rng(0).uniform(0.5, 1, shape))
    assert (image.shape, image.dtype) == ((28, 28), np.uint8)
    rows, columns = np.flatnonzero(image.max(axis=1)), np.flatnonzero(image.max(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    levels = image.astype(float)
    centre = levels.sum(axis=1) @ np.arange(28), levels.sum(axis=0) @ np.arange(28)
    np.testing.assert_allclose(np.array(centre) / levels.sum(), 14, atol=0.51)


def test_mass_far_from_the_middle_stays_inside():
    ink = np.full((40, 40), 0.01)
    ink[:, -8:] = 1
    assert np.flatnonzero(as_mnist(ink).max(axis=0)).tolist() == list(range(20))


def test_real_mnist_comes_back(mnist):
    """MNIST's own pictures, read as pictures, are nearly what they were."""
    differences = []
    for row in mnist[1][0][:60]:
        image = row.reshape(28, 28)
        differences.append(np.abs(as_mnist(find_ink(image / 255)).astype(int) - image).mean())
    assert np.mean(differences) < 6  # of 255; the mean level is 33


def test_thin_strokes_become_as_wide_as_most():
    ink = np.zeros((400, 300))
    ink[:3] = ink[:, -3:] = 1
    wide = thickened(ink)
    assert stroke_width(ink) * 20 / 400 < 0.3
    assert 1.9 < stroke_width(wide) * 20 / max(wide.shape) < 2.6
    assert as_mnist(ink).max() == 255


def test_ordinary_strokes_are_left_alone():
    ink = np.zeros((200, 150))
    ink[:20] = ink[:, -20:] = 1
    assert thickened(ink) is ink


def test_stroke_width_of_a_bar():
    assert stroke_width(np.ones((10, 200))) == pytest.approx(10 * 4 / np.pi, rel=0.06)


def test_optical_frame_comes_back(digits):
    differences = []
    for digit in digits[0][:40]:
        ink = find_ink(enlarged(digit, 16))
        differences.append(np.abs(as_optical(ink).astype(int) - digit).mean())
    assert (as_optical(ink).shape, as_optical(ink).dtype) == ((8, 8), np.uint8)
    assert np.mean(differences) < 30  # of 255; the mean level is 78


def test_slanted_strokes_stand_upright():
    slanted = np.zeros((100, 100))
    for row in range(100):
        slanted[row, 80 - row * 6 // 10 : 90 - row * 6 // 10] = 1
    straight = upright(slanted)
    assert straight.shape[1] < 0.2 * straight.shape[0]
    square = np.ones((64, 32))
    assert upright(square).shape == square.shape
    assert as_optical(slanted)[:, 2:6].min() > 150
