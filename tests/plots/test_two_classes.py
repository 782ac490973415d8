"""ROC and calibration: their points against scikit-learn and by hand, and what is drawn of them."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from fastnn import plots
from fastnn.errors import InputError
from fastnn.plots import style
from fastnn.plots.two_classes import calibration_points, roc_points, wilson_interval

from .legible import assert_legible, count, words
from .models import reading, rows_for

NAMES = np.array(["bad", "good"])


def rows(
    n: int, generator: np.random.Generator, digits: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(X, y as 0 and 1, probability of 1): well calibrated, with ties."""
    probabilities = generator.random(n).round(digits).clip(0.01, 0.99)
    y = (generator.random(n) < probabilities).astype(int)
    return rows_for(np.c_[1 - probabilities, probabilities]), y, probabilities


def test_roc_points_are_scikit_learns(generator: np.random.Generator) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    _, y, probabilities = rows(200, generator, digits=1)
    false, true = roc_points(y == 1, probabilities)
    expected = metrics.roc_curve(y, probabilities, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])


def test_calibration_points_are_scikit_learns(generator: np.random.Generator) -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    _, y, _ = rows(300, generator)
    # None on an edge of the bins, where scikit-learn's belong to the bin below.
    probabilities = generator.random(300) ** 2
    counts, means, shares = calibration_points(y == 1, probabilities)
    expected_shares, expected_means = calibration.calibration_curve(y, probabilities, n_bins=10)
    np.testing.assert_allclose(means, expected_means)
    np.testing.assert_allclose(shares, expected_shares)
    assert counts.sum() == 300


def test_bins_without_rows_are_left_out_and_1_is_in_the_last() -> None:
    counts, means, shares = calibration_points(np.array([False, True, True]), np.array([0.05, 0.95, 1.0]))
    assert counts.tolist() == [1, 2]
    np.testing.assert_allclose(means, [0.05, 0.975])
    np.testing.assert_allclose(shares, [0, 1])


def test_wilson_interval_by_hand() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
    low, high = wilson_interval(np.array([81 / 263, 15 / 148, 0.0]), np.array([263, 148, 20]))
    np.testing.assert_allclose(low, [0.2553, 0.0624, 0.0], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1605, 0.1611], atol=5e-5)


def test_roc_is_drawn(generator: np.random.Generator) -> None:
    X, y, probabilities = rows(200, generator)
    figure = plots.roc(reading(2, classes=NAMES), X, NAMES[y])
    pixels = assert_legible(figure)
    curve, chance, half = figure.axes[0].lines
    false, true = roc_points(y == 1, probabilities)
    np.testing.assert_allclose(curve.get_xydata(), np.c_[false, true])
    assert chance.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert chance.get_linestyle() != curve.get_linestyle()
    over = probabilities > 0.5
    np.testing.assert_allclose(half.get_xydata(), [[over[y == 0].mean(), over[y == 1].mean()]])
    assert count(pixels, style.BLUE) > 300
    assert count(pixels, style.ORANGE) > 30
    pairs = probabilities[y == 1][:, None] - probabilities[y == 0]
    area = np.mean((pairs > 1e-12) + 0.5 * (abs(pairs) <= 1e-12))
    assert f"ROC of good: area {area:.4f}" in words(figure)


def test_calibration_is_drawn(generator: np.random.Generator) -> None:
    X, y, probabilities = rows(400, generator)
    figure = plots.calibration(reading(2, classes=NAMES), X, NAMES[y])
    assert_legible(figure)
    upper, lower = figure.axes
    counts, means, shares = calibration_points(y == 1, probabilities)
    points = upper.lines[0]
    np.testing.assert_allclose(points.get_xydata(), np.c_[means, shares])
    (bars,) = upper.collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, np.c_[wilson_interval(shares, counts)])
    assert sum(patch.get_height() for patch in lower.patches) == 400
    assert "share that is good" in words(figure)


def test_a_class_of_many_can_be_set_against_the_rest() -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]])
    names = np.array(["ant", "bee", "cat"])
    model, X, y = reading(3, classes=names), rows_for(shares), names[[0, 1, 2, 1]]
    figure = plots.roc(model, X, y, positive="bee")
    assert "ROC of bee: area 1.0000" in words(figure)
    assert_legible(plots.calibration(model, X, y, positive="cat"))
    with pytest.raises(
        InputError, match=r"has 3 classes: say which by positive= \(--positive\), such as 'ant'"
    ):
        plots.roc(model, X, y)
    with pytest.raises(InputError, match="positive='dog' is none of the model's classes; it knows 'ant'"):
        plots.roc(model, X, y, positive="dog")


def test_labels_of_their_own(generator: np.random.Generator) -> None:
    X = generator.normal(size=(60, 16))
    y = (X[:, :3] + generator.normal(size=(60, 3)) > 0).astype(int)
    model = reading(3, loss="binary_cross_entropy")
    assert "ROC of 2" in " ".join(words(plots.roc(model, X, y, positive=2)))
    with pytest.raises(InputError, match="has 3 labels: say which"):
        plots.calibration(model, X, y)
    alone = reading(1, loss="binary_cross_entropy")
    assert_legible(plots.roc(alone, X, y[:, 0]))


@pytest.mark.parametrize("draw", [plots.roc, plots.calibration])
def test_what_cannot_be_drawn_is_refused(draw: object) -> None:
    X = rows_for(np.array([[0.4, 0.6]] * 3))
    with pytest.raises(InputError, match="needs rows of 1 and others; y holds no row of it"):
        draw(reading(2), X, [0, 0, 0])  # type: ignore[operator]
    with pytest.raises(InputError, match="y holds nothing but it"):
        draw(reading(2), X, [1, 1, 1])  # type: ignore[operator]
    with pytest.raises(InputError, match="is a regression, use residuals"):
        draw(reading(2, loss="huber"), X, np.zeros((3, 2)))  # type: ignore[operator]


def test_few_and_many_rows(generator: np.random.Generator) -> None:
    for n in (8, 20_000):
        X, y, _ = rows(n, generator)
        assert_legible(plots.roc(reading(2), X, y))
        assert_legible(plots.calibration(reading(2), X, y))
