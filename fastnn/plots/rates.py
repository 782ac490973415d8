"""Learning rates: a schedule by epoch, and the curve of the learning-rate finder."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.plots import style
from fastnn.schedules import Schedule, rates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.learning_rate_finder import RangeTest


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
    figure = style.new_figure(style.NARROW, 3.8)
    axes: Any = figure.subplots()
    # Each update's rate holds until the next one.
    axes.step(
        np.arange(len(drawn) + 1) / n_updates,
        [*drawn, drawn[-1]],
        where="post",
        color=style.BLUE,
        linewidth=1.8,
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(bottom=0)
    style.panel(axes, x="epochs", y="learning rate")
    return style.finished(figure, path)


def learning_rate_curve(finding: RangeTest, path: str | PathLike[str] | None = None) -> Figure:
    """Draw the losses of `fastnn.find_learning_rate` against the learning rate, the suggestion marked.

    finding   what `fastnn.find_learning_rate` returned
    path      where to write it (.png, .svg, .pdf); None: only return the figure

    Returns the matplotlib Figure. The global state of pyplot is not touched.
    """
    figure = style.new_figure(style.NARROW, 3.8)
    axes: Any = figure.subplots()
    axes.plot(finding.rates, finding.losses, color=style.PALE, linewidth=0.9, label="mini-batches")
    axes.plot(finding.rates, finding.smoothed, color=style.BLUE, linewidth=2, label="smoothed")
    axes.axvline(
        finding.suggestion,
        color=style.ORANGE,
        linestyle=style.DASHED,
        linewidth=1.8,
        label=f"suggestion ({finding.suggestion:g})",
    )
    axes.set_xscale("log")
    # The last losses may be thousands of times as large as what there is to be seen.
    low, high = float(finding.losses.min()), float(finding.smoothed[: len(finding.smoothed) // 2].max())
    axes.set_ylim(low - 0.05 * (high - low), high + 0.5 * (high - low))
    style.panel(axes, x="learning rate", y="loss")
    style.legend(axes)
    return style.finished(figure, path)
