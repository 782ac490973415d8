"""Learning curves: the lines are the history, the best epoch is marked, and everything can be read."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import fastnn
from fastnn import plots
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.plots import style

from .legible import assert_legible, count, words
from .models import history


def legend(figure: object) -> list[str]:
    (found,) = figure.legends  # type: ignore[attr-defined]
    return [text.get_text() for text in found.get_texts()]


def titles(figure: object) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]  # type: ignore[attr-defined]


def test_history_of_a_classifier() -> None:
    record = history()
    figure = plots.learning_curves(record)
    pixels = assert_legible(figure)
    assert titles(figure) == ["loss", "accuracy (%)"]
    assert legend(figure) == ["training", "validation", "best epoch (3)"]
    loss, accuracy = figure.axes
    for axes, name, factor in ((loss, "loss", 1), (accuracy, "accuracy", 100)):
        training, validation, best = axes.lines
        np.testing.assert_allclose(training.get_xydata(), np.c_[1:5, factor * np.array(record[name])])
        np.testing.assert_allclose(validation.get_ydata(), factor * np.array(record[f"validation_{name}"]))
        assert list(best.get_xdata()) == [3, 3]
        assert (training.get_color(), validation.get_color()) == (style.BLUE, style.ORANGE)
        # For eyes and printers without colour.
        assert training.get_linestyle() != validation.get_linestyle()
        assert training.get_marker() != validation.get_marker()
    assert count(pixels, style.BLUE) > 300
    assert count(pixels, style.ORANGE) > 300


def test_a_trained_model_and_its_file(tmp_path: Path) -> None:
    X, y = fastnn.datasets.load("digits", split="test")
    options = {"hidden": (4,), "epochs": 3, "validation": 0.2, "seed": 0, "backend": "numpy"}
    model = fastnn.train(X, y, schedule="cosine", metrics=("f1", "log_loss"), **options)
    figure = plots.learning_curves(model)
    assert_legible(figure)
    assert titles(figure) == ["loss", "accuracy (%)", "F1", "log loss", "learning rate"]
    for axes, name in zip(
        figure.axes[2:], ["validation_f1", "validation_log_loss", "learning_rate"], strict=True
    ):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), model.history[name])
    model.save(tmp_path / "m.safetensors")
    again = plots.learning_curves(fastnn.load(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(assert_legible(again), assert_legible(plots.learning_curves(model)))


def test_a_learning_rate_that_does_not_change_is_a_line_of_text() -> None:
    figure = plots.learning_curves(history(learning_rate=[0.05] * 4))
    assert_legible(figure)
    assert titles(figure) == ["loss", "accuracy (%)"]
    assert "learning rate 0.05 throughout" in words(figure)


def test_a_learning_rate_that_changes_is_drawn_below() -> None:
    figure = plots.learning_curves(history(learning_rate=[0.4, 0.3, 0.2, 0.1]))
    assert_legible(figure)
    *_, rates = figure.axes
    np.testing.assert_allclose(rates.lines[0].get_xydata(), np.c_[1:5, [0.4, 0.3, 0.2, 0.1]])
    assert "throughout" not in " ".join(words(figure))
    # A low strip over the whole width.
    loss, accuracy = figure.axes[0].get_position(), figure.axes[1].get_position()
    place = rates.get_position()
    assert place.y1 < loss.y0
    assert place.height < 0.7 * loss.height
    assert place.x0 < loss.x0 + 0.1
    assert place.x1 > accuracy.x1 - 0.1


def test_best_epoch_of_early_stopping_wins() -> None:
    record = history()
    record.best_epoch = 2
    assert legend(plots.learning_curves(record))[-1] == "best epoch (2)"


def test_regression_and_training_without_validation() -> None:
    figure = plots.learning_curves(history(accuracy=False))
    assert titles(figure) == ["loss"]
    assert legend(figure)[-1] == "best epoch (3)"
    figure = plots.learning_curves(history(accuracy=False, validation=False))
    assert legend(figure) == ["training"]
    assert_legible(figure)


def test_epochs_of_a_thinned_history_keep_their_numbers() -> None:
    record = History()
    record.carry_on({"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 1.0, 2.0]}, None, [1, 500, 1000])
    figure = plots.learning_curves(record)
    assert_legible(figure)
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 500, 1000]
    assert legend(figure)[-1] == "best epoch (500)"


@pytest.mark.parametrize("n_epochs", [1, 2, 13, 500])
def test_any_number_of_epochs(n_epochs: int) -> None:
    rates = np.geomspace(0.1, 1e-4, n_epochs).tolist()
    figure = plots.learning_curves(history(n_epochs, learning_rate=rates, validation_r2=rates))
    assert_legible(figure)
    line = figure.axes[0].lines[0]
    assert len(line.get_xdata()) == n_epochs
    assert line.get_marker() == ("o" if n_epochs <= 12 else "None")
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert all(tick == int(tick) for tick in ticks)
        assert len(ticks) >= min(n_epochs, 2)


def test_wide_spans_get_a_logarithmic_scale() -> None:
    record = history(
        validation=False, validation_r2=[0.1, 5.0, 9.0, 10.0], validation_max_error=[1e-3, 1, 2, 3]
    )
    figure = plots.learning_curves(record)
    assert_legible(figure)
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "linear", "linear", "log"]


def test_values_that_are_no_numbers_leave_gaps() -> None:
    inf, nan = float("inf"), float("nan")
    record = history(validation=False, validation_loss=[2.0, nan, 1.0, inf], validation_mine=[nan] * 4)
    figure = plots.learning_curves(record)
    assert_legible(figure)
    assert titles(figure) == ["loss", "accuracy (%)"]
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(), [2, nan, 1, nan])
    assert legend(figure)[-1] == "best epoch (3)"


def test_many_metrics_of_long_names() -> None:
    names = [f"validation_a_metric_of_a_rather_long_name_{letter}" for letter in "abcde"]
    figure = plots.learning_curves(history(**{name: [1.0, 2, 3, 4] for name in names}))
    assert_legible(figure)
    assert len(figure.axes) == 7


def test_the_old_name_still_writes_a_file(tmp_path: Path) -> None:
    figure = plots.plot_history(history(), tmp_path / "curves.png")
    assert titles(figure) == ["loss", "accuracy (%)"]
    assert (tmp_path / "curves.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (History(), "history is empty"),
        ({"loss": [1.0]}, "is dict; pass a model or its .history"),
        (None, "is NoneType"),
    ],
)
def test_what_has_no_curves_is_refused(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.learning_curves(given)  # type: ignore[arg-type]


def test_a_history_without_numbers_is_refused() -> None:
    record = History()
    record.record(loss=float("nan"), seconds=1.0)
    with pytest.raises(InputError, match="no numbers to draw: it has loss, seconds"):
        plots.learning_curves(record)


@pytest.mark.parametrize("size", [1e-12, 3e6])
def test_losses_of_any_size(size: float) -> None:
    record = history(accuracy=False, learning_rate=[size, size / 2, size / 3, size / 4])
    record.carry_on({name: [size * value for value in column] for name, column in record.items()}, None)
    assert_legible(plots.learning_curves(record))
