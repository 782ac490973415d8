"""Small tables for the tests of estimators; scikit-learn is optional, so it is imported late."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def iris():
    from sklearn.datasets import load_iris
    from sklearn.preprocessing import StandardScaler

    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="session")
def diabetes():
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import StandardScaler

    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


@pytest.fixture(params=["MLPClassifier", "MLPRegressor"])
def estimator_class(request):
    import fastnn.sklearn

    return getattr(fastnn.sklearn, request.param)


@pytest.fixture
def table(estimator_class, iris, diabetes):
    """(X, y) that suit the class."""
    return iris if estimator_class.__name__ == "MLPClassifier" else diabetes


@pytest.fixture
def bands():
    """(X, y): 120 rows of five features, three classes by a curve."""
    X = np.random.default_rng(0).normal(size=(120, 5))
    return X, np.array(["low", "mid", "top"])[np.digitize(X[:, 0] + X[:, 1] ** 2, [0.3, 1.2])]
