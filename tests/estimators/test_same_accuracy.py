"""Where the random streams differ, fastnn's estimators are as accurate as scikit-learn's, or more."""

import statistics

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is optional")

import sklearn.neural_network
from scipy.stats import ttest_rel
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import fastnn.sklearn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Worse only if the mean is lower, by more than the seeds explain: a paired t-test, one-sided.
SIGNIFICANT = 0.01


def california_like():
    """Made up after the California housing table: eight columns like its own, and prices capped at 5."""
    generator, n = np.random.default_rng(0), 1_000
    income, age = generator.lognormal(1.2, 0.45, n), generator.uniform(1, 52, n)
    rooms, bedrooms = generator.normal(5.4, 1.2, n), generator.normal(1.1, 0.15, n)
    population, occupancy = generator.lognormal(7, 0.7, n), generator.lognormal(1, 0.25, n)
    south = generator.random(n) < 0.6
    latitude = np.where(south, 34.0, 37.7) + generator.normal(0, 0.7, n)
    longitude = np.where(south, -118.2, -122.1) + generator.normal(0, 0.7, n)
    near_the_coast = np.exp(-((latitude - 34 + 0.9 * (longitude + 118.2)) ** 2))
    price = 0.45 * income + 0.008 * age + 0.9 * near_the_coast - 0.35 * (occupancy - 2.7) + 0.05 * rooms
    price = np.clip(price + generator.normal(0, 0.3, n), 0.15, 5)
    columns = [income, age, rooms, bedrooms, population, occupancy, latitude, longitude]
    return np.column_stack(columns), price


def diabetes():
    """Targets standardised, as people do before they fit a network."""
    X, y = load_diabetes(return_X_y=True)
    return X, (y - y.mean()) / y.std()


CLASSIFIER, REGRESSOR = "MLPClassifier", "MLPRegressor"
TABLES = {
    "digits": (CLASSIFIER, lambda: load_digits(return_X_y=True), {}),
    "breast cancer": (CLASSIFIER, lambda: load_breast_cancer(return_X_y=True), {}),
    "wine": (CLASSIFIER, lambda: load_wine(return_X_y=True), {}),
    "diabetes": (REGRESSOR, diabetes, {"alpha": 1.0}),
    "California-like": (REGRESSOR, california_like, {}),
}


def scores(name, seeds, **settings):
    """Test accuracies (or R²) of fastnn and of scikit-learn: the same splits, other random streams."""
    kind, load, usual = TABLES[name]
    X, y = load()
    ours, theirs = [], []
    for seed in seeds:
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.25, random_state=seed, stratify=y if kind == CLASSIFIER else None
        )
        scaler = StandardScaler().fit(X_train)
        rows = scaler.transform(X_train), scaler.transform(X_test)
        for library, found, stream in (
            (fastnn.sklearn, ours, 1000 + seed),
            (sklearn.neural_network, theirs, seed),
        ):
            estimator = getattr(library, kind)(random_state=stream, **usual | settings)
            found.append(estimator.fit(rows[0], y_train).score(rows[1], y_test))
    return ours, theirs


def worse(ours, theirs):
    """Whether `ours` are lower by more than chance explains."""
    if statistics.mean(ours) >= statistics.mean(theirs):
        return False
    return ttest_rel(ours, theirs, alternative="less").pvalue < SIGNIFICANT


def test_the_comparison_can_fail():
    generator = np.random.default_rng(0)
    theirs = list(generator.normal(0.95, 0.01, 10))
    alike = [score + noise for score, noise in zip(theirs, generator.normal(0, 0.01, 10), strict=True)]
    assert not worse(alike, theirs)
    assert not worse([score + 0.02 for score in alike], theirs)
    assert worse([score - 0.02 for score in alike], theirs)


# Short trainings of a few seeds, whose scores are far from chance and within what seeds explain.
@pytest.mark.parametrize("name", TABLES)
def test_as_accurate_in_a_few_epochs(name):
    ours, theirs = scores(name, range(3), max_iter=30, hidden_layer_sizes=(30,), learning_rate_init=0.01)
    assert not worse(ours, theirs)
    assert statistics.mean(ours) > {"diabetes": 0.2, "California-like": 0.6}.get(name, 0.9)
    assert abs(statistics.mean(ours) - statistics.mean(theirs)) < 0.08


SETTINGS = [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"solver": "sgd"}]


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", TABLES)
def test_as_accurate_over_ten_seeds(name, settings):
    ours, theirs = scores(name, range(10), **settings)
    print(name, settings, statistics.mean(ours), statistics.mean(theirs))  # pytest shows it if this fails
    assert not worse(ours, theirs)
