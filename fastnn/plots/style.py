"""How every picture looks: its colours, the sizes of its text, and figures that leave pyplot alone."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from fastnn.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
# Told apart by colour-blind readers too. Source: Okabe and Ito, "Color universal design", 2008.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
# Red only beside a text that says the same: there are eyes to which it is black.
RED = "#C00000"
INK, GREY, PALE, WHITE = "#1A1A1A", "#666666", "#D0D0D0", "#FFFFFF"
# Dashes that go with the colours, for eyes and printers that see none.
SOLID, DASHED, DOTTED = "-", (0, (4, 1.6)), (0, (1, 1.6))

# Inches, and points. A picture 8 inches wide that is shown 700 pixels wide has 12-pixel text at 10 points.
WIDTH, NARROW = 8.0, 6.0
TEXT, SMALL, LEAST = 11.0, 10.0, 7.5
LONGEST_NAME = 16


def require_matplotlib() -> None:
    """Raise MissingDependencyError, saying how to install it, where matplotlib does not import."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'pictures need matplotlib ({str(error).splitlines()[0]}): pip install "fastnn[plot]"'
        ) from None


def new_figure(width: float, height: float, *, by_hand: bool = False) -> Figure:
    """An empty white figure of so many inches; its axes find their places, unless they are put `by_hand`."""
    require_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # Not pyplot: it would start the user's window system and keep every figure alive. Colours are given one
    # by one, here and below: matplotlib's settings are global, and the user's may be for a dark background.
    layout = None if by_hand else ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    return Figure(figsize=(width, height), layout=layout, dpi=120, facecolor=WHITE)


def finished(figure: Figure, path: str | PathLike[str] | None) -> Figure:
    """The figure, written to `path` if there is one."""
    if path is not None:
        figure.savefig(path, dpi="figure", facecolor=WHITE)
    return figure


def panel(axes: Any, *, title: str = "", x: str = "", y: str = "", grid: bool = True) -> Any:
    """Give axes their look and their words: a title at the left, names below and beside; returns them."""
    axes.set_facecolor(WHITE)
    axes.set_title(title, loc="left", fontsize=TEXT, color=INK, parse_math=False)
    axes.set_xlabel(x, fontsize=TEXT, color=INK, parse_math=False)
    axes.set_ylabel(y, fontsize=TEXT, color=INK, parse_math=False)
    axes.tick_params(which="both", labelsize=SMALL, labelcolor=INK, color=GREY)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(color=PALE, linewidth=0.6)
        axes.set_axisbelow(True)
    return axes


def legend(axes: Any, **options: Any) -> None:
    """A legend in the axes, where it covers least."""
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, **options)


def legend_above(figure: Any, handles: list[Any]) -> None:
    """One legend for all panels, above them, so that it covers no line."""
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=len(handles),
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=2.6,
    )


def text_width(text: str, size: float) -> float:
    """Points that a line of bold text takes, which is more than it takes otherwise."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold")
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def fitted(label: Any, width: float, size: float) -> str:
    """As much of a class label as fits into `width` points."""
    longest = 40
    text = named(label, longest)
    while len(text) > 1 and text_width(text, size) > width:
        longest = len(text) - 1
        text = named(label, longest)
    return text


def wrapped(text: str, width: float, size: float) -> list[str]:
    """The lines of a text that is broken between words where it would be wider than `width` points."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def named(label: Any, longest: int = LONGEST_NAME) -> str:
    """A class label as one short line: what cannot be printed is left out, what is too long is cut."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(label))
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def share(value: float) -> str:
    """A share from 0 to 1 in per cent; never "100 %" or "0 %" for what is only nearly so."""
    percent = 100 * value
    if value in (0, 1):
        return f"{percent:.0f} %"
    if not 0.5 <= percent <= 99.5:
        return f"{min(max(percent, 0.1), 99.9):.1f} %"
    return f"{percent:.0f} %"
