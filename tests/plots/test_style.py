"""Colours for every eye, text that fits, figures that leave pyplot and the user's settings alone."""

import gc
import subprocess
import sys
import threading
import weakref
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.colors import to_rgb
from matplotlib.image import imread

from fastnn import plots
from fastnn.errors import MissingDependencyError
from fastnn.plots import style

from .legible import assert_legible
from .models import confident, history, reading

# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# 2009, severity 1.0: what is left of linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protanopia": np.reshape(
        [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998], (3, 3)
    ),
    "deuteranopia": np.reshape(
        [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881], (3, 3)
    ),
    "tritanopia": np.reshape(
        [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900], (3, 3)
    ),
}
# From here on two colours are different at a glance (ΔE of CIE 1976); red and green below fall short of it.
AT_A_GLANCE = 30.0


def lab(colour: str, eye: str) -> np.ndarray:
    """CIE L*a*b* of a colour as an eye sees it."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(EYES[eye] @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratios = to_xyz @ seen / [0.9505, 1.0, 1.089]
    f = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(a: str, b: str, eye: str) -> float:
    return float(np.linalg.norm(lab(a, eye) - lab(b, eye)))


@pytest.mark.parametrize("eye", EYES)
def test_colours_that_tell_things_apart_differ_for_every_eye(eye: str) -> None:
    together = (style.BLUE, style.ORANGE, style.GREY, style.WHITE)
    assert min(difference(a, b, eye) for a, b in combinations(together, 2)) > AT_A_GLANCE


def test_that_check_refuses_red_and_green() -> None:
    assert difference("#A03030", "#4C7A1E", "all cones") > AT_A_GLANCE
    assert difference("#A03030", "#4C7A1E", "deuteranopia") < AT_A_GLANCE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.9999, "99.9 %"),
        (0.99961, "99.9 %"),
        (1e-9, "0.1 %"),
        (0.004, "0.4 %"),
        (0.5, "50 %"),
        (0.876, "88 %"),
        (0.9951, "99.5 %"),
    ],
)
def test_shares_are_never_rounded_to_certainty(value: float, text: str) -> None:
    assert style.share(value) == text


def test_names_are_one_short_line() -> None:
    assert style.named("dress\n\tlong\x1b[31m") == "dress long [31m"
    assert style.named("t-shirt") == "t-shirt"
    assert style.named("a very long name of a class") == "a very long nam…"
    assert style.named(np.int64(7)) == "7"


@pytest.mark.parametrize("text", ["WWWWWWWWWWWWWWWWWWWW", "iiiiiiiiiiiiiiiiiiii", "ankle boot of leather"])
def test_fitted_text_fits_and_no_more_is_cut_than_needed(text: str) -> None:
    cut = style.fitted(text, 50, 10)
    assert cut.endswith("…")
    assert style.text_width(cut, 10) <= 50
    # A letter more would not fit; blanks before the dots are left out.
    longer = text[: len(cut) + (text[len(cut) - 1] == " ")] + "…"
    assert style.text_width(longer, 10) > 50
    assert style.fitted("boot", 50, 10) == "boot"


def test_wrapped_lines_fit_and_keep_every_word() -> None:
    text = "The only mistake in 51 rows. Bars: the largest probabilities. Blue: the true class."
    lines = style.wrapped(text, 150, 10)
    assert " ".join(lines) == text
    assert 3 <= len(lines) <= 6
    assert max(style.text_width(line, 10) for line in lines) <= 150
    assert style.wrapped("", 150, 10) == []


def test_pyplot_is_not_touched_and_matplotlib_comes_late() -> None:
    code = (
        "import sys, numpy as np\nfrom fastnn import plots\n"
        "assert not {'matplotlib', 'numba', 'PIL'} & set(sys.modules)\n"
        "from tests.plots.models import reading, confident, history\n"
        "model, X = reading(3), confident([0, 1, 2], [.5, .6, .7], 3)\n"
        "plots.plot_samples(np.zeros((1, 2, 2)), ['a'])\nplots.learning_curves(history())\n"
        "plots.sample_predictions(model, X)\nplots.first_layer(model)\n"
        "plots.confusion_matrix(model, X, [0, 1, 2])\nplots.roc(model, X, [0, 1, 2], positive=1)\n"
        "plots.calibration(model, X, [0, 1, 2], positive=1)\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(plots.__file__).parents[2])


def test_figures_are_gone_when_nobody_holds_them() -> None:
    figure = weakref.ref(plots.learning_curves(history()))
    gc.collect()
    assert figure() is None


def test_the_users_dark_style_changes_nothing_and_stays() -> None:
    model, X = reading(3), confident([0, 1, 2], [0.5, 0.6, 0.7], 3)

    def pictures() -> list[bytes]:
        return [
            assert_legible(figure).tobytes()
            for figure in (
                plots.learning_curves(history()),
                plots.confident_mistakes(model, X, [0, 0, 0]),
                plots.first_layer(model),
                plots.roc(model, X, [0, 1, 2], positive=1),
            )
        ]

    light = pictures()
    dark = {"figure.facecolor": "black", "axes.facecolor": "black", "text.color": "white"}
    dark |= {"axes.labelcolor": "white", "xtick.color": "white", "axes.edgecolor": "white", "font.size": 20}
    with matplotlib.rc_context(dark):
        before = dict(matplotlib.rcParams)
        assert pictures() == light
        assert dict(matplotlib.rcParams) == before


def test_threads_draw_at_the_same_time() -> None:
    expected = assert_legible(plots.learning_curves(history()))
    # The checker patches matplotlib, so each figure is made in its thread and drawn in its turn.
    figures: list = []
    threads = [
        threading.Thread(target=lambda: figures.append(plots.learning_curves(history()))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(figures) == 2
    assert all(np.array_equal(assert_legible(figure), expected) for figure in figures)


@pytest.mark.parametrize("suffix", plots.FORMATS)
def test_every_format_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"c{suffix}"
    plots.learning_curves(history(), path)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)
    assert path.stat().st_size > 1000


def test_what_is_written_is_what_is_shown(tmp_path: Path) -> None:
    plots.learning_curves(history(), tmp_path / "c.png")
    written = np.round(255 * imread(tmp_path / "c.png")[..., :3]).astype(np.uint8)
    np.testing.assert_array_equal(written, assert_legible(plots.learning_curves(history())))


def test_missing_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    model, X = reading(3), confident([0, 1], [0.5, 0.6], 3)
    for draw in (
        lambda: plots.learning_curves(history()),
        lambda: plots.first_layer(model),
        lambda: plots.confident_mistakes(model, X, [1, 1]),
        lambda: plots.confusion_matrix(model, X, [1, 1]),
    ):
        with pytest.raises(MissingDependencyError, match=r'pip install "fastnn\[plot\]"') as caught:
            draw()
        assert "\n" not in str(caught.value)
