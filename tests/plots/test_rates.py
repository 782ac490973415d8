"""Schedules, and the learning-rate finder's curve."""

from pathlib import Path

import numpy as np
import pytest

image = pytest.importorskip("matplotlib.image")

from fastnn import plots, schedules
from fastnn.errors import InputError
from fastnn.learning_rate_finder import RangeTest
from fastnn.plots import style

from .legible import assert_legible, count, words


@pytest.mark.parametrize("name", ["step", "one_cycle"])
def test_schedules(tmp_path: Path, name: str) -> None:
    path = tmp_path / "schedule.png"
    figure = plots.plot_schedule(name, learning_rate=0.2, epochs=4, n_updates=5, path=path)
    assert_legible(figure)
    (axes,) = figure.axes
    x, y = axes.lines[0].get_data()
    # The last update's rate holds until training ends.
    np.testing.assert_allclose(x, np.arange(21) / 5)
    np.testing.assert_allclose(y[:-1], schedules.rates(name, 0.2, 4, 5))
    assert y[-1] == y[-2]
    assert image.imread(path).shape[:2] == (456, 720)


def test_a_schedule_object_is_drawn_too_and_an_unknown_one_is_refused() -> None:
    lines = plots.plot_schedule(schedules.Step(1, 0.5), epochs=2, n_updates=1).axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), [1, 0.5, 0.5])
    with pytest.raises(InputError, match="schedule='linear' is unknown"):
        plots.plot_schedule("linear")


def test_range_test(tmp_path: Path) -> None:
    rates = np.geomspace(1e-3, 1, 40)
    losses = np.r_[np.linspace(3, 1, 30), 2, 4, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]
    found = RangeTest(rates, losses, losses * 1.1, 0.05)
    figure = found.plot(tmp_path / "rates.png")
    pixels = assert_legible(figure)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert {"mini-batches", "smoothed", "suggestion (0.05)", "learning rate", "loss"} <= set(words(figure))
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), np.c_[rates, losses])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), losses * 1.1)
    assert list(axes.lines[2].get_xdata()) == [0.05, 0.05]
    assert count(pixels, style.BLUE) > 300
    assert count(pixels, style.ORANGE) > 100
    # What is beyond all bounds does not press the rest flat.
    low, high = axes.get_ylim()
    assert 0 < low < 1.1
    assert 3.3 < high < 6
    assert image.imread(tmp_path / "rates.png").shape[:2] == (456, 720)
