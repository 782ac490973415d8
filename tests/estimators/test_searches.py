"""Searches over settings: several processes find what one finds, each with its share of the CPUs."""

import os
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is optional")

import joblib
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import backends, cpus
from fastnn.sklearn import MLPClassifier, MLPRegressor
from tests.estimators.examples import example
from tests.estimators.teams import WIDE, Team, places, score_and_place

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def no_limits(monkeypatch):
    """Limits of this shell would be inherited by the workers."""
    for name in cpus.THREAD_LIMITS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


def standardised(**parameters):
    settings = {"hidden_layer_sizes": (10,), "max_iter": 10, "random_state": 0} | parameters
    return make_pipeline(StandardScaler(), MLPClassifier(**settings))


CHOICES = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__hidden_layer_sizes": [(5,), (20, 10)]}


def assert_same_search(one, other):
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"])
    assert one.best_params_ == other.best_params_
    for a, b in zip(one.best_estimator_[-1].coefs_, other.best_estimator_[-1].coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_readme_example_of_a_search(capsys):
    names = {}
    exec(example("GridSearchCV"), names)
    assert names["search"].best_score_ > 0.9
    assert names["search"].best_params_.keys() == {
        "mlpclassifier__hidden_layer_sizes",
        "mlpclassifier__alpha",
    }


def test_workers_find_what_one_process_finds(wine):
    alone = GridSearchCV(standardised(), CHOICES, cv=3).fit(*wine)
    with joblib.parallel_config(backend="loky"):
        assert_same_search(GridSearchCV(standardised(), CHOICES, cv=3, n_jobs=-1).fit(*wine), alone)
    with joblib.parallel_config(backend="threading"):
        assert_same_search(GridSearchCV(standardised(), CHOICES, cv=3, n_jobs=2).fit(*wine), alone)


def test_the_best_settings_are_found(wine):
    choices = {"mlpclassifier__learning_rate_init": [1e-6, 1e-2], "mlpclassifier__max_iter": [40]}
    search = GridSearchCV(standardised(), choices, cv=3).fit(*wine)
    assert search.best_params_["mlpclassifier__learning_rate_init"] == 1e-2
    assert search.best_score_ > 0.9
    assert pickle.loads(pickle.dumps(search)).score(*wine) == search.score(*wine)


def test_fastnns_own_parameters_are_searched(wine):
    choices = {"dropout": [0.0, 0.5], "class_weight": [None, "balanced"], "standardize": [False, True]}
    model = MLPClassifier(hidden_layer_sizes=(20,), max_iter=20, learning_rate_init=0.01, random_state=0)
    search = GridSearchCV(model, choices, cv=3, refit=False).fit(*wine)
    scores = search.cv_results_["mean_test_score"]
    standardized = np.array([settings["standardize"] for settings in search.cv_results_["params"]])
    assert scores[standardized].min() > scores[~standardized].max()


def test_regressors_are_searched():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 3))
    choices = {"solver": ["lbfgs", "adam"], "activation": ["tanh", "identity"]}
    model = MLPRegressor(hidden_layer_sizes=(10,), max_iter=100, learning_rate_init=0.01, random_state=0)
    search = GridSearchCV(model, choices, cv=KFold(3)).fit(X, np.sin(2 * X[:, 0]) * X[:, 1])
    assert search.best_params_["activation"] == "tanh"


def test_random_and_halving_searches(wine):
    choices = {"mlpclassifier__alpha": [1e-4, 1e-3, 1e-2, 1e-1]}
    randomised = RandomizedSearchCV(standardised(), choices, n_iter=3, cv=3, random_state=0).fit(*wine)
    assert len(randomised.cv_results_["params"]) == 3
    # Epochs are the resource here: candidates that do well are trained for longer.
    halving = HalvingGridSearchCV(
        standardised(), choices, resource="mlpclassifier__max_iter", min_resources=4, max_resources=16,
        factor=2, cv=3, random_state=0,
    ).fit(*wine)  # fmt: skip
    assert halving.n_resources_ == [4, 8, 16]
    assert halving.best_estimator_[-1].n_iter_ == 16


def test_probabilities_reach_the_scorer(wine):
    scorer = make_scorer(roc_auc_score, response_method="predict_proba", multi_class="ovr")
    settings = {"mlpclassifier__max_iter": [5, 60], "mlpclassifier__learning_rate_init": [0.01]}
    search = GridSearchCV(standardised(), settings, cv=3, scoring=scorer).fit(*wine)
    assert search.best_params_["mlpclassifier__max_iter"] == 60
    assert search.best_score_ > 0.95


def test_a_candidate_that_fails_is_named(wine):
    choices = {"mlpclassifier__solver": ["adam", "adamant"]}
    search = GridSearchCV(standardised(), choices, cv=3)
    with (
        pytest.warns(FitFailedWarning, match="adamant"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(*wine)
    assert search.best_params_ == {"mlpclassifier__solver": "adam"}
    assert np.isnan(search.cv_results_["mean_test_score"][1])


# ---- each worker uses its share of the CPUs ---------------------------------------------------------------


@pytest.mark.skipif("numba" not in backends.available(), reason="threads are of the Numba backend")
class TestShares:
    """Threads that train a network wide enough for several."""

    def search(self, digits, n_jobs, **parameters):
        model = MLPClassifier(callbacks=[Team()], random_state=0, backend="numba", **WIDE, **parameters)
        search = GridSearchCV(
            model, {"alpha": [1e-4, 1e-2]}, cv=2, scoring=score_and_place, refit="score", n_jobs=n_jobs
        )
        return search.fit(*digits)

    def test_one_process_has_all_cpus(self, digits):
        threads, usable, processes = places(self.search(digits, 1), 2)
        assert usable == {cpus.usable_cpus()}
        assert threads == usable
        assert processes == {os.getpid()}

    def test_workers_share_the_cpus(self, digits):
        with joblib.parallel_config(backend="loky"):
            threads, usable, processes = places(self.search(digits, 2), 2)
        assert threads == usable == {max(1, joblib.cpu_count() // 2)}
        assert os.getpid() not in processes

    def test_as_many_workers_as_cpus_have_one_thread_each(self, digits):
        if joblib.cpu_count() == 1:
            pytest.skip("with one CPU, n_jobs=-1 is this process")
        with joblib.parallel_config(backend="loky"):
            threads, _, processes = places(self.search(digits, -1), 2)
        assert threads == {1}
        assert os.getpid() not in processes

    def test_threads_that_are_asked_for_are_given(self, digits):
        with joblib.parallel_config(backend="loky"):
            threads, _, _ = places(self.search(digits, 2, threads=joblib.cpu_count()), 2)
        assert threads == {joblib.cpu_count()}

    def test_the_share_changes_no_bit(self, digits):
        alone = self.search(digits, 1)
        with joblib.parallel_config(backend="loky"):
            shared = self.search(digits, 2)
        np.testing.assert_array_equal(
            alone.cv_results_["mean_test_score"], shared.cv_results_["mean_test_score"]
        )
        assert alone.best_estimator_.loss_curve_ == clone(shared.best_estimator_).fit(*digits).loss_curve_
