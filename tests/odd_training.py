"""Trains and predicts with whatever tests/odd.py draws: a sound model or one clear error."""

import warnings
from typing import Any

import numpy as np

import fastnn
from fastnn.errors import DivergedError, FastnnError
from tests.fuzzing import assert_one_clear_line

SMALL = {"hidden": 3, "epochs": 2, "seed": 0}


def train_or_refuse(X: Any, y: Any, options: dict[str, Any], backend: str) -> str:
    """What came of it: "trained", or the name of the error. AssertionError for anything that is neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # fastnn's own advice; NumPy's warnings stay errors
        try:
            model = fastnn.train(X, y, **(SMALL | {"backend": backend} | options))
        except FastnnError as error:
            assert_one_clear_line(error)
            if isinstance(error, DivergedError):
                assert_good_weights(error.network)
            return type(error).__name__
        assert_good_weights(model)
        assert all(np.isfinite(model.history[name]).all() for name in model.history if "loss" in name)
        assert_good_answers(model, X)
    return "trained"


def predict_or_refuse(model: Any, X: Any) -> str:
    """The same for a prediction."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            assert_good_answers(model, X)
        except FastnnError as error:
            assert_one_clear_line(error)
            return type(error).__name__
    return "predicted"


def assert_good_weights(model: Any) -> None:
    """All finite."""
    for array in (*model.weights, *model.biases):
        assert np.isfinite(array).all()


def assert_good_answers(model: Any, X: Any) -> None:
    """Labels that the model knows and probabilities that are some; of a regression finite numbers."""
    answers = model.predict(X)
    assert len(answers) == len(X)
    if model.classes is None:
        assert np.isfinite(answers).all()
        return
    probabilities = model.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1.001
    if not model.multilabel:
        assert np.isin(answers, model.classes).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
