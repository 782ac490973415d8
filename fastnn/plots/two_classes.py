"""One class against the rest: the ROC curve, and whether probabilities are what they say."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import metrics
from fastnn.backends import Array
from fastnn.plots import style
from fastnn.plots.guesses import yes_or_no

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.network import Network

BINS = 10
# Standard deviations to each side that hold 95 % of a normal distribution.
Z95 = 1.959964


def roc(
    model: Network,
    X: Any,
    y: Any,
    *,
    positive: Any = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw the ROC curve: the share of a class's rows found against the share of the others taken for it.

    X, y      rows and their true labels
    positive  the class; None: the second of two. Where rows have several labels, the number of one
    path      where to write it (.png, .svg, .pdf); None: only return the figure

    Each point belongs to a probability from which on a row is taken for the class; that of ½ is marked.
    Returns the matplotlib Figure. Raises InputError for regressions, and where y holds only one kind of row.
    """
    members, probabilities, label = yes_or_no(model, X, y, positive, "roc")
    false, true = roc_points(members, probabilities)
    area = metrics.roc_auc(members.astype(int)[:, None], probabilities[:, None])
    half = probabilities > 0.5
    figure = style.new_figure(5.2, 5.4)
    axes: Any = figure.subplots()
    axes.plot(false, true, color=style.BLUE, linewidth=2, label="this model", clip_on=False, zorder=3)
    axes.plot([0, 1], [0, 1], color=style.GREY, linestyle=style.DASHED, linewidth=1.2, label="by chance")
    axes.plot(
        [half[~members].mean()],
        [half[members].mean()],
        marker="o",
        markersize=8,
        linestyle="",
        color=style.ORANGE,
        label="probability ½",
        clip_on=False,
        zorder=4,
    )
    axes.set_aspect("equal")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    words = f"ROC of {style.named(label)}: area {area:.4f}"
    style.panel(axes, title=words, x="false positive rate", y="true positive rate")
    style.legend_above(figure, axes.get_legend_handles_labels()[0])
    return style.finished(figure, path)


def calibration(
    model: Network,
    X: Any,
    y: Any,
    *,
    positive: Any = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw how often rows with a predicted probability of p are of the class; it should be p.

    Arguments as in `roc`. Rows are put together by probability, in ten bins of equal width; a point is a
    bin's mean probability and its share of members, with the 95 % interval that so many rows allow. Below,
    how many rows there are in each bin. Returns the matplotlib Figure; raises what `roc` raises.
    """
    members, probabilities, label = yes_or_no(model, X, y, positive, "calibration")
    counts, means, shares = calibration_points(members, probabilities)
    low, high = wilson_interval(shares, counts)
    figure = style.new_figure(5.2, 6.7)
    upper, lower = figure.subplots(2, 1, height_ratios=[4, 1])
    upper.plot(
        means,
        shares,
        color=style.BLUE,
        marker="o",
        markersize=7,
        linestyle="",
        label="this model",
        clip_on=False,
        zorder=3,
    )
    upper.vlines(means, low, high, color=style.BLUE, linewidth=1.6, label="95 % interval")
    upper.plot([0, 1], [0, 1], color=style.GREY, linestyle=style.DASHED, linewidth=1.2, label="perfect")
    upper.set(xlim=(0, 1), ylim=(0, 1))
    name = style.named(label)
    style.panel(
        upper, title=f"Calibration of {name}", x=f"predicted probability of {name}", y=f"share that is {name}"
    )
    style.legend_above(figure, upper.get_legend_handles_labels()[0])
    edges = np.linspace(0, 1, BINS + 1)
    rows = np.histogram(probabilities, edges)[0]
    lower.bar(edges[:-1], rows, 1 / BINS, align="edge", color=style.BLUE, edgecolor=style.WHITE)
    lower.set_xlim(0, 1)
    style.panel(lower, y="rows")
    return style.finished(figure, path)


def roc_points(members: Array, probabilities: Array) -> tuple[Array, Array]:
    """(false positive rates, true positive rates), from (0, 0) to (1, 1), a point for each threshold.

    Shapes   members (n,) bool, probabilities (n,) -> (k + 1,) each, k different probabilities
    """
    order = np.argsort(-probabilities, kind="stable")
    sorted_members = members[order]
    # Rows of one probability are on the same side of every threshold.
    last = np.append(np.diff(probabilities[order]) != 0, True)
    true, false = np.cumsum(sorted_members)[last], np.cumsum(~sorted_members)[last]
    return np.append(0, false / false[-1]), np.append(0, true / true[-1])


def calibration_points(members: Array, probabilities: Array) -> tuple[Array, Array, Array]:
    """(rows, mean probability, share of members) of each bin that has rows."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    means = np.bincount(bins, probabilities, BINS) / np.maximum(counts, 1)
    shares = np.bincount(bins, members, BINS) / np.maximum(counts, 1)
    some = counts > 0
    return counts[some], means[some], shares[some]


def wilson_interval(shares: Array, counts: Array) -> tuple[Array, Array]:
    """The 95 % interval of a share seen in so many rows.

    Source   Wilson, "Probable inference, the law of succession, and statistical inference", 1927
    """
    centre = (shares + Z95**2 / (2 * counts)) / (1 + Z95**2 / counts)
    spread = Z95 * np.sqrt(shares * (1 - shares) / counts + Z95**2 / (4 * counts**2)) / (1 + Z95**2 / counts)
    return centre - spread, centre + spread
