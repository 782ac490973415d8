"""Estimators in files, in other processes and in several threads."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is optional")

import joblib
from numpy.testing import assert_array_equal

from fastnn.sklearn import MLPClassifier
from tests.estimators.small import assert_same_model, small

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def through_pickle(estimator, folder):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def through_mapped_memory(estimator, folder):
    joblib.dump(estimator, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def through_deepcopy(estimator, folder):
    return copy.deepcopy(estimator)


WAYS = [through_pickle, through_joblib, through_mapped_memory, through_deepcopy]


@pytest.mark.parametrize("way", WAYS)
def test_a_stored_model_predicts_the_same(estimator_class, table, way, tmp_path):
    X, y = table
    fitted = small(estimator_class).fit(X, y)
    expected = fitted.predict(X)
    stored = way(fitted, tmp_path)
    assert stored.get_params() == fitted.get_params()
    assert_array_equal(stored.predict(X), expected)
    if estimator_class is MLPClassifier:
        assert_array_equal(stored.predict_proba(X), fitted.predict_proba(X))
        assert_array_equal(stored.predict_proba(X[:1]), fitted.predict_proba(X[:1]))


@pytest.mark.parametrize("way", [through_pickle, through_joblib, through_deepcopy])
def test_a_stored_model_learns_on_as_the_first_one_does(estimator_class, table, way, tmp_path):
    X, y = table
    first = small(estimator_class)
    classes = {"classes": np.unique(y)} if estimator_class is MLPClassifier else {}
    first.partial_fit(X, y, **classes)
    stored = way(first, tmp_path)
    for _ in range(2):
        assert_same_model(stored.partial_fit(X, y), first.partial_fit(X, y))


def test_a_stored_model_holds_no_rows(estimator_class):
    X = np.random.default_rng(0).normal(size=(2_000, 6))
    y = X[:, 0] > 0 if estimator_class is MLPClassifier else X[:, 0]
    fitted = small(estimator_class, early_stopping=True).fit(X, y)
    assert len(pickle.dumps(fitted)) < X.nbytes / 4


def test_predicting_changes_nothing_that_is_stored(estimator_class, table):
    fitted = small(estimator_class).fit(*table)
    before = pickle.dumps(fitted)
    fitted.predict(table[0])
    fitted.predict(table[0][:1])
    assert pickle.dumps(fitted) == before


def test_an_unfitted_one_is_stored_too(estimator_class, table, tmp_path):
    estimator = small(estimator_class, alpha=0.3)
    assert_same_model(through_joblib(estimator, tmp_path).fit(*table), estimator.fit(*table))


def test_a_fitted_one_predicts_in_other_processes(estimator_class, table):
    X, y = table
    fitted = small(estimator_class).fit(X, y)
    predict = fitted.predict_proba if estimator_class is MLPClassifier else fitted.predict
    parts = joblib.Parallel(n_jobs=2)(joblib.delayed(predict)(part) for part in np.array_split(X, 4))
    np.testing.assert_allclose(np.concatenate(parts), predict(X), rtol=1e-10)


def test_threads_share_a_fitted_one(estimator_class, table):
    X, y = table
    fitted = small(estimator_class, hidden_layer_sizes=(200,)).fit(X, y)
    expected = fitted.predict(X)
    with joblib.parallel_config(backend="threading"):
        for found in joblib.Parallel(n_jobs=4)(joblib.delayed(fitted.predict)(X) for _ in range(20)):
            assert_array_equal(found, expected)
