"""With the same random_state the estimators find what scikit-learn's find: coefficients, losses, scores."""

import inspect
from contextlib import nullcontext

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn import neural_network as theirs
from sklearn.datasets import make_multilabel_classification

import fastnn.sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

has_weights = pytest.mark.skipif(
    "sample_weight" not in inspect.signature(theirs.MLPClassifier.fit).parameters,
    reason="this scikit-learn has no sample_weight in fit",
)
has_poisson = pytest.mark.skipif(
    "loss" not in inspect.signature(theirs.MLPRegressor).parameters,
    reason="this scikit-learn has no loss='poisson'",
)

KINDS = ["binary", "multiclass", "multilabel", "regression", "several outputs"]
KINDS_AND_POISSON = [*KINDS, pytest.param("poisson", marks=has_poisson)]
N_ROWS = 97  # batches of 20 leave a smaller one


def problem(kind, n_rows=N_ROWS):
    """(name of the estimator, X, y, parameters)."""
    generator = np.random.default_rng(5)
    X = generator.normal(size=(n_rows, 6))
    signal = X @ generator.normal(size=(6, 3)) + 0.3 * generator.normal(size=(n_rows, 3))
    if kind == "binary":
        return "MLPClassifier", X, np.where(signal[:, 0] > 0, 4, 2), {}
    if kind == "multiclass":
        return "MLPClassifier", X, np.array([7, 3, 5])[signal.argmax(axis=1)], {}
    if kind == "multilabel":
        X, Y = make_multilabel_classification(n_rows, 6, n_classes=4, random_state=3)
        return "MLPClassifier", X / 10, Y, {}
    if kind == "regression":
        return "MLPRegressor", X, signal[:, 0], {}
    if kind == "poisson":
        return "MLPRegressor", X, generator.poisson(np.exp(signal[:, :2] / 3)), {"loss": "poisson"}
    return "MLPRegressor", X, signal, {}


def pair(name, **parameters):
    """The same estimator of both; theirs has no backend."""
    parameters = {"hidden_layer_sizes": (9,), "random_state": 1, "max_iter": 4, "batch_size": 20} | parameters
    backend = {name: parameters.pop(name) for name in ("backend",) if name in parameters}
    return getattr(ours, name)(**parameters, **backend), getattr(theirs, name)(**parameters)


def fitted(name, X, y, fit_parameters=None, **parameters):
    both = pair(name, **parameters)
    for estimator in both:
        estimator.fit(X, y, **(fit_parameters or {}))
    return both


def assert_same(ours, theirs, X, rtol=1e-8):
    for own, wanted in zip(
        [*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True
    ):
        np.testing.assert_allclose(own, wanted, rtol=rtol, atol=rtol * 1e-3)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_"):
        own, wanted = getattr(ours, name, None), getattr(theirs, name, None)
        assert (own is None) == (wanted is None), name
        if wanted is not None:
            np.testing.assert_allclose(own, wanted, rtol=rtol, err_msg=name)
    predicted, wanted = ours.predict(X), theirs.predict(X)
    assert predicted.shape == wanted.shape
    if not hasattr(theirs, "classes_"):
        np.testing.assert_allclose(predicted, wanted, rtol=rtol, atol=rtol)
        return
    assert predicted.dtype == wanted.dtype
    np.testing.assert_array_equal(predicted, wanted)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("kind", KINDS_AND_POISSON)
def test_epochs(kind, solver, backend_name):
    name, X, y, parameters = problem(kind)
    assert_same(*fitted(name, X, y, solver=solver, backend=backend_name, **parameters), X)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", KINDS_AND_POISSON[-1]])
def test_lbfgs(kind, backend_name):
    name, X, y, parameters = problem(kind)
    parameters |= {"activation": "tanh", "max_iter": 8}
    assert_same(*fitted(name, X, y, solver="lbfgs", backend=backend_name, **parameters), X, rtol=1e-6)


def test_lbfgs_finds_a_lower_minimum_for_several_outputs():
    # scikit-learn's loss is the mean over the outputs, its gradient that of their sum: its search gives up.
    name, X, y, _ = problem("several outputs")
    parameters = {"solver": "lbfgs", "activation": "identity", "max_iter": 2000, "tol": 1e-9, "alpha": 1.0}
    mine, other = fitted(name, X, y, **parameters)

    def objective(estimator):
        squares = sum(np.sum(W**2) for W in estimator.coefs_)
        return 0.5 * np.sum((y - estimator.predict(X)) ** 2) + 0.5 * squares

    assert objective(mine) < objective(other)
    np.testing.assert_allclose(mine.predict(X), other.predict(X), atol=0.05)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize(("momentum", "nesterovs_momentum"), [(0.0, True), (0.9, False), (0.9, True)])
def test_every_kind_of_sgd(learning_rate, momentum, nesterovs_momentum, backend_name):
    name, X, y, _ = problem("multiclass")
    parameters = {
        "learning_rate": learning_rate,
        "learning_rate_init": 0.05,
        "power_t": 0.3,
        "momentum": momentum,
        "nesterovs_momentum": nesterovs_momentum,
    }
    assert_same(*fitted(name, X, y, solver="sgd", backend=backend_name, **parameters), X)


def test_adaptive_rates_go_down_alike():
    # Patience is one epoch shorter here, as documented; the velocities must follow the rate.
    name, X, y, _ = problem("multiclass")
    parameters = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05, "tol": 0.05}
    mine, _ = pair(name, **parameters, n_iter_no_change=3, max_iter=40)
    _, other = pair(name, **parameters, n_iter_no_change=2, max_iter=40)
    assert_same(mine.fit(X, y), other.fit(X, y), X)
    rates = mine.network_.history["learning_rate"]
    assert len(set(rates)) > 2
    assert min(rates) < 0.05 / 20


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("alpha", [0.0, 10.0])
def test_penalty(solver, alpha):
    name, X, y, _ = problem("multiclass")
    mine, other = fitted(name, X, y, solver=solver, alpha=alpha, activation="tanh")
    assert_same(mine, other, X, rtol=1e-7)
    if solver != "lbfgs":
        assert np.isclose(mine.network_.history["loss"][-1], mine.loss_) == (alpha == 0)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (5,), (8, 7, 6)])
def test_activations_and_depths(activation, hidden):
    name, X, y, _ = problem("multiclass")
    assert_same(*fitted(name, X, y, activation=activation, hidden_layer_sizes=hidden), X)


@pytest.mark.parametrize("batch_size", [1, 96, 97, 1000, "auto"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_batches(batch_size, shuffle):
    name, X, y, _ = problem("multiclass")
    assert_same(*fitted(name, X, y, batch_size=batch_size, shuffle=shuffle, max_iter=3), X, rtol=1e-7)


@pytest.mark.parametrize("n_rows", [200, 201, 450])
def test_automatic_batches(n_rows):
    name, X, y, _ = problem("regression", n_rows)
    assert_same(*fitted(name, X, y, batch_size="auto"), X)


@has_weights
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", KINDS_AND_POISSON[-1]])
def test_sample_weight(kind, solver, backend_name):
    name, X, y, parameters = problem(kind)
    weights = np.random.default_rng(1).integers(0, 4, len(X)).astype(float)
    parameters |= {"solver": solver, "activation": "tanh", "alpha": 0.5, "backend": backend_name}
    both = fitted(name, X, y, {"sample_weight": weights}, **parameters)
    assert_same(*both, X, rtol=1e-7)


@pytest.mark.parametrize("weighted", [False, pytest.param(True, marks=has_weights)])
@pytest.mark.parametrize("kind", ["binary", "multilabel", "regression", "several outputs"])
def test_early_stopping(kind, weighted):
    name, X, y, parameters = problem(kind)
    parameters |= {"early_stopping": True, "validation_fraction": 0.3, "learning_rate_init": 0.02}
    weights = np.random.default_rng(1).integers(1, 4, len(X)).astype(float) if weighted else None
    fit_parameters = {} if weights is None else {"sample_weight": weights}
    both = pair(name, **parameters, max_iter=30, n_iter_no_change=100)
    for estimator in both:
        estimator.fit(X, y, **fit_parameters)
    assert_same(*both, X, rtol=1e-7)
    assert len(both[0].validation_scores_) == 30
    assert len(set(both[0].validation_scores_)) > 3


@pytest.mark.parametrize("early_stopping", [False, True])
def test_stops_when_theirs_would_with_one_epoch_less_patience(early_stopping):
    name, X, y, _ = problem("binary")
    parameters = {"early_stopping": early_stopping, "tol": 0.02, "max_iter": 200, "learning_rate_init": 0.01}
    mine, _ = pair(name, **parameters, n_iter_no_change=4)
    _, other = pair(name, **parameters, n_iter_no_change=3)
    assert_same(mine.fit(X, y), other.fit(X, y), X, rtol=1e-7)
    assert mine.n_iter_ < 200


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit(kind, solver):
    name, X, y, _ = problem(kind)
    both = pair(name, solver=solver, learning_rate="invscaling", learning_rate_init=0.01)
    first = {}
    if name == "MLPClassifier":
        first = {"classes": np.arange(4) if kind == "multilabel" else np.unique(y)}
    for estimator in both:
        estimator.partial_fit(X[:50], y[:50], **first)
        estimator.partial_fit(X[50:], y[50:])
        estimator.partial_fit(X, y)
    assert_same(*both, X)


def test_partial_fit_after_fit_carries_on_with_the_optimizer():
    name, X, y, _ = problem("multiclass")
    both = fitted(name, X, y, solver="adam")
    for estimator in both:
        estimator.partial_fit(X, y)
    assert_same(*both, X)


@pytest.mark.parametrize("parameters", [{"solver": "lbfgs"}, {"solver": "sgd", "momentum": 0.0}])
def test_warm_start_where_there_is_no_state_to_keep(parameters):
    name, X, y, _ = problem("multiclass")
    both = fitted(name, X, y, warm_start=True, activation="tanh", **parameters)
    for estimator in both:
        estimator.fit(X, y)
    assert_same(*both, X, rtol=1e-6)


def test_the_random_state_is_left_as_theirs():
    name, X, y, _ = problem("binary")
    streams = [np.random.RandomState(4), np.random.RandomState(4)]
    for batch_size in (20, 500):
        both = pair(name, batch_size=batch_size, early_stopping=True)
        with pytest.warns(UserWarning, match="clipped") if batch_size == 500 else nullcontext():
            for estimator, stream in zip(both, streams, strict=True):
                estimator.set_params(random_state=stream).fit(X, y)
        assert_same(*both, X)
    assert streams[0].randint(2**31) == streams[1].randint(2**31)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("kind", ["multiclass", "regression"])
def test_float32_stays_float32(kind, solver, backend_name):
    name, X, y, _ = problem(kind)
    mine, other = fitted(name, X.astype(np.float32), y, solver=solver, backend=backend_name)
    assert {array.dtype for array in [*mine.coefs_, *mine.intercepts_]} == {np.dtype(np.float32)}
    for own, wanted in zip(mine.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-4)
    if name == "MLPRegressor":
        assert mine.predict(X.astype(np.float32)).dtype == np.float32
    else:
        assert mine.predict_proba(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_features_and_sparse_labels(solver):
    from scipy import sparse

    name, X, y, _ = problem("multilabel")
    X[np.abs(X) < 0.5] = 0
    for container in (sparse.csr_matrix, sparse.csc_array):
        both = fitted(name, container(X), y, solver=solver, activation="tanh")
        assert_same(*both, container(X), rtol=1e-6)
    mine, other = fitted(name, X, sparse.csr_matrix(y), max_iter=30)
    assert sparse.issparse(mine.predict(X))
    np.testing.assert_array_equal(mine.predict(X).toarray(), other.predict(X).toarray())


def test_a_single_class():
    X = np.random.default_rng(0).normal(size=(30, 3))
    mine, other = fitted("MLPClassifier", X, ["only"] * 30)
    np.testing.assert_array_equal(mine.predict(X), other.predict(X))
    np.testing.assert_array_equal(mine.predict_proba(X), np.ones((30, 1)))  # theirs has a column for nothing


def test_the_comparison_sees_another_seed():
    name, X, y, _ = problem("binary")
    mine, other = pair(name)
    with pytest.raises(AssertionError):
        assert_same(mine.fit(X, y), other.set_params(random_state=2).fit(X, y), X)
