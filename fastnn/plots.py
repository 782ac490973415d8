"""Pictures by matplotlib (optional): training curves, learning rates, and images with their labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError, MissingDependencyError
from fastnn.history import History
from fastnn.schedules import Schedule, rates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.learning_rate_finder import RangeTest

FORMATS = (".png", ".svg", ".pdf")
# Colour-blind safe (Okabe and Ito): training, validation.
BLUE, ORANGE, RED, GREY = "#0072B2", "#D55E00", "#C00000", "#808080"
MOST_COLUMNS = 5


def require_matplotlib() -> None:
    """Raise MissingDependencyError, saying how to install it, where matplotlib does not import."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'pictures need matplotlib ({str(error).splitlines()[0]}): pip install "fastnn[plot]"'
        ) from None


def plot_history(history: History, path: str | PathLike[str] | None = None) -> Figure:
    """Draw loss and (for classifiers) accuracy by epoch, training and validation, the best epoch marked.

    history   a model's `.history`
    path      where to write it (.png, .svg, .pdf); None: only return the figure

    Returns the matplotlib Figure. The global state of pyplot is not touched.
    """
    if not history.n_epochs:
        raise InputError("history is empty, so there is nothing to draw; a loaded model has none")
    panels = ["loss", *(["accuracy"] if "accuracy" in history else [])]
    figure = _new_figure(5.2 * len(panels), 3.8)
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw_curves(axes, history, name)
    return _finished(figure, path)


def plot_schedule(
    schedule: str | Schedule,
    *,
    learning_rate: float = 1.0,
    epochs: int = 20,
    n_updates: int = 100,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw the learning rate of every update, by epoch.

    schedule        a name or an object of `fastnn.schedules`; nothing is trained, so "plateau" is a line
    learning_rate   what the schedule's factors multiply
    epochs          of the training
    n_updates       mini-batches an epoch
    path            where to write it (.png, .svg, .pdf); None: only return the figure

    Returns the matplotlib Figure. The global state of pyplot is not touched.
    """
    drawn = rates(schedule, learning_rate, epochs, n_updates)
    figure = _new_figure(5.2, 3.8)
    axes: Any = figure.subplots()
    # Each update's rate holds until the next one.
    axes.step(np.arange(len(drawn) + 1) / n_updates, [*drawn, drawn[-1]], where="post", color=BLUE)
    axes.set_xlabel("epochs")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    _unframe(axes)
    return _finished(figure, path)


def plot_range_test(test: RangeTest, path: str | PathLike[str] | None = None) -> Figure:
    """Draw the losses of `fastnn.find_learning_rate` against the learning rate, the suggestion marked.

    path   where to write it (.png, .svg, .pdf); None: only return the figure

    Returns the matplotlib Figure. The global state of pyplot is not touched.
    """
    figure = _new_figure(5.2, 3.8)
    axes: Any = figure.subplots()
    axes.plot(test.rates, test.losses, color=GREY, alpha=0.4, linewidth=0.8, label="mini-batches")
    axes.plot(test.rates, test.smoothed, color=BLUE, label="smoothed")
    axes.axvline(test.suggestion, color=ORANGE, linestyle=":", label=f"suggestion ({test.suggestion:g})")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    # The last losses may be thousands of times as large as what there is to be seen.
    low, high = float(test.losses.min()), float(test.smoothed[: len(test.smoothed) // 2].max())
    axes.set_ylim(low - 0.05 * (high - low), high + 0.5 * (high - low))
    _unframe(axes)
    axes.legend(frameon=False)
    return _finished(figure, path)


def plot_samples(
    images: Array,
    titles: Sequence[str],
    *,
    wrong: Sequence[bool] | Array | None = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw grey images in a grid, dark on white, each under its title; red titles where `wrong`.

    images   (n, height, width); uint8 as 0..255, anything else from its least to its largest value
    titles   one for each image
    path     where to write it (.png, .svg, .pdf); None: only return the figure

    Returns the matplotlib Figure. The global state of pyplot is not touched.
    """
    images = np.asarray(images)
    if images.ndim != 3 or len(images) == 0:
        raise InputError(f"images has shape {images.shape}; it must be (n, height, width)")
    if len(titles) != len(images):
        raise InputError(f"titles has {len(titles)} entries for {len(images)} images")
    flags = [False] * len(images) if wrong is None else wrong
    low, high = (0, 255) if images.dtype == np.uint8 else (images.min(), images.max())
    columns = min(MOST_COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    figure = _new_figure(max(1.7 * columns, 2.2), 2.2 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, title, flag in zip(grid, images, titles, flags, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
        # A "$" in a label is a dollar sign, not mathematics.
        axes.set_title(title, fontsize=10, color=RED if flag else "black", parse_math=False)
    return _finished(figure, path)


def _draw_curves(axes: Any, history: History, name: str) -> None:
    epochs = range(1, history.n_epochs + 1)
    percent = 100 if name == "accuracy" else 1
    for column, colour, text in (
        (name, BLUE, "training"),
        (f"validation_{name}", ORANGE, "validation"),
    ):
        if column in history:
            axes.plot(
                epochs,
                [percent * value for value in history[column]],
                color=colour,
                label=text,
                marker="o" if history.n_epochs == 1 else None,
            )
    best = _best_epoch(history)
    if best is not None:
        axes.axvline(best, color=GREY, linestyle=":", label=f"best epoch ({best})")
    axes.set_xlabel("epoch")
    axes.set_ylabel("accuracy (%)" if name == "accuracy" else name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    _unframe(axes)
    axes.legend(frameon=False)


def _unframe(axes: Any) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _best_epoch(history: History) -> int | None:
    """The epoch that early stopping kept, else the best one on the validation rows, else None."""
    if history.best_epoch is not None:
        return history.best_epoch
    if "validation_accuracy" in history:
        return int(np.argmax(history["validation_accuracy"])) + 1
    if "validation_loss" in history:
        return int(np.argmin(history["validation_loss"])) + 1
    return None


def _new_figure(width: float, height: float) -> Figure:
    require_matplotlib()
    from matplotlib.figure import Figure

    # Not pyplot: it would start the user's window system and keep every figure alive.
    return Figure(figsize=(width, height), layout="constrained", dpi=120)


def _finished(figure: Figure, path: str | PathLike[str] | None) -> Figure:
    if path is not None:
        figure.savefig(path)
    return figure
