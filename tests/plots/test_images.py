"""Samples, mistakes and weights as images: which, how many, what stands beside them."""

from pathlib import Path

import numpy as np
import pytest

image = pytest.importorskip("matplotlib.image")

import fastnn
from fastnn import plots
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.plots import style

from .legible import assert_legible, count, words
from .models import confident, reading

LONG = np.array(["ankle boot of leather", "$sneaker$", "W" * 30, "dress\nlong", "coat"])


def images(figure: object) -> list[np.ndarray]:
    """The images without the key to their colours, which is one row of pixels."""
    return [array for image in figure.axes[0].images if len(array := np.asarray(image.get_array())) > 1]  # type: ignore[attr-defined]


def bars(figure: object) -> list[tuple[float, str]]:
    """Shares and colours of all bars, each of which stands before a pale one."""
    from matplotlib.colors import to_hex

    areas = [patch for patch in figure.axes[0].patches if patch.get_facecolor()[3]]  # type: ignore[attr-defined]
    return [
        (bar.get_width() / pale.get_width(), to_hex(bar.get_facecolor()).upper())
        for pale, bar in zip(areas[::2], areas[1::2], strict=True)
    ]


# ---- samples ----------------------------------------------------------------------------------------------


def test_samples_are_rows_equally_far_apart_with_their_probabilities() -> None:
    X = confident([i % 4 for i in range(23)], [0.7] * 23, 4)
    X[:, 15] = np.arange(23)
    figure = plots.sample_predictions(reading(4), X, [i % 4 for i in range(23)])
    pixels = assert_legible(figure)
    drawn = images(figure)
    assert [pixel[3, 3] for pixel in drawn] == list(range(0, 24, 2))
    np.testing.assert_array_equal(drawn[1], X[2].reshape(4, 4))
    lengths, colours = zip(*bars(figure), strict=True)
    np.testing.assert_allclose(lengths, [0.7, 0.1, 0.1] * 12)
    assert list(colours) == [style.BLUE, style.GREY, style.GREY] * 12
    seen = words(figure)
    assert seen.count("70 %") == 12
    assert [word for word in seen if word.startswith("true")] == [f"true {i % 4}" for i in range(0, 24, 2)]
    assert count(pixels, style.BLUE) > 1000


def test_a_wrong_prediction_is_orange_and_the_truth_is_always_there() -> None:
    X = confident([0, 4], [0.6, 0.8], 5)
    figure = plots.sample_predictions(reading(5), X, [4, 4])
    pixels = assert_legible(figure)
    # The true class is the last of four equal ones, and takes the third place.
    assert bars(figure)[:4] == [
        (pytest.approx(0.6), style.ORANGE),
        (pytest.approx(0.1), style.GREY),
        (pytest.approx(0.1), style.BLUE),
        (pytest.approx(0.8), style.BLUE),
    ]
    titles = [text for text in figure.axes[0].texts if text.get_text() == "true 4"]
    assert [text.get_weight() for text in titles] == ["bold", "normal"]
    assert [text.get_color() for text in titles] == [style.ORANGE, style.INK]
    assert count(pixels, style.ORANGE) > 300


def test_without_labels_nothing_is_called_wrong() -> None:
    figure = plots.sample_predictions(reading(3), confident([2, 1], [0.6, 0.8], 3))
    assert_legible(figure)
    assert [colour for _, colour in bars(figure)] == [style.BLUE, style.GREY, style.GREY] * 2
    assert not [word for word in words(figure) if word.startswith("true") or "orange" in word]


def test_two_classes_have_two_bars_each() -> None:
    figure = plots.sample_predictions(reading(2), confident([0, 1], [0.6, 0.8], 2), [0, 0])
    assert_legible(figure)
    assert [length for length, _ in bars(figure)] == pytest.approx([0.6, 0.4, 0.8, 0.2])


@pytest.mark.parametrize("count", [1, 3, 5, 24])
def test_any_number_of_long_names(count: int) -> None:
    model = reading(5, classes=LONG)
    X = confident([i % 5 for i in range(200)], [0.9] * 200, 5)
    figure = plots.sample_predictions(model, X, LONG[np.arange(200) // 2 % 5], count)
    assert_legible(figure)
    assert len(images(figure)) == count


def test_pixels_are_dark_on_white_and_images_keep_their_shape() -> None:
    X = np.zeros((2, 3, 8), np.uint8)
    X[1, 1, 2] = 255
    model = reading(2, n_features=24, input_scale=1 / 255)
    figure = plots.sample_predictions(model, X, count=2)
    np.testing.assert_array_equal(images(figure), X)
    first = figure.axes[0].images[0]
    assert first.get_clim() == (0, 255)
    np.testing.assert_allclose(first.to_rgba(np.array([0, 255]))[:, :3], [[1, 1, 1], [0, 0, 0]])
    flat = plots.sample_predictions(model, X.reshape(2, 24), count=2, shape=(4, 6))
    assert images(flat)[0].shape == (4, 6)


# ---- mistakes ---------------------------------------------------------------------------------------------


def test_mistakes_come_by_certainty() -> None:
    certainty = [0.9, 0.5, 0.95, 0.6, 0.99, 0.7]
    predicted, true = [0, 1, 2, 0, 1, 2], [1, 1, 0, 2, 1, 1]
    X = confident(predicted, certainty, 3)
    figure = plots.confident_mistakes(reading(3), X, true, 3)
    pixels = assert_legible(figure)
    np.testing.assert_array_equal(images(figure), X[[2, 0, 5]].reshape(3, 4, 4))
    seen = words(figure)
    assert [word for word in seen if word.startswith("row")] == [
        "row 2, true 0",
        "row 0, true 1",
        "row 5, true 1",
    ]
    assert "The 3 most certain of 4 mistakes in 6 rows (counted from 0)." in " ".join(seen)
    assert bars(figure)[::3] == [(pytest.approx(value), style.ORANGE) for value in (0.95, 0.9, 0.7)]
    assert count(pixels, style.ORANGE) > 500


def test_a_single_mistake_and_none_at_all() -> None:
    X = confident([0, 1, 2], [0.9] * 3, 3)
    figure = plots.confident_mistakes(reading(3), X, [0, 1, 1])
    assert_legible(figure)
    assert "The only mistake in 3 rows (counted from 0)." in " ".join(words(figure))
    assert len(images(figure)) == 1
    figure = plots.confident_mistakes(reading(3), X, [0, 1, 2])
    assert_legible(figure)
    assert words(figure) == ["No mistakes: all 3 rows are classified correctly."]
    assert images(figure) == []


def test_all_mistakes_fit() -> None:
    figure = plots.confident_mistakes(
        reading(5, classes=LONG), confident([0] * 7, [0.9] * 7, 5), LONG[[4] * 7]
    )
    assert_legible(figure)
    assert "All 7 mistakes in 7 rows (counted from 0)." in " ".join(words(figure))


# ---- weights ----------------------------------------------------------------------------------------------


def test_weights_are_those_of_the_longest_units(generator: np.random.Generator) -> None:
    W = generator.normal(size=(24, 40)) * np.linspace(0.1, 2, 40)
    model = Network([W, generator.normal(size=(40, 3))], [np.zeros(40), np.zeros(3)], backend="numpy")
    figure = plots.first_layer(model, 10, shape=(4, 6))
    pixels = assert_legible(figure)
    order = np.argsort(-np.linalg.norm(W, axis=0))[:10]
    drawn = images(figure)
    np.testing.assert_array_equal(drawn, W[:, order].T.reshape(10, 4, 6))
    seen = words(figure)
    assert [word for word in seen if word.startswith("unit")] == [f"unit {unit}" for unit in order]
    assert "Weights into 10 of the 40 units of the first layer, the longest first." in seen
    limits = {image.get_clim() for image in figure.axes[0].images}
    most = np.percentile(np.abs(drawn), 99.5)
    assert limits == {(-most, most)}
    mapped = figure.axes[0].images[0].to_rgba(np.array([-most, 0, most]))
    np.testing.assert_allclose(mapped[1, :3], 1, atol=0.01)
    assert mapped[0, 0] > mapped[0, 2]  # orange below 0
    assert mapped[2, 2] > mapped[2, 0]  # blue above
    assert count(pixels, style.BLUE) > 0


def test_a_network_without_hidden_layers_has_a_unit_for_each_class() -> None:
    figure = plots.first_layer(reading(5, classes=LONG))
    assert_legible(figure)
    seen = words(figure)
    assert "Weights into each output." in seen
    assert {"$sneaker$", "dress long", "coat"} <= set(seen)
    regression = reading(2, loss="squared_error")
    assert {"output 0", "output 1"} <= set(words(plots.first_layer(regression)))


@pytest.mark.parametrize("units", [1, 2, 7, 30])
def test_any_number_of_units(units: int, generator: np.random.Generator) -> None:
    W = generator.normal(size=(64, units))
    model = Network([W, np.ones((units, 2))], [np.zeros(units), np.zeros(2)], backend="numpy")
    figure = plots.first_layer(model, 100)
    assert_legible(figure)
    assert len(images(figure)) == units


def test_weights_that_are_all_zero() -> None:
    model = Network([np.zeros((16, 2))], [np.zeros(2)], backend="numpy")
    assert_legible(plots.first_layer(model))


# ---- what is refused --------------------------------------------------------------------------------------


def test_tables_are_no_images() -> None:
    for n_features in (4, 30, 9):
        model = reading(2, n_features=n_features)
        X = np.zeros((3, n_features))
        for draw in (
            lambda: plots.sample_predictions(model, X),  # noqa: B023
            lambda: plots.confident_mistakes(model, X, [1, 1, 1]),  # noqa: B023
            lambda: plots.first_layer(model),  # noqa: B023
        ):
            with pytest.raises(InputError, match=f"{n_features} features are not a square image"):
                draw()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count=0 must be a whole number"),
        ({"count": 101}, "count=101 is more than a picture can show; use up to 100"),
        ({"shape": (4, 5)}, r"shape=\(4, 5\) is 20 pixels, but the model has 16 features"),
        ({"shape": 16}, "shape=16 must be a list"),
        ({"shape": (16,)}, r"must be \(height, width\)"),
        ({"shape": (4.0, 4)}, "shape=4.0 must be a whole number"),
    ],
)
def test_wrong_options(options: dict, message: str) -> None:
    model, X = reading(3), confident([0, 1], [0.9, 0.9], 3)
    with pytest.raises(InputError, match=message):
        plots.sample_predictions(model, X, **options)
    with pytest.raises(InputError, match=message):
        plots.confident_mistakes(model, X, [1, 1], **options)
    with pytest.raises(InputError, match=message):
        plots.first_layer(model, **options)


def test_models_that_give_no_single_class_are_refused() -> None:
    X = np.zeros((2, 16))
    with pytest.raises(InputError, match="sample_predictions needs a classifier"):
        plots.sample_predictions(reading(3, loss="squared_error"), X)
    with pytest.raises(InputError, match="several labels a row"):
        plots.confident_mistakes(reading(3, loss="binary_cross_entropy"), X, np.zeros((2, 3)))


# ---- real digits ------------------------------------------------------------------------------------------


def test_real_digits() -> None:
    X, y = fastnn.datasets.load("digits", split="train")
    model = fastnn.train(X, y, hidden=(6,), epochs=2, seed=0, backend="numpy")
    wrong = np.flatnonzero(model.predict(X) != y)
    figure = plots.confident_mistakes(model, X, y)
    assert_legible(figure)
    rows = [int(word.split()[1].rstrip(",")) for word in words(figure) if word.startswith("row ")]
    certainty = model.predict_proba(X).max(axis=1)
    assert set(rows) <= set(wrong.tolist())
    np.testing.assert_array_equal(certainty[rows], np.sort(certainty[wrong])[::-1][:12])
    assert_legible(plots.sample_predictions(model, X, y))
    assert_legible(plots.first_layer(model))


# ---- images under titles ----------------------------------------------------------------------------------


def test_titled_images(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (7, 8, 8)).astype(np.uint8)
    wrong = np.arange(7) == 3
    figure = plots.plot_samples(pictures, [f"${i}" for i in range(7)], wrong=wrong, path=tmp_path / "s.png")
    assert_legible(figure)
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in drawn] == [f"${i}" for i in range(7)]
    assert [axes.title.get_color() == plots.RED for axes in drawn] == wrong.tolist()
    assert [axes.title.get_weight() == "bold" for axes in drawn] == wrong.tolist()
    np.testing.assert_array_equal(drawn[2].images[0].get_array(), pictures[2])
    assert drawn[0].images[0].get_clim() == (0, 255)
    assert image.imread(tmp_path / "s.png").shape[:2] == (528, 1020)


def test_float_images_span_their_values() -> None:
    figure = plots.plot_samples(np.linspace(-1, 3, 8).reshape(2, 2, 2), ["a", "b"])
    assert [axes.images[0].get_clim() for axes in figure.axes] == [(-1, 3)] * 2


@pytest.mark.parametrize(
    ("pictures", "titles", "message"),
    [
        (np.zeros((2, 4)), ["a", "b"], "must be"),
        (np.zeros((0, 2, 2)), [], "must be"),
        (np.zeros((2, 2, 2)), ["a"], "1 entries for 2"),
    ],
)
def test_wrong_titled_images(pictures: np.ndarray, titles: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.plot_samples(pictures, titles)
