"""Networks whose predictions are known, for pictures of them."""

from __future__ import annotations

import numpy as np

from fastnn.history import History
from fastnn.network import Network


def reading(n_classes: int, *, n_features: int = 16, classes: object = None, **options: object) -> Network:
    """A classifier without hidden layers whose logits are the first features of each row."""
    W = np.eye(n_features, n_classes)
    return Network([W], [np.zeros(n_classes)], classes=classes, backend="numpy", **options)


def rows_for(probabilities: np.ndarray, n_features: int = 16) -> np.ndarray:
    """Rows for which `reading` gives these probabilities (n, n_classes)."""
    X = np.zeros((len(probabilities), n_features))
    X[:, : probabilities.shape[1]] = np.log(probabilities)
    return X


def confident(predicted: list[int], certainty: list[float], n_classes: int) -> np.ndarray:
    """Rows for which `reading` predicts these classes with these probabilities, the rest shared evenly."""
    shares = np.repeat((1 - np.array(certainty))[:, None] / (n_classes - 1), n_classes, axis=1)
    shares[np.arange(len(predicted)), predicted] = certainty
    return rows_for(shares)


def history(n_epochs: int = 4, *, validation: bool = True, accuracy: bool = True, **more: list) -> History:
    """A record of losses and accuracies, best in its third epoch, with columns of more values."""
    record = History()
    for epoch in range(1, n_epochs + 1):
        values = {"loss": 1 / epoch}
        if accuracy:
            values["accuracy"] = 1 - 0.5 / epoch
        if validation:
            values["validation_loss"] = 1.5 / epoch + 0.9 * (epoch > 3)
            if accuracy:
                values["validation_accuracy"] = 0.9 - 0.1 * abs(epoch - 3) / epoch
        for name, column in more.items():
            values[name] = column[epoch - 1]
        record.record(**values, seconds=0.1)
    return record
