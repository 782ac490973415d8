"""Estimators that are fitted in milliseconds, for tests of who calls what with which rows."""

from numpy.testing import assert_array_equal

from fastnn.sklearn import MLPClassifier


def small(estimator_class=MLPClassifier, **parameters):
    return estimator_class(**{"hidden_layer_sizes": (12,), "max_iter": 10, "random_state": 0} | parameters)


def brief(**parameters):
    """A classifier of five epochs."""
    return small(**{"max_iter": 5} | parameters)


def assert_same_model(one, other):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert_array_equal(a, b)
