"""Searches on a Dask cluster of two worker processes: the results of one process, and one thread in each."""

import os

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is optional")
pytest.importorskip("distributed", reason="needs Dask: pip install 'dask[distributed]'")

import joblib
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score

from fastnn import backends
from fastnn.sklearn import MLPClassifier
from tests.estimators.examples import example
from tests.estimators.teams import WIDE, Team, places, score_and_place

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module", autouse=True)
def environment():
    """As it was: Dask leaves OMP_NUM_THREADS=1 and more behind in the process that starts a cluster."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def client():
    """Of a cluster of two processes on this machine."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


def test_a_search_finds_what_one_process_finds(client, digits):
    model = MLPClassifier(hidden_layer_sizes=(20,), max_iter=15, random_state=0)
    choices = {"alpha": [1e-4, 1.0], "learning_rate_init": [1e-3, 1e-2]}
    alone = GridSearchCV(model, choices, cv=3).fit(*digits)
    with joblib.parallel_config(backend="dask"):
        spread = GridSearchCV(model, choices, cv=3).fit(*digits)
    for fold in range(3):
        name = f"split{fold}_test_score"
        np.testing.assert_array_equal(spread.cv_results_[name], alone.cv_results_[name])
    assert spread.best_params_ == alone.best_params_
    np.testing.assert_array_equal(spread.predict_proba(digits[0]), alone.predict_proba(digits[0]))


@pytest.mark.skipif("numba" not in backends.available(), reason="threads are of the Numba backend")
def test_both_processes_train_on_one_thread_each(client, digits):
    model = MLPClassifier(callbacks=[Team()], random_state=0, backend="numba", **WIDE)
    search = GridSearchCV(
        model, {"alpha": [1e-4, 1e-3, 1e-2]}, cv=4, scoring=score_and_place, refit=False, pre_dispatch="all"
    )
    with joblib.parallel_config(backend="dask"):
        search.fit(*digits)
    threads, usable, processes = places(search, 4)
    assert threads == usable == {1}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_cross_validation(client, digits):
    model = MLPClassifier(hidden_layer_sizes=(10,), max_iter=5, random_state=0)
    alone = cross_val_score(model, *digits, cv=4)
    with joblib.parallel_config(backend="dask"):
        np.testing.assert_array_equal(cross_val_score(model, *digits, cv=4), alone)


@pytest.mark.slow
# Dask's status page wants a port that another program may have; Dask says so, and forgets a socket meanwhile.
@pytest.mark.filterwarnings("ignore:Port 8787 is already in use:UserWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_readme_example_of_a_cluster():
    names = {"__name__": "__main__"}
    exec(example("GridSearchCV"), names)
    before = names["search"].cv_results_["mean_test_score"]
    exec(example("dask"), names)
    np.testing.assert_array_equal(names["search"].cv_results_["mean_test_score"], before)
