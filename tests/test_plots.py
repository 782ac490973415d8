"""Pictures: what they contain, that they are real PNGs, and that pyplot is left alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnn import plots, schedules
from fastnn.errors import InputError, MissingDependencyError
from fastnn.history import History
from fastnn.learning_rate_finder import RangeTest

image = pytest.importorskip("matplotlib.image")


def history(n_epochs: int = 4, validation: bool = True, accuracy: bool = True) -> History:
    record = History()
    for epoch in range(1, n_epochs + 1):
        values = {"loss": 1 / epoch, "seconds": 0.1}
        if accuracy:
            values["accuracy"] = 1 - 0.5 / epoch
        if validation:
            values["validation_loss"] = 1.5 / epoch + 0.1 * (epoch > 3)
            if accuracy:
                values["validation_accuracy"] = [0.5, 0.8, 0.9, 0.7][epoch - 1]
        record.record(**values)
    return record


def legend(axes: object) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[attr-defined]


def test_history_of_a_classifier(tmp_path: Path) -> None:
    figure = plots.plot_history(history(), tmp_path / "curves.png")
    loss, accuracy = figure.axes
    assert legend(loss) == ["training", "validation", "best epoch (3)"]
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [1, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_allclose(accuracy.lines[1].get_ydata(), [50, 80, 90, 70])
    pixels = image.imread(tmp_path / "curves.png")
    assert pixels.shape[:2] == (456, 1248)
    assert pixels[..., :3].std() > 0.05


def test_best_epoch_of_early_stopping_wins() -> None:
    record = history()
    record.best_epoch = 2
    assert legend(plots.plot_history(record).axes[0])[-1] == "best epoch (2)"


def test_regression_and_training_without_validation() -> None:
    (loss,) = plots.plot_history(history(accuracy=False)).axes
    assert legend(loss)[-1] == "best epoch (4)"
    (loss,) = plots.plot_history(history(accuracy=False, validation=False)).axes
    assert legend(loss) == ["training"]


def test_one_epoch_is_a_point() -> None:
    assert plots.plot_history(history(1)).axes[0].lines[0].get_marker() == "o"


def test_empty_history_is_refused() -> None:
    with pytest.raises(InputError, match="history is empty"):
        plots.plot_history(History())


@pytest.mark.parametrize("name", schedules.BY_NAME)
def test_schedules(tmp_path: Path, name: str) -> None:
    path = tmp_path / "schedule.png"
    figure = plots.plot_schedule(name, learning_rate=0.2, epochs=4, n_updates=5, path=path)
    (axes,) = figure.axes
    x, y = axes.lines[0].get_data()
    # The last update's rate holds until training ends.
    np.testing.assert_allclose(x, np.arange(21) / 5)
    np.testing.assert_allclose(y[:-1], schedules.rates(name, 0.2, 4, 5))
    assert y[-1] == y[-2]
    assert image.imread(path).shape[:2] == (456, 624)


def test_a_schedule_object_is_drawn_too_and_an_unknown_one_is_refused() -> None:
    lines = plots.plot_schedule(schedules.Step(1, 0.5), epochs=2, n_updates=1).axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), [1, 0.5, 0.5])
    with pytest.raises(InputError, match="schedule='linear' is unknown"):
        plots.plot_schedule("linear")


def test_range_test(tmp_path: Path) -> None:
    rates = np.geomspace(1e-3, 1, 40)
    losses = np.r_[np.linspace(3, 1, 30), 2, 4, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]
    found = RangeTest(rates, losses, losses * 1.1, 0.05)
    (axes,) = found.plot(tmp_path / "rates.png").axes
    assert axes.get_xscale() == "log"
    assert legend(axes) == ["mini-batches", "smoothed", "suggestion (0.05)"]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), np.c_[rates, losses])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), losses * 1.1)
    assert list(axes.lines[2].get_xdata()) == [0.05, 0.05]
    # What is beyond all bounds does not press the rest flat.
    low, high = axes.get_ylim()
    assert 0 < low < 1.1
    assert 3.3 < high < 6
    assert image.imread(tmp_path / "rates.png").shape[:2] == (456, 624)


def test_samples(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 8, 8)).astype(np.uint8)
    wrong = np.arange(7) == 3
    figure = plots.plot_samples(images, [f"${i}" for i in range(7)], wrong=wrong, path=tmp_path / "s.png")
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in drawn] == [f"${i}" for i in range(7)]
    assert [axes.title.get_color() == plots.RED for axes in drawn] == wrong.tolist()
    np.testing.assert_array_equal(drawn[2].images[0].get_array(), images[2])
    assert drawn[0].images[0].get_clim() == (0, 255)
    assert image.imread(tmp_path / "s.png").shape[:2] == (528, 1020)


def test_float_samples_span_their_values() -> None:
    figure = plots.plot_samples(np.linspace(-1, 3, 8).reshape(2, 2, 2), ["a", "b"])
    assert [axes.images[0].get_clim() for axes in figure.axes] == [(-1, 3)] * 2


@pytest.mark.parametrize(
    ("images", "titles", "message"),
    [
        (np.zeros((2, 4)), ["a", "b"], "must be"),
        (np.zeros((0, 2, 2)), [], "must be"),
        (np.zeros((2, 2, 2)), ["a"], "1 entries for 2"),
    ],
)
def test_wrong_samples(images: np.ndarray, titles: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.plot_samples(images, titles)


@pytest.mark.parametrize("suffix", plots.FORMATS)
def test_every_format_is_written(tmp_path: Path, suffix: str) -> None:
    plots.plot_history(history(), tmp_path / f"c{suffix}")
    assert (tmp_path / f"c{suffix}").stat().st_size > 1000


def test_pyplot_is_not_touched() -> None:
    code = (
        "import sys, numpy as np\nfrom fastnn import plots\nassert 'matplotlib' not in sys.modules\n"
        "plots.plot_samples(np.zeros((1, 2, 2)), ['a'])\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(plots.__file__).parents[1])


def test_missing_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "fastnn\[plot\]"') as caught:
        plots.plot_history(history())
    assert "\n" not in str(caught.value)
