"""The only place that checks and coerces what a user passes: features, targets, and options."""

from fastnn.inputs.features import (
    all_finite,
    check_finite,
    check_n_features,
    check_pixels,
    features,
    is_ready,
    warn_if_badly_scaled,
)
from fastnn.inputs.options import (
    choice,
    float_dtype,
    fraction,
    generator,
    hidden_widths,
    items,
    not_negative,
    positive,
    whole_number,
)
from fastnn.inputs.targets import (
    CLASSIFIER_LOSSES,
    LOSS_NAMES,
    REGRESSION_LOSSES,
    Targets,
    known_targets,
    loss_for,
    target_array,
    targets,
)
from fastnn.inputs.weights import row_weights, sample_weights

__all__ = [
    "CLASSIFIER_LOSSES",
    "LOSS_NAMES",
    "REGRESSION_LOSSES",
    "Targets",
    "all_finite",
    "check_finite",
    "check_n_features",
    "check_pixels",
    "choice",
    "features",
    "float_dtype",
    "fraction",
    "generator",
    "hidden_widths",
    "is_ready",
    "items",
    "known_targets",
    "loss_for",
    "not_negative",
    "positive",
    "row_weights",
    "sample_weights",
    "target_array",
    "targets",
    "warn_if_badly_scaled",
    "whole_number",
]
