"""What a classifier makes of some rows, beside the truth, for the pictures of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.network import Network


@dataclass(frozen=True)
class Guesses:
    """Predictions for n rows.

    probabilities   (n, n_classes)
    predicted       (n,) index of the most probable class
    true            (n,) index of the right one; None where it is not known
    classes         (n_classes,) the caller's labels
    """

    probabilities: Array
    predicted: Array
    true: Array | None
    classes: Array

    @property
    def wrong(self) -> Array:
        """(n,) bool: where the prediction is known to be wrong."""
        if self.true is None:
            return np.zeros(len(self.predicted), bool)
        return self.predicted != self.true


def guesses(model: Network, X: Any, y: Any | None, picture: str) -> Guesses:
    """Predict the rows of X; InputError for a model that does not give one class a row.

    picture   the function's name, for the error
    """
    if model.classes is None:
        raise InputError(f"{picture} needs a classifier; this model is a regression, use residuals")
    if model.multilabel:
        raise InputError(
            f"{picture} needs one class a row; this model gives several labels a row: use roc or calibration"
        )
    probabilities = model.predict_proba(X)
    true = None if y is None else model.checked_targets(y, len(probabilities))
    return Guesses(probabilities, probabilities.argmax(axis=1), true, model.classes)


def yes_or_no(model: Network, X: Any, y: Any, positive: Any, picture: str) -> tuple[Array, Array, Any]:
    """One class against the rest: (whether each row is of it, its probability, the class).

    positive   the class; None: the second of two, or the only label. Where rows have several labels, the
               number of one
    """
    if model.classes is None:
        raise InputError(f"{picture} needs a classifier; this model is a regression, use residuals")
    place = _place(model, positive, picture)
    probabilities = model.predict_proba(X)
    true = model.checked_targets(y, len(probabilities))
    members = true[:, place] > 0.5 if model.multilabel else true == place
    label = model.classes[place]
    if members.all() or not members.any():
        rest = "nothing but" if members.all() else "no row of"
        raise InputError(f"{picture} needs rows of {label} and others; y holds {rest} it")
    return members, probabilities[:, place], label


def _place(model: Network, positive: Any, picture: str) -> int:
    classes = [] if model.classes is None else model.classes.tolist()
    if positive is None:
        if len(classes) == 1 or (len(classes) == 2 and not model.multilabel):
            return len(classes) - 1
        what = f"{len(classes)} {'labels' if model.multilabel else 'classes'}"
        raise InputError(
            f"{picture} is drawn for one class against the rest, and this model has {what}: say which by "
            f"positive= (--positive), such as {classes[0]!r}"
        )
    # By text, for the command line has nothing else.
    found = [place for place, label in enumerate(classes) if str(label) == str(positive)]
    if not found:
        known = ", ".join(map(repr, classes[:8])) + (", …" if len(classes) > 8 else "")
        raise InputError(f"positive={positive!r} is none of the model's classes; it knows {known}")
    return found[0]
