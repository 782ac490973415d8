"""Pictures by matplotlib (optional, extra `plot`), each a function that returns a Figure.

Of a training          learning_curves(model_or_history)
Of a classifier        confusion_matrix, sample_predictions, confident_mistakes (model, X, y)
Of one class           roc, calibration (model, X, y)
Of a regression        residuals (model, X, y)
Of the weights         first_layer(model)
Of learning rates      learning_rate_curve(finding), plot_schedule(schedule)
Of images and titles   plot_samples(images, titles)

Every function takes `path=`, a .png, .svg or .pdf file to write the picture to. None touches the global state
of pyplot, so nothing needs a display, and a figure is gone when nobody holds it.
"""

from fastnn.plots.confusion import confusion_matrix
from fastnn.plots.curves import learning_curves
from fastnn.plots.images import confident_mistakes, plot_samples, sample_predictions
from fastnn.plots.rates import learning_rate_curve, plot_schedule
from fastnn.plots.regression import residuals
from fastnn.plots.style import FORMATS, RED, require_matplotlib
from fastnn.plots.two_classes import calibration, roc
from fastnn.plots.weights import first_layer

# The names that two of them had first.
plot_history, plot_range_test = learning_curves, learning_rate_curve

__all__ = [
    "FORMATS",
    "RED",
    "calibration",
    "confident_mistakes",
    "confusion_matrix",
    "first_layer",
    "learning_curves",
    "learning_rate_curve",
    "plot_history",
    "plot_range_test",
    "plot_samples",
    "plot_schedule",
    "require_matplotlib",
    "residuals",
    "roc",
    "sample_predictions",
]
