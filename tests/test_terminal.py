"""Images as characters: levels, sizes, wrapping, colours."""

import re

import numpy as np
import pytest

from fastnn import terminal


def ramp() -> np.ndarray:
    return np.linspace(0, 255, 16 * 16).reshape(1, 16, 16).astype(np.uint8)


def visible(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_levels() -> None:
    np.testing.assert_array_equal(terminal.grey(np.array([[[0, 255]]], np.uint8)), [[[0, 1]]])
    np.testing.assert_array_equal(terminal.grey(np.array([[[-1.0, 0, 3]]])), [[[0, 0.25, 1]]])
    np.testing.assert_array_equal(terminal.grey(np.full((1, 1, 2), 7.0)), [[[0, 0]]])


def test_shades_run_from_blank_to_full() -> None:
    lines = terminal.draw(ramp(), ["caption"]).splitlines()
    assert lines[0].strip() == ""
    assert lines[7] == "█" * 16
    assert lines[8] == "caption"


def test_small_images_are_enlarged_and_odd_heights_work() -> None:
    corner = np.zeros((1, 3, 3), np.uint8)
    corner[0, 0, 0] = 255
    lines = terminal.draw(corner, ["c"]).splitlines()
    assert lines[0] == "█" * 6
    assert len(lines) == 9 + 1


@pytest.mark.parametrize("colour", [False, True])
def test_images_stand_side_by_side_within_the_width(colour: bool) -> None:
    images = np.repeat(ramp(), 5, axis=0)
    text = terminal.draw(images, [f"predicted {i}\ntrue 0" for i in range(5)], width=40, colour=colour)
    lines = visible(text).splitlines()
    assert max(map(len, lines)) <= 40
    assert [len(re.findall("predicted", line)) for line in lines if "predicted" in line] == [2, 2, 1]


def test_narrow_terminals_get_one_image_a_row() -> None:
    text = terminal.draw(np.repeat(ramp(), 2, axis=0), ["a", "b"], width=5)
    assert text.count("\n\n") == 1


def test_colours() -> None:
    halves = np.zeros((1, 16, 16), np.uint8)
    halves[:, 1::2] = 255
    text = terminal.draw(halves, ["right"], colour=True)
    assert text.startswith("\x1b[38;5;16;48;5;231m▀")
    assert "\x1b[31m" not in text
    wrong = terminal.draw(ramp(), ["bad"], wrong=[True], colour=True)
    assert wrong.splitlines()[-1] == "\x1b[31mbad             \x1b[0m"
    assert wrong.count("\x1b[0m") == 9


def test_wrong_ones_are_marked_without_colour() -> None:
    lines = terminal.draw(np.repeat(ramp(), 2, axis=0), ["x\ny", "x\ny"], wrong=np.array([False, True]))
    assert lines.splitlines()[-1].split() == ["y", "y", "!"]
