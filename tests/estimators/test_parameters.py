"""Parameters, attributes, messages and stopping of the estimators, as scikit-learn documents them."""

import inspect
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from fastnn.sklearn import MLPClassifier, MLPRegressor

BOTH = [MLPClassifier, MLPRegressor]
OWN = {"dropout", "standardize", "callbacks", "backend", "threads"}
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 4))
    return X, (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)


@pytest.mark.parametrize("estimator", BOTH)
def test_parameters_and_defaults_are_theirs_and_a_few_more(estimator):
    wanted = inspect.signature(getattr(neural_network, estimator.__name__)).parameters
    found = inspect.signature(estimator).parameters
    for name, parameter in wanted.items():
        assert found[name].default == parameter.default, name
        assert found[name].kind == parameter.kind, name
    more = OWN | ({"class_weight"} if estimator is MLPClassifier else {"huber_delta"})
    assert found.keys() - wanted.keys() <= more | {"loss"}
    assert estimator().get_params().keys() == found.keys()
    own_first = [name for name in found if name not in more]
    assert own_first[: len(wanted)] == list(wanted) or "loss" not in wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", -1),
        ("activation", "softmax"),
        ("solver", "newton"),
        ("alpha", -0.1),
        ("batch_size", 0),
        ("batch_size", "all"),
        ("learning_rate", "cosine"),
        ("learning_rate_init", 0),
        ("power_t", -1),
        ("max_iter", 0),
        ("shuffle", "yes"),
        ("random_state", "seed"),
        ("tol", -1),
        ("warm_start", "no"),
        ("momentum", 1.1),
        ("nesterovs_momentum", 3),
        ("early_stopping", 5),
        ("validation_fraction", 1),
        ("beta_1", 1),
        ("beta_2", 1),
        ("epsilon", 0),
        ("n_iter_no_change", 0),
        ("max_fun", 0),
        ("dropout", 1),
        ("dropout", "half"),
        ("standardize", "yes"),
        ("callbacks", 3),
        ("backend", "torch"),
        ("threads", 0),
    ],
)
@pytest.mark.parametrize("estimator", BOTH)
def test_a_bad_parameter_is_named_when_fitting(estimator, name, value, table):
    wrong = estimator(**{name: value})  # scikit-learn wants no check before fit
    with pytest.raises(ValueError, match=name) as raised:
        wrong.fit(*table)
    assert "\n" not in str(raised.value)


def test_other_bad_parameters(table):
    X, y = table
    with pytest.raises(ValueError, match="class_weight"):
        MLPClassifier(class_weight="even").fit(X, y)
    with pytest.raises(ValueError, match="loss"):
        MLPRegressor(loss="log_loss").fit(X, y)
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0, got \\[5, 0\\]"):
        MLPClassifier(hidden_layer_sizes=(5, 0)).fit(X, y)
    with pytest.raises(ValueError, match="dropout has 2 shares for 1 hidden layers"):
        MLPClassifier(dropout=[0.1, 0.2]).fit(X, y)
    with pytest.raises(ValueError, match="y holds -1, but loss='poisson'"):
        MLPRegressor(loss="poisson").fit(X, y - 1)
    with pytest.raises(ValueError, match=r"not a fastnn\.callbacks\.Callback"):
        MLPClassifier(callbacks=[print]).fit(X, y)


@quiet
@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_attributes(estimator, early_stopping, table):
    X, y = table
    fitted = estimator(
        hidden_layer_sizes=(7, 5), max_iter=3, early_stopping=early_stopping, random_state=0
    ).fit(X, y)
    assert fitted.n_layers_ == 4
    assert fitted.n_iter_ == 3
    assert fitted.t_ == 3 * (54 if early_stopping else 60)
    assert fitted.n_features_in_ == 4
    assert len(fitted.loss_curve_) == 3
    assert fitted.loss_ == fitted.loss_curve_[-1]
    assert [W.shape for W in fitted.coefs_] == [(4, 7), (7, 5), (5, 1)]
    assert [b.shape for b in fitted.intercepts_] == [(7,), (5,), (1,)]
    assert fitted.out_activation_ == ("logistic" if estimator is MLPClassifier else "identity")
    if early_stopping:
        assert fitted.best_loss_ is None
        assert fitted.best_validation_score_ == max(fitted.validation_scores_)
        assert len(fitted.validation_loss_curve_) == 3
    else:
        assert fitted.best_loss_ == min(fitted.loss_curve_)
        assert fitted.validation_scores_ is None
        assert fitted.best_validation_score_ is None
        assert fitted.validation_loss_curve_ is None


@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_stops_after_so_many_consecutive_epochs_without_improvement(n_iter_no_change, early_stopping, table):
    # Nothing improves by 1e9, but the first epoch is better than none: the count begins with the second.
    fitted = MLPClassifier(tol=1e9, n_iter_no_change=n_iter_no_change, early_stopping=early_stopping)
    assert fitted.fit(*table).n_iter_ == 1 + n_iter_no_change


@quiet
def test_infinite_patience_never_stops(table):
    assert MLPClassifier(tol=1e9, n_iter_no_change=np.inf, max_iter=30).fit(*table).n_iter_ == 30


def test_an_improvement_of_exactly_tol_is_one():
    from fastnn.sklearn.stopping import Progress

    progress = Progress()
    for loss, count in ((1.0, 0), (0.75, 0), (0.75, 1), (0.5, 0), (0.625, 1), (0.375, 2), (float("nan"), 3)):
        progress.add_loss(loss, 0.25, watched=True)
        assert progress.n_unimproved == count, loss
    assert progress.best_loss == 0.375
    scores = Progress()
    for score, best, count in (
        (0.25, True, 0),
        (0.5, True, 0),
        (0.625, True, 1),
        (float("nan"), False, 2),
        (0.5, False, 3),
        (0.875, True, 0),
    ):
        assert scores.add_score(score, 0.0, 0.25, watched=True) == best
        assert scores.n_unimproved == count, score
    assert scores.best_score == 0.875


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("estimator", BOTH)
def test_warns_where_it_has_not_converged(estimator, solver, table):
    with pytest.warns(ConvergenceWarning, match=r"(Maximum iterations \(2\) reached|after 2 iteration)"):
        estimator(solver=solver, max_iter=2, random_state=0).fit(*table)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_does_not_warn_where_it_has(solver, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier((), solver=solver, tol=0.01, max_iter=500, random_state=0).fit(*table)


def test_max_fun_limits_lbfgs(table):
    with pytest.warns(ConvergenceWarning, match="failed to converge"):
        fitted = MLPClassifier(solver="lbfgs", max_fun=5, random_state=0).fit(*table)
    assert fitted.n_iter_ <= 5


@quiet
def test_too_large_batches_are_clipped_with_a_warning(table):
    with pytest.warns(UserWarning, match="larger than sample size"):
        MLPClassifier(batch_size=61, max_iter=1).fit(*table)


def test_partial_fit_is_there_for_solvers_with_epochs(table):
    assert hasattr(MLPClassifier(), "partial_fit")
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        MLPRegressor(early_stopping=True).partial_fit(*table)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(*table)
    with pytest.raises(ValueError, match="has classes not in"):
        MLPClassifier().partial_fit(*table, classes=[0, 2])
    with pytest.raises(ValueError, match="class_weight='balanced' does not go with partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(*table, classes=[0, 1])


@quiet
def test_warm_start_needs_the_same_classes_and_layers(table):
    X, y = table
    fitted = MLPClassifier((5,), warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        fitted.fit(X, np.arange(60) % 3)
    with pytest.raises(ValueError, match="the layers are"):
        fitted.set_params(hidden_layer_sizes=(6,)).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        fitted.set_params(hidden_layer_sizes=(5,)).fit(X[:, :3], y)


@pytest.mark.parametrize("name", ["predict", "predict_proba", "predict_log_proba", "score"])
def test_before_fit(name, table):
    arguments = table if name == "score" else table[:1]
    with pytest.raises(NotFittedError):
        getattr(MLPClassifier(), name)(*arguments)
    assert not hasattr(MLPClassifier(), "coefs_")


@quiet
def test_predicting_checks_as_scikit_learn_does(table):
    X, y = table
    fitted = MLPClassifier(max_iter=1).fit(X, y)
    bad = X.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fitted.predict(bad)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4 features"):
        fitted.predict_proba(np.ascontiguousarray(X[:, :3]))
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        fitted.predict(X[0])
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        fitted.predict(X[:0])


def test_a_validation_set_of_one_row_is_too_small():
    X, y = np.arange(8.0).reshape(4, 2), np.arange(4.0)
    with pytest.raises(ValueError, match="The validation set is too small"):
        MLPRegressor(early_stopping=True).fit(X, y)


def test_the_split_is_stratified_for_several_classes_too():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.repeat(["a", "b", "c"], [20, 19, 1])
    with pytest.raises(ValueError, match="least populated class"):
        MLPClassifier(early_stopping=True).fit(X, y)


def test_weights_that_are_all_zero(table):
    X, y = table
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero number"):
        MLPClassifier().fit(X, y, sample_weight=np.zeros(60))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence(early_stopping, backend_name):
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(100, 3)), generator.normal(size=100)
    estimator = MLPRegressor(
        activation="identity",
        solver="sgd",
        learning_rate_init=1.0,
        early_stopping=early_stopping,
        random_state=0,
        backend=backend_name,
        n_iter_no_change=np.inf,
    )
    if not early_stopping:
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            estimator.fit(X, y)
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "metric 'score' is nan")
        with pytest.warns(ConvergenceWarning, match="Training diverged"):
            estimator.fit(X, y)
    assert np.isnan(estimator.validation_scores_[-1])
    assert np.isnan(estimator.loss_)
    assert len(estimator.loss_curve_) == len(estimator.validation_scores_) == estimator.n_iter_
    assert np.isfinite(estimator.predict(X)).all()
    assert estimator.best_validation_score_ == np.nanmax(estimator.validation_scores_)


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_verbose_prints_every_iteration(solver, table, capsys):
    fitted = MLPClassifier(solver=solver, verbose=True, max_iter=3, random_state=0).fit(*table)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("Iteration 3, loss = ")
    if solver == "adam":
        assert lines[2] == f"Iteration 3, loss = {fitted.loss_:.8f}"


def test_verbose_says_why_it_stops(table, capsys):
    MLPClassifier(verbose=True, random_state=0, tol=1e9, n_iter_no_change=2).fit(*table)
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Training loss did not improve more than tol=1000000000.000000 for 2 consecutive epochs. Stopping."
    )
    MLPClassifier(verbose=True, random_state=0, tol=1e9, n_iter_no_change=2, early_stopping=True).fit(*table)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("Validation score: 0.")
    assert lines[-1].startswith("Validation score did not improve more than tol=")
    MLPClassifier(
        verbose=True, random_state=0, tol=1e9, solver="sgd", learning_rate="adaptive", n_iter_no_change=2
    ).fit(*table)
    lines = capsys.readouterr().out.splitlines()
    assert sum("Setting learning rate to 0.000200" in line for line in lines) == 1
    assert lines[-1].endswith("Learning rate too small. Stopping.")


def test_clone_and_repr():
    estimator = MLPClassifier((5, 5), "tanh", alpha=0.1, dropout=[0.1, 0.2], class_weight={0: 2.0})
    assert clone(estimator).get_params() == estimator.get_params()
    assert "alpha=0.1" in repr(estimator)
    assert "MLPClassifier" in estimator._repr_html_()


def test_without_scikit_learn_one_line_says_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import fastnn\n"
        "try: import fastnn.sklearn\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.count("\n") == 1
    assert result.stdout.startswith("MissingDependencyError")
    assert 'pip install "fastnn[sklearn]"' in result.stdout
