"""The checker of pictures finds what it is there to find."""

import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from fastnn.plots import style

from .legible import assert_legible, colours, count, problems, render, words


@pytest.fixture
def figure() -> Figure:
    """A picture without fault."""
    figure = Figure(figsize=(7, 3), dpi=100)
    figure.text(0.1, 0.5, "left", fontsize=12, color=style.INK)
    figure.text(0.6, 0.5, "right", fontsize=12, color=style.BLUE)
    return figure


def found(figure: Figure) -> list[str]:
    return problems(figure, render(figure)[1])


def test_a_good_picture_has_no_problems(figure: Figure) -> None:
    assert found(figure) == []
    assert words(figure) == ["left", "right"]
    assert count(assert_legible(figure), style.BLUE) > 10


def test_text_over_text_is_found(figure: Figure) -> None:
    figure.text(0.62, 0.52, "wrong", fontsize=12, color=style.INK)
    assert found(figure) == ["'right' overlaps 'wrong'"]
    with pytest.raises(AssertionError, match="overlaps"):
        assert_legible(figure)


@pytest.mark.parametrize("place", [(-0.01, 0.3), (0.97, 0.3), (0.3, 0.98), (0.3, -0.01)])
def test_text_beyond_the_edge_is_found(figure: Figure, place: tuple[float, float]) -> None:
    figure.text(*place, "beyond", fontsize=12, color=style.INK)
    assert found(figure) == ["'beyond' is cut off"]


def test_small_text_is_found(figure: Figure) -> None:
    figure.text(0.3, 0.2, "tiny", fontsize=6, color=style.INK)
    assert found(figure) == ["'tiny' is 8.3 pixels high"]
    figure.set_figwidth(14)
    assert found(figure)[-1] == "'tiny' is 4.2 pixels high"


@pytest.mark.parametrize("kind", ["line", "bar", "points", "text"])
def test_a_foreign_colour_is_found(figure: Figure, kind: str) -> None:
    axes = figure.add_axes((0.2, 0.6, 0.3, 0.3))
    axes.set_axis_off()
    if kind == "line":
        axes.plot([0, 1], [0, 1], color="#00FF00")
    elif kind == "bar":
        axes.bar([0], [1], color="#00FF00")
    elif kind == "points":
        axes.scatter([0, 1], [0, 1], color="#00FF00")
    else:
        figure.text(0.3, 0.2, "green", fontsize=12, color="#00FF00")
    assert "#00FF00" in colours(render(figure)[1])
    assert "#00FF00 is not of the palette" in found(figure)


def test_what_is_not_drawn_does_not_count(figure: Figure) -> None:
    figure.text(0.1, 0.5, "over the left one", fontsize=12, visible=False)
    figure.text(0.1, 0.5, " ", fontsize=12)
    assert found(figure) == []


def test_a_dark_background_is_found(figure: Figure) -> None:
    figure.set_facecolor(style.INK)
    with pytest.raises(AssertionError, match="not white"):
        assert_legible(figure)
