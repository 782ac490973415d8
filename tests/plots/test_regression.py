"""Residuals: points are the rows, lines are where predictions are exact."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from fastnn import plots
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.plots import style

from .legible import assert_legible, count, words


def regression(n_outputs: int) -> Network:
    """A model that predicts the first features as they are."""
    return Network([np.eye(6, n_outputs)], [np.zeros(n_outputs)], loss="squared_error", backend="numpy")


def data(n: int, n_outputs: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = generator.normal(size=(n, 6))
    return X, X[:, :n_outputs] * [1000.0, 1, 1e-3, 1, 1, 1][:n_outputs] + 0.3 * generator.normal(
        size=(n, n_outputs)
    )


def test_points_are_the_rows(generator: np.random.Generator) -> None:
    X, _ = data(50, 1, generator)
    y = X[:, 0] + 0.3 * generator.normal(size=50)
    figure = plots.residuals(regression(1), X, y)
    pixels = assert_legible(figure)
    left, right = figure.axes
    np.testing.assert_allclose(left.collections[0].get_offsets(), np.c_[y, X[:, 0]])
    np.testing.assert_allclose(right.collections[0].get_offsets(), np.c_[X[:, 0], y - X[:, 0]])
    ends = [min(y.min(), X[:, 0].min()), max(y.max(), X[:, 0].max())]
    np.testing.assert_allclose(left.lines[0].get_xydata(), np.c_[ends, ends])
    assert list(right.lines[0].get_ydata()) == [0, 0]
    r2 = 1 - np.sum((y - X[:, 0]) ** 2) / np.sum((y - y.mean()) ** 2)
    assert f"R² {r2:.3f}, mean |error| {np.abs(y - X[:, 0]).mean():.3g}" in words(figure)
    assert count(pixels, style.ORANGE) > 100


@pytest.mark.parametrize("n", [1, 3, 20_000])
def test_few_and_many_rows(n: int, generator: np.random.Generator) -> None:
    figure = plots.residuals(regression(1), *data(n, 1, generator))
    assert_legible(figure)
    assert ("R²" in " ".join(words(figure))) == (n > 1)


def test_several_outputs(generator: np.random.Generator) -> None:
    X, y = data(40, 3, generator)
    figure = plots.residuals(regression(3), X, y)
    assert_legible(figure)
    assert len(figure.axes) == 6
    np.testing.assert_allclose(figure.axes[4].collections[0].get_offsets(), np.c_[y[:, 2], X[:, 2]])
    figure = plots.residuals(regression(3), X, y, output=1)
    assert [axes.get_title(loc="left")[:9] for axes in figure.axes] == ["output 1:", "residuals"]


def test_what_cannot_be_drawn_is_refused(generator: np.random.Generator) -> None:
    X, y = data(10, 6, generator)
    with pytest.raises(InputError, match="6 outputs, too many for a picture; say which, such as output=0"):
        plots.residuals(regression(6), X, y)
    with pytest.raises(InputError, match="output=6 must be below 6"):
        plots.residuals(regression(6), X, y, output=6)
    classifier = Network([np.eye(6, 2)], [np.zeros(2)], backend="numpy")
    with pytest.raises(
        InputError, match="needs a regression; this model is a classifier, use confusion_matrix"
    ):
        plots.residuals(classifier, X, [0] * 10)


@pytest.mark.parametrize("size", [1e-12, 1e5, 3e6, 1e12])
def test_numbers_of_any_size(size: float, generator: np.random.Generator) -> None:
    X = generator.normal(size=(30, 6)) * size
    assert_legible(plots.residuals(regression(1), X, X[:, 0] + size * generator.normal(size=30)))
