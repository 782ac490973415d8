"""The only place that checks and coerces what a user passes: features, targets, and options."""

from fastnn.inputs.features import check_finite, features, is_ready, warn_if_badly_scaled
from fastnn.inputs.options import choice, float_dtype, generator, hidden_widths, positive, whole_number
from fastnn.inputs.targets import LOSS_NAMES, Targets, known_targets, targets

__all__ = [
    "LOSS_NAMES",
    "Targets",
    "check_finite",
    "choice",
    "features",
    "float_dtype",
    "generator",
    "hidden_widths",
    "is_ready",
    "known_targets",
    "positive",
    "targets",
    "warn_if_badly_scaled",
    "whole_number",
]
