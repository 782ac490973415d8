"""Learning curves: loss, accuracy, metrics and learning rate by epoch, the best epoch marked."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.network import Network

NAMES = {"f1": "F1", "r2": "R²", "roc_auc": "ROC AUC", "accuracy": "accuracy (%)"}
VALIDATION = "validation_"
# Of so many epochs each is drawn as a point too.
FEW_EPOCHS = 12
# Values that span more than this are drawn on a logarithmic scale, or all but the first would be flat.
WIDE_SPAN = 100.0
ROW_HEIGHT, STRIP_HEIGHT = 2.9, 1.7


def learning_curves(model_or_history: Network | History, path: str | PathLike[str] | None = None) -> Figure:
    """Draw by epoch the loss, the accuracy of a classifier, each metric, and the learning rate if it changes.

    model_or_history   a model that was trained, or its `.history`
    path               where to write it (.png, .svg, .pdf); None: only return the figure

    The best epoch is marked: the one that early stopping kept, else the one with the best validation accuracy
    or, for regressions, validation loss. Values that span more than two decades get a logarithmic scale.
    Returns the matplotlib Figure. Raises InputError for a history without epochs.
    """
    history = _history_of(model_or_history)
    names = _panels(history)
    rates = [rate for rate in history.get("learning_rate", []) if np.isfinite(rate)]
    changes = len(set(rates)) > 1
    figure, grid = _grid(len(names) + changes, strip=changes)
    for axes, name in zip(grid, names, strict=False):
        _draw(axes, history, name)
    if changes:
        _draw_rates(grid[-1], history)
    elif rates:
        figure.supxlabel(f"learning rate {rates[0]:.4g} throughout", fontsize=style.SMALL, color=style.GREY)
    best = best_epoch(history)
    for axes in grid:
        if best is not None:
            axes.axvline(best, color=style.GREY, linestyle=style.DOTTED, linewidth=1.4, zorder=1.5)
    style.legend_above(figure, _handles(history, best))
    return style.finished(figure, path)


def best_epoch(history: History) -> int | None:
    """The epoch that early stopping kept, else the best one on the validation rows, else None."""
    if history.best_epoch is not None:
        return history.best_epoch
    for name, sign in (("validation_accuracy", 1.0), ("validation_loss", -1.0)):
        if name in history:
            values = sign * _finite(history[name])
            return None if np.isnan(values).all() else history.epochs[int(np.nanargmax(values))]
    return None


def _history_of(model_or_history: Any) -> History:
    history = getattr(model_or_history, "history", model_or_history)
    if not isinstance(history, History):
        raise InputError(
            f"model_or_history is {type(model_or_history).__name__}; pass a model or its .history"
        )
    if not history.n_epochs:
        raise InputError(
            "the history is empty, so there are no curves to draw; the model that fastnn.train returns has "
            "one, and so has its file"
        )
    return history


def _panels(history: History) -> list[str]:
    """What gets a panel: "loss", "accuracy", then the metrics, as far as there is a finite value of them."""
    names = dict.fromkeys(["loss", "accuracy"])
    names |= dict.fromkeys(name.removeprefix(VALIDATION) for name in history if name.startswith(VALIDATION))
    found = [
        name
        for name in names
        if any(np.isfinite(history[column]).any() for column in _columns(history, name))
    ]
    if not found:
        raise InputError(f"the history holds no numbers to draw: it has {', '.join(history)}")
    return found


def _columns(history: History, name: str) -> list[str]:
    return [column for column in (name, VALIDATION + name) if column in history]


def _grid(n_panels: int, *, strip: bool) -> tuple[Figure, list[Any]]:
    """Panels two in a row; the last of an odd number takes a row of its own, a low one if it is a `strip`."""
    if n_panels == 1:
        figure = style.new_figure(style.NARROW, ROW_HEIGHT + 0.8)
        return figure, [figure.subplots()]
    alone = n_panels % 2 == 1
    heights = [ROW_HEIGHT] * (n_panels // 2) + [STRIP_HEIGHT if strip else ROW_HEIGHT] * alone
    figure = style.new_figure(style.WIDTH, sum(heights) + 0.5)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    places = [grid[place // 2, place % 2] for place in range(n_panels - alone)]
    return figure, [figure.add_subplot(place) for place in [*places, *[grid[-1, :]] * alone]]


def _draw(axes: Any, history: History, name: str) -> None:
    drawn = [(column, _finite(history[column])) for column in _columns(history, name)]
    for column, values in drawn:
        axes.plot(
            history.epochs,
            100 * values if name == "accuracy" else values,
            **_line(column, history.n_epochs),
        )
    if _is_wide(np.concatenate([values for _, values in drawn])):
        axes.set_yscale("log")
    style.panel(axes, title=NAMES.get(name, name.replace("_", " ")), x="epoch")
    _whole_epochs(axes, history.epochs)


def _draw_rates(axes: Any, history: History) -> None:
    rates = _finite(history["learning_rate"])
    axes.plot(history.epochs, rates, color=style.INK, drawstyle="steps-mid", linewidth=1.6)
    if _is_wide(rates):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    style.panel(axes, title="learning rate", x="epoch")
    _whole_epochs(axes, history.epochs)


def _line(column: str, n_epochs: int) -> Any:
    """Colour, dash and marker of training or validation."""
    validation = column.startswith(VALIDATION)
    few = n_epochs <= FEW_EPOCHS
    return {
        "color": style.ORANGE if validation else style.BLUE,
        "linestyle": style.DASHED if validation else style.SOLID,
        "marker": ("s" if validation else "o") if few else None,
        "markersize": 4.5,
        "linewidth": 1.8,
    }


def _handles(history: History, best: int | None) -> list[Any]:
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    if any(not column.startswith(VALIDATION) for column in ("loss", "accuracy") if column in history):
        handles.append(Line2D([], [], label="training", **_line("loss", history.n_epochs)))
    if any(column.startswith(VALIDATION) for column in history):
        handles.append(Line2D([], [], label="validation", **_line(VALIDATION, history.n_epochs)))
    if best is not None:
        dots: Any = {"color": style.GREY, "linestyle": style.DOTTED, "linewidth": 1.4}
        handles.append(Line2D([], [], label=f"best epoch ({best})", **dots))
    return handles


def _whole_epochs(axes: Any, epochs: list[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if len(epochs) == 1:
        axes.set_xticks(epochs)


def _finite(values: Any) -> Array:
    array = np.asarray(values, np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _is_wide(values: Array) -> bool:
    low, high = np.nanmin(values), np.nanmax(values)
    return bool(low > 0 and high > WIDE_SPAN * low)
