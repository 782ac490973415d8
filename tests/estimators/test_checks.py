"""scikit-learn's own checks of estimators: all of them, none expected to fail."""

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from fastnn.sklearn import MLPClassifier, MLPRegressor

ESTIMATORS = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Can't check dok sparse matrix for nan or inf:UserWarning"),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_compatible(estimator, check):
    check(estimator)


def test_check_estimator_finds_what_is_wrong():
    class Careless(MLPRegressor):
        def predict(self, X):
            return super().predict(X)[:, None]

    with pytest.raises(AssertionError):
        check_estimator(Careless(max_iter=2))
