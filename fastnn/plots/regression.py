"""Residuals of a regression: predictions against the truth, and what is left over."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import inputs, metrics
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnn.network import Network

MOST_OUTPUTS = 4


def residuals(
    model: Network,
    X: Any,
    y: Any,
    *,
    output: int | None = None,
    path: str | PathLike[str] | None = None,
) -> Figure:
    """Draw a regression's predictions against the truth, and the residuals y − ŷ against the predictions.

    X, y     rows and their true numbers
    output   which of several outputs; None: all of them, a row of panels each, of at most four
    path     where to write it (.png, .svg, .pdf); None: only return the figure

    Points on the dashed lines are predicted exactly. Returns the matplotlib Figure. Raises InputError for a
    classifier.
    """
    if model.classes is not None:
        raise InputError("residuals needs a regression; this model is a classifier, use confusion_matrix")
    predicted = np.asarray(model.predict(X), np.float64).reshape(-1, model.sizes[-1])
    true = model.checked_targets(y, len(predicted)).astype(np.float64)
    outputs = _outputs(output, predicted.shape[1])
    figure = style.new_figure(style.WIDTH, 3.6 * len(outputs))
    for number, pair in zip(outputs, figure.subplots(len(outputs), 2, squeeze=False), strict=True):
        _draw(pair, true[:, number], predicted[:, number], "" if len(true[0]) == 1 else f"output {number}: ")
    return style.finished(figure, path)


def _outputs(output: Any, n_outputs: int) -> list[int]:
    if output is None:
        if n_outputs > MOST_OUTPUTS:
            raise InputError(
                f"the model has {n_outputs} outputs, too many for a picture; say which, such as output=0"
            )
        return list(range(n_outputs))
    number = inputs.whole_number("output", output, least=0)
    if number >= n_outputs:
        raise InputError(f"output={number} must be below {n_outputs}, the model's number of outputs")
    return [number]


def _draw(pair: Any, true: Array, predicted: Array, name: str) -> None:
    left, right = pair
    # Many points are fainter and smaller, so that it is seen where most of them are.
    many = len(true) > 500
    dots = {
        "s": 8 if many else 18,
        "alpha": max(0.08, min(0.6, 300 / len(true))),
        "color": style.BLUE,
        "linewidths": 0,
        "rasterized": len(true) > 5000,
    }
    line = {"color": style.ORANGE, "linestyle": style.DASHED, "linewidth": 1.6}
    left.scatter(true, predicted, **dots)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    left.plot(ends, ends, **line)
    right.scatter(predicted, true - predicted, **dots)
    right.axhline(0, **line)
    error = metrics.mean_absolute_error(true, predicted)
    r2 = f"R² {metrics.r2(true, predicted):.3f}, " if true.min() < true.max() else ""
    style.panel(left, title=f"{name}{r2}mean |error| {error:.3g}", x="true", y="predicted")
    for axes in pair:
        # Fewer ticks than matplotlib would have: their numbers may be long.
        axes.xaxis.get_major_locator().set_params(nbins=4)
        axes.ticklabel_format(scilimits=(-4, 5))
    style.panel(right, title="residuals", x="predicted", y="true − predicted")
