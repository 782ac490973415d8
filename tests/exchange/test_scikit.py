"""from_sklearn beside scikit-learn itself."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError

from .checks import assert_near, quietly

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

X = np.random.default_rng(1).normal(size=(200, 4)) * [1, 2, 3, 4] + [5, 0, -5, 100]
CENTRED = X - X.mean(axis=0)
TARGETS = {
    "binary": np.where(CENTRED[:, 0] > 0, "yes", "no"),
    "bools": CENTRED[:, 0] > 0,
    "classes": (CENTRED[:, 0] > 0) + 2 * (CENTRED[:, 1] > 0) + 3,
    "labels": (CENTRED[:, :3] > 0).astype(int),
    "numbers": CENTRED[:, 0] * 2,
    "several numbers": CENTRED[:, :2],
}
REGRESSIONS = ("numbers", "several numbers")


def fitted(kind, **options):
    estimator = MLPRegressor if kind in REGRESSIONS else MLPClassifier
    made = estimator(hidden_layer_sizes=(7, 5), max_iter=15, random_state=0, **options)
    return quietly(made.fit, X, TARGETS[kind])


def assert_equal(model, estimator, rows=X):
    expected = estimator.predict(rows)
    if expected.dtype.kind == "f":
        assert_near(model.predict(rows), expected, model.dtype)
        return
    np.testing.assert_array_equal(model.predict(rows), expected)
    assert_near(model.predict_proba(rows), estimator.predict_proba(rows), model.dtype)
    assert model.predict(rows).dtype.kind == expected.dtype.kind


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", TARGETS)
def test_predictions_are_equal(kind, activation):
    estimator = fitted(kind, activation=activation)
    model = fastnn.from_sklearn(estimator)
    assert model.dtype == np.float64
    assert_equal(model, estimator)
    assert_equal(fastnn.from_sklearn(estimator, dtype="float32"), estimator)


def test_weights_in_float32_stay_so():
    rows = X.astype(np.float32)
    made = MLPClassifier(hidden_layer_sizes=(7,), max_iter=10, random_state=0)
    estimator = quietly(made.fit, rows, TARGETS["classes"])
    model = fastnn.from_sklearn(estimator)
    assert model.dtype == np.float32
    assert_equal(model, estimator, rows)


def test_counts():
    made = MLPRegressor(hidden_layer_sizes=(7,), max_iter=10, random_state=0, alpha=0)
    if "loss" not in made.get_params():
        pytest.skip("this scikit-learn has no loss='poisson'")
    estimator = quietly(made.set_params(loss="poisson").fit, CENTRED, np.abs(CENTRED[:, 0]).round())
    model = fastnn.from_sklearn(estimator)
    assert model.loss_name == "poisson"
    assert_equal(model, estimator, CENTRED)


@pytest.mark.parametrize("scaler", [{}, {"with_mean": False}, {"with_std": False}])
@pytest.mark.parametrize("kind", ["binary", "several numbers"])
def test_a_pipeline_with_a_standard_scaler(kind, scaler):
    estimator = MLPRegressor if kind in REGRESSIONS else MLPClassifier
    network = estimator(hidden_layer_sizes=(7,), max_iter=10, random_state=0)
    pipeline = quietly(make_pipeline(StandardScaler(**scaler), network).fit, X, TARGETS[kind])
    model = fastnn.from_sklearn(pipeline)
    assert model.input_mean is not None
    assert_equal(model, pipeline)
    assert_equal(fastnn.from_sklearn(make_pipeline(network)), network)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("kind", TARGETS)
def test_estimators_of_fastnn(kind, standardize):
    ours = pytest.importorskip("fastnn.sklearn", reason="fastnn.sklearn does not import here")
    made = ours.MLPRegressor if kind in REGRESSIONS else ours.MLPClassifier
    estimator = made(hidden_layer_sizes=(7,), max_iter=10, random_state=0, standardize=standardize)
    model = fastnn.from_sklearn(quietly(estimator.fit, X, TARGETS[kind]))
    assert (model.input_mean is not None) == standardize
    assert_equal(model, estimator)


def test_other_estimators_are_refused():
    with pytest.raises(InputError, match="MLPClassifier was not fitted: call fit first"):
        fastnn.from_sklearn(MLPClassifier())
    with pytest.raises(InputError, match="it got RandomForestClassifier"):
        fastnn.from_sklearn(RandomForestClassifier())
    with pytest.raises(InputError, match="it got list"):
        fastnn.from_sklearn([1, 2])
    with pytest.raises(InputError, match="the pipeline has MinMaxScaler before its network"):
        fastnn.from_sklearn(make_pipeline(MinMaxScaler(), fitted("binary")))
    with pytest.raises(InputError, match="one fitted StandardScaler"):
        fastnn.from_sklearn(make_pipeline(StandardScaler(), fitted("binary")))
    strange = fitted("binary")
    strange.out_activation_ = "swish"
    with pytest.raises(InputError, match="out_activation_='swish' of MLPClassifier is unknown"):
        fastnn.from_sklearn(strange)
    broken = fitted("binary")
    broken.coefs_[1][0, 0] = np.nan
    with pytest.raises(InputError, match=r"weights\[1\] holds nan"):
        fastnn.from_sklearn(broken)
