"""What the estimators have beyond scikit-learn's: standardising, dropout, callbacks, weights."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

import fastnn
from fastnn.callbacks import Callback, CSVLog
from fastnn.errors import CallbackError
from fastnn.sklearn import MLPRegressor
from tests.estimators.small import assert_same_model, brief

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_backends_agree(bands):
    X, y = bands
    one, other = (
        brief(backend=name, dropout=0.3, standardize=True).fit(X, y) for name in fastnn.backends.available()
    )
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_threads_do_not_change_the_result(bands):
    X, y = bands
    assert_same_model(brief(threads=1).fit(X, y), brief(threads=2).fit(X, y))


def test_dropout_is_seeded_and_changes_the_training_only(bands):
    X, y = bands
    plain, dropped, again = (brief(dropout=share).fit(X, y) for share in (0.0, 0.4, [0.4]))
    assert_same_model(dropped, again)
    assert not np.array_equal(plain.coefs_[0], dropped.coefs_[0])
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))


@pytest.mark.parametrize("weight", ["balanced", {"low": 3.0, "top": 0.5}])
def test_class_weight_multiplies_sample_weight(weight, bands):
    X, y = bands
    own = np.random.default_rng(1).uniform(0.5, 2, len(X))
    expected = own * (
        compute_sample_weight("balanced", y)
        if weight == "balanced"
        else np.array([{"low": 3.0, "mid": 1.0, "top": 0.5}[label] for label in y])
    )
    one = brief(class_weight=weight).fit(X, y, sample_weight=own)
    other = brief().fit(X, y, sample_weight=expected)
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-9)
    assert not np.allclose(one.coefs_[0], brief().fit(X, y, sample_weight=own).coefs_[0], rtol=1e-6)


def test_class_weight_in_partial_fit_may_name_classes_that_these_rows_lack(bands):
    X, y = bands
    some = y != "top"
    trained = brief(class_weight={"low": 2.0, "top": 9.0}).partial_fit(X[some], y[some], classes=np.unique(y))
    weights = np.where(y[some] == "low", 2.0, 1.0)
    other = brief().partial_fit(X[some], y[some], sample_weight=weights, classes=np.unique(y))
    np.testing.assert_allclose(trained.coefs_[0], other.coefs_[0], rtol=1e-10)


def test_class_weight_of_several_labels_a_row(bands):
    X, _ = bands
    Y = (X[:, :2] > 1).astype(int)
    one = brief(class_weight="balanced").fit(X, Y)
    other = brief().fit(X, Y, sample_weight=compute_sample_weight("balanced", Y))
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-10)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_standardize_is_a_standard_scaler_in_the_model(solver, bands):
    X, y = bands
    X = X * [1, 1e3, 1, 1e-3, 1] + [0, 5, 100, 0, 7]
    X[:, 4] = 7
    scaler = StandardScaler().fit(X)
    own = brief(solver=solver, standardize=True).fit(X, y)
    other = brief(solver=solver).fit(scaler.transform(X), y)
    for a, b in zip(own.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(own.predict_proba(X), other.predict_proba(scaler.transform(X)), rtol=1e-7)
    np.testing.assert_allclose(own.network_.input_mean, scaler.mean_, rtol=1e-12)
    assert own.score(X, y) == other.score(scaler.transform(X), y)


def test_standardize_looks_at_the_rows_to_train_on_alone(bands):
    X, y = bands
    measured = brief(standardize=True, early_stopping=True).fit(X, y).network_.input_mean
    assert not np.allclose(measured, X.mean(axis=0), rtol=1e-6)
    own = brief(standardize=True, warm_start=True).fit(X, y)
    before = own.network_.input_mean
    own.fit(X + 3, y)
    np.testing.assert_array_equal(own.network_.input_mean, before)


def test_callbacks_see_the_training(bands, tmp_path):
    X, y = bands
    log = tmp_path / "log.csv"
    seen = []

    class Seen(Callback):
        def epoch_end(self, training):
            seen.append((training.epoch, training.history["loss"][-1]))
            if training.epoch == 3:
                training.stop("that is enough")

    fitted = brief(callbacks=[CSVLog(log), Seen()], max_iter=9).fit(X, y)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert fitted.n_iter_ == 3
    assert len(log.read_text().splitlines()) == 4
    assert fitted.network_.history.stop_reason == "that is enough"


def test_a_callback_that_fails(bands):
    class Fails(Callback):
        def epoch_end(self, training):
            raise KeyError("oops")

    with pytest.raises(CallbackError, match="oops"):
        brief(callbacks=[Fails()]).fit(*bands)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_keeps_what_was_learned(early_stopping, bands):
    class Interrupts(Callback):
        def epoch_end(self, training):
            if training.epoch == 4:
                raise KeyboardInterrupt

    X, y = bands
    with pytest.warns(UserWarning, match="interrupted after 4 of 50"):
        fitted = brief(callbacks=[Interrupts()], max_iter=50, early_stopping=early_stopping).fit(X, y)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 4
    if not early_stopping:
        assert_same_model(fitted, brief(max_iter=4).fit(X, y))
    assert fitted.predict(X).shape == (120,)


def test_ctrl_c_in_lbfgs(bands, monkeypatch):
    from fastnn.sklearn import lbfgs

    def interrupted(function, start, **options):
        import scipy.optimize

        def once(intermediate_result):
            options["callback"](intermediate_result)
            raise KeyboardInterrupt

        return scipy.optimize.minimize(function, start, **(options | {"callback": once}))

    X, y = bands
    expected = brief(solver="lbfgs", max_iter=1).fit(X, y)
    monkeypatch.setattr(lbfgs, "minimize", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        fitted = brief(solver="lbfgs", max_iter=50).fit(X, y)
    assert fitted.n_iter_ == 1
    assert_same_model(fitted, expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dropout": 0.2}, "dropout=0.2 needs"),
        ({"callbacks": [Callback()]}, "callbacks=.* needs solver='sgd'"),
    ],
)
def test_what_lbfgs_cannot_do(parameters, message, bands):
    X, y = bands
    with pytest.raises(ValueError, match=message):
        brief(solver="lbfgs", **parameters).fit(X, y)
    with pytest.raises(ValueError, match="X_val is for solver='sgd' or 'adam'"):
        brief(solver="lbfgs").fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize("activation", ["gelu", ["tanh", "silu"]])
def test_other_activations(activation, bands):
    X, y = bands
    n_hidden = len(activation) if isinstance(activation, list) else 1
    fitted = brief(activation=activation, hidden_layer_sizes=(6,) * n_hidden).fit(X, y)
    wanted = activation if isinstance(activation, list) else [activation]
    assert list(fitted.network_.activations) == wanted
    assert clone(fitted).activation == activation


def test_other_regression_losses(bands):
    X, _ = bands
    y = X[:, 0] + 10 * (X[:, 1] > 1.5)
    for loss in ("absolute_error", "huber"):
        fitted = MLPRegressor(loss, (8,), huber_delta=0.5, max_iter=30, random_state=0).fit(X, y)
        assert fitted.network_.loss_name == loss
        assert fitted.network_.huber_delta == 0.5
        np.testing.assert_allclose(fitted.network_.history["loss"][-1] + 0, fitted.loss_, rtol=0.01)
