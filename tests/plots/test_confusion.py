"""The confusion matrix: counts in their cells, tints by share, and names that can be read."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_rgb

from fastnn import plots
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.plots import style

from .legible import assert_legible, words
from .models import confident, reading

TRUE = np.array([0] * 8 + [1] * 4 + [2] * 4)
PREDICTED = np.array([0] * 8 + [1, 1, 1, 2] + [2, 2, 0, 0])


def drawn(figure: object) -> np.ndarray:
    """The cells' colours, (k, k, 3)."""
    (image,) = figure.axes[0].images  # type: ignore[attr-defined]
    return np.asarray(image.get_array())


def counts(figure: object, k: int) -> np.ndarray:
    """The numbers that are written, each in the cell where it stands."""
    found = np.zeros((k, k), int)
    for text in figure.axes[0].texts:  # type: ignore[attr-defined]
        column, row = text.get_position()
        found[row, column] = int(text.get_text())
    return found


def test_counts_stand_in_their_cells() -> None:
    X = confident(PREDICTED.tolist(), [0.9] * 16, 3)
    figure = plots.confusion_matrix(
        reading(3, classes=np.array(["ant", "bee", "cat"])), X, np.array(["ant", "bee", "cat"])[TRUE]
    )
    assert_legible(figure)
    np.testing.assert_array_equal(counts(figure, 3), [[8, 0, 0], [0, 3, 1], [2, 0, 2]])
    seen = words(figure)
    assert {"true", "predicted", "81 % right: 13 of 16 rows"} <= set(seen)
    assert [seen.count(name) for name in ("ant", "bee", "cat")] == [2, 2, 2]


def test_tints_are_shares_of_a_row_blue_if_right_and_orange_if_wrong() -> None:
    colours = drawn(plots.confusion_matrix(reading(3), confident(PREDICTED.tolist(), [0.9] * 16, 3), TRUE))
    blue, orange = np.array(to_rgb(style.BLUE)), np.array(to_rgb(style.ORANGE))

    def tint(colour: np.ndarray, full: np.ndarray) -> float:
        """How much of the full colour there is in a mixture with white."""
        found = (1 - colour) / (1 - full)
        np.testing.assert_allclose(found, found[0])
        return float(found[0])

    diagonal = [tint(colours[i, i], blue) for i in range(3)]
    assert diagonal[0] > diagonal[1] > diagonal[2] > 0.1
    # Of the mistakes, half of the cats and a quarter of the bees.
    assert tint(colours[2, 0], orange) > tint(colours[1, 2], orange) > 0.1
    assert (colours[0, 1:] == 1).all()


def test_figures_are_dark_on_every_tint() -> None:
    def luminance(colour: object) -> float:
        channels = np.array(colour)
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    colours = drawn(plots.confusion_matrix(reading(3), confident(PREDICTED.tolist(), [0.9] * 16, 3), TRUE))
    darkest = min(luminance(colour) for colour in colours.reshape(-1, 3))
    # Contrast of WCAG 2.1, level AA.
    assert (darkest + 0.05) / (luminance(to_rgb(style.INK)) + 0.05) > 4.5


@pytest.mark.parametrize("perfect", [True, False])
def test_all_right_and_all_wrong(perfect: bool) -> None:
    predicted = TRUE if perfect else (TRUE + 1) % 3
    figure = plots.confusion_matrix(reading(3), confident(predicted.tolist(), [0.9] * 16, 3), TRUE)
    assert_legible(figure)
    assert f"{'100' if perfect else '0'} % right: {16 * perfect} of 16 rows" in words(figure)


def test_classes_without_rows() -> None:
    figure = plots.confusion_matrix(reading(4), confident([1, 2], [0.9, 0.9], 4), np.array([1, 1]))
    assert_legible(figure)
    np.testing.assert_array_equal(counts(figure, 4)[1], [0, 1, 1, 0])


@pytest.mark.parametrize(
    ("k", "name"),
    [(2, "no"), (5, "malignant tumour"), (26, "letter of a script"), (26, "W" * 30), (60, "class")],
)
def test_many_classes_and_long_names(k: int, name: str, generator: np.random.Generator) -> None:
    names = np.sort(np.array([f"{name}{i}" if i else name for i in range(k)]))
    true, predicted = generator.integers(0, k, (2, 3000))
    predicted = np.where(generator.random(3000) < 0.9, true, predicted)
    model = Network([np.eye(k)], [np.zeros(k)], classes=names, backend="numpy")
    figure = plots.confusion_matrix(model, np.eye(k)[predicted], names[true])
    assert_legible(figure)
    expected = np.zeros((k, k), int)
    np.add.at(expected, (true, predicted), 1)
    # Three digits fit into the cells of 26 classes, none into those of 60.
    assert bool(figure.axes[0].texts) == (k <= 26)
    if figure.axes[0].texts:
        np.testing.assert_array_equal(counts(figure, k), expected)


def test_a_label_is_no_mathematics() -> None:
    names = np.array(["$5", "$x^2$", "new\nline"])
    figure = plots.confusion_matrix(reading(3, classes=names), confident([0, 1, 2], [0.9] * 3, 3), names)
    assert_legible(figure)
    assert {"$5", "$x^2$", "new line"} <= set(words(figure))


def test_models_that_give_no_single_class_are_refused() -> None:
    X, y = np.zeros((2, 16)), np.zeros((2, 3))
    with pytest.raises(InputError, match="confusion_matrix needs a classifier; this model is a regression"):
        plots.confusion_matrix(reading(3, loss="squared_error"), X, y)
    with pytest.raises(InputError, match="several labels a row: use roc or calibration"):
        plots.confusion_matrix(reading(3, loss="binary_cross_entropy"), X, y)
    with pytest.raises(InputError, match="y has 3 rows but X has 2"):
        plots.confusion_matrix(reading(3), X, [0, 1, 2])


def test_a_single_row_of_a_thousand_classes_is_seen() -> None:
    k = 1000
    model = Network([np.eye(k, dtype=np.float32)], [np.zeros(k, np.float32)], backend="numpy")
    figure = plots.confusion_matrix(model, np.eye(k, dtype=np.float32), np.arange(k))
    pixels = assert_legible(figure)
    assert (np.ptp(pixels.astype(int), axis=-1) > 60).sum() > 500
