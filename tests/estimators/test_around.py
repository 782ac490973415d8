"""Cross-validation, calibration, inspection, and estimators made of several: all take fastnn's."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is optional")

from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.preprocessing import StandardScaler

from fastnn.sklearn import MLPClassifier, MLPRegressor
from tests.estimators.small import assert_same_model, small

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_cross_val_score_is_a_loop_over_folds(estimator_class, table):
    X, y = table
    folds = KFold(3, shuffle=True, random_state=0)
    estimator = small(estimator_class)
    by_hand = [
        clone(estimator).fit(X[train], y[train]).score(X[test], y[test]) for train, test in folds.split(X)
    ]
    assert_array_equal(cross_val_score(estimator, X, y, cv=folds), by_hand)


def test_cross_val_predict_takes_probabilities(iris):
    P = cross_val_predict(small(), *iris, cv=3, method="predict_proba")
    assert P.shape == (150, 3)
    np.testing.assert_allclose(P.sum(axis=1), 1)


def test_learning_curve(estimator_class, table):
    X, y = table
    settings = {"train_sizes": [60, 90], "cv": 3, "shuffle": True, "random_state": 0}
    sizes, _, scores = learning_curve(small(estimator_class), X, y, **settings)
    assert list(sizes) == [60, 90]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_probabilities(iris, method):
    X, y = iris
    trained = small(max_iter=60, learning_rate_init=0.01)
    calibrated = CalibratedClassifierCV(trained, method=method, cv=3).fit(X, y)
    assert_array_equal(calibrated.classes_, np.unique(y))
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, y) > 0.85
    frozen = FrozenEstimator(trained.fit(X[::2], y[::2]))
    assert CalibratedClassifierCV(frozen, method=method).fit(X[1::2], y[1::2]).score(X, y) > 0.85


def test_permutation_importance_finds_what_matters(estimator_class):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 5))
    y = np.sin(2 * X[:, 3])
    y = y > 0 if estimator_class is MLPClassifier else y
    model = small(estimator_class, max_iter=60, learning_rate_init=0.02).fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 3
    assert importance[3] > 5 * np.delete(importance, 3).max()


def test_partial_dependence(estimator_class, table):
    X, y = table
    found = partial_dependence(small(estimator_class).fit(X, y), X, [0], grid_resolution=5)
    outputs = 3 if estimator_class is MLPClassifier else 1
    assert found["average"].shape == (outputs, 5)
    assert np.ptp(found["average"]) > 0


AROUND = {
    "bagging": BaggingClassifier(small(), n_estimators=3, random_state=0),
    "boosting": AdaBoostClassifier(small(max_iter=60), n_estimators=3, random_state=0),
    "one a class": OneVsRestClassifier(small()),
    "stacking": StackingClassifier([("network", small()), ("linear", LogisticRegression())], cv=3),
    "voting": VotingClassifier([("network", small()), ("linear", LogisticRegression())], voting="soft"),
}


@pytest.mark.parametrize("name", AROUND)
def test_estimators_of_several_take_it(iris, name):
    X, y = iris
    model = clone(AROUND[name])
    inner = next(value for value in _estimators(model) if isinstance(value, MLPClassifier))
    inner.set_params(max_iter=60, learning_rate_init=0.01)
    assert model.fit(X, y).score(X, y) > 0.9
    assert model.predict_proba(X).shape == (150, 3)


def _estimators(model):
    return list(model.get_params(deep=True).values())


def test_targets_are_transformed_around_a_regressor(diabetes):
    X, y = diabetes
    settings = {"max_iter": 60, "learning_rate_init": 0.01}
    transformed = TransformedTargetRegressor(small(MLPRegressor, **settings), transformer=StandardScaler())
    transformed.fit(X, 70 * y + 150)
    alone = small(MLPRegressor, **settings).fit(X, y)
    np.testing.assert_allclose(transformed.predict(X), 70 * alone.predict(X) + 150, rtol=1e-4)


def test_one_regressor_an_output(diabetes):
    X, y = diabetes
    several = MultiOutputRegressor(small(MLPRegressor)).fit(X, np.column_stack([y, -y, X[:, 0]]))
    assert_same_model(several.estimators_[0], small(MLPRegressor).fit(X, y))
    assert several.predict(X).shape == (len(X), 3)
