"""A validation set of one's own, and rows with weights in it."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.metrics import accuracy_score, log_loss, r2_score

from fastnn.sklearn import MLPRegressor
from tests.estimators.small import assert_same_model, brief

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_own_validation_set(early_stopping, bands):
    X, y = bands
    fitted = brief(early_stopping=early_stopping, max_iter=12, learning_rate_init=0.02)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert fitted.t_ == 12 * 80  # no row is set aside
    assert len(fitted.validation_scores_) == len(fitted.validation_loss_curve_) == 12
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    now = accuracy_score(y[80:], fitted.predict(X[80:]))
    if early_stopping:
        assert now == fitted.best_validation_score_
        assert fitted.best_loss_ is None
    else:
        assert now == fitted.validation_scores_[-1]
        loss = log_loss(y[80:], fitted.predict_proba(X[80:]))
        np.testing.assert_allclose(fitted.validation_loss_curve_[-1], loss, rtol=1e-9)
        assert_same_model(fitted, brief(max_iter=12, learning_rate_init=0.02).fit(X[:80], y[:80]))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_own_validation_set_of_a_regression_with_weights(loss, bands):
    X, _ = bands
    y, weights = np.abs(X[:, :2]), np.random.default_rng(2).uniform(0.1, 3, 40)
    fitted = MLPRegressor(loss, (6,), max_iter=6, random_state=0)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weights)
    predicted = fitted.predict(X[80:])
    score = r2_score(y[80:], predicted, sample_weight=weights)
    np.testing.assert_allclose(fitted.validation_scores_[-1], score, rtol=1e-9)
    if loss == "squared_error":
        expected = 0.5 * np.average((y[80:] - predicted) ** 2, axis=0, weights=weights).mean()
    else:
        deviance = y[80:] * np.log(y[80:] / predicted) - y[80:] + predicted
        expected = np.average(deviance, axis=0, weights=weights).sum()
    np.testing.assert_allclose(fitted.validation_loss_curve_[-1], expected, rtol=1e-9)


def test_validation_scores_of_rows_with_weights(bands):
    X, y = bands
    weights = np.random.default_rng(2).uniform(0.1, 3, 40)
    fitted = brief().fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weights)
    expected = accuracy_score(y[80:], fitted.predict(X[80:]), sample_weight=weights)
    np.testing.assert_allclose(fitted.validation_scores_[-1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("X_val", "y_val", "message"),
    [
        (np.zeros((5, 5)), None, "X_val needs y_val"),
        (np.zeros((1, 5)), ["low"], "X_val has 1 row"),
        (np.zeros((5, 4)), ["low"] * 5, "4 features"),
        (np.zeros((5, 5)), ["high"] * 5, "has classes not in"),
    ],
)
def test_bad_validation_sets(X_val, y_val, message, bands):
    with pytest.raises(ValueError, match=message):
        brief().fit(*bands, X_val=X_val, y_val=y_val)


def test_early_stopping_brings_the_best_weights_back(bands):
    X, y = bands
    fitted = brief(early_stopping=True, max_iter=60, learning_rate_init=0.05, n_iter_no_change=60)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    best = int(np.argmax(fitted.validation_scores_)) + 1
    assert best < 60
    assert fitted.network_.history.best_epoch == best
    assert_same_model(fitted, brief(max_iter=best, learning_rate_init=0.05).fit(X[:80], y[:80]))
