"""What the estimators have beyond scikit-learn's, and how they keep their promises between calls."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

import fastnn
from fastnn.callbacks import Callback, CSVLog
from fastnn.errors import CallbackError, InputError
from fastnn.sklearn import MLPClassifier, MLPRegressor, from_network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(120, 5))
    return X, np.array(["low", "mid", "top"])[np.digitize(X[:, 0] + X[:, 1] ** 2, [0.3, 1.2])]


def classifier(**parameters):
    return MLPClassifier(**({"hidden_layer_sizes": (12,), "max_iter": 5, "random_state": 0} | parameters))


def assert_equal_weights(one, other):
    for a, b in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_array_equal(a, b)


# ---- more parameters --------------------------------------------------------------------------------------


def test_backends_agree(table):
    X, y = table
    one, other = (
        classifier(backend=name, dropout=0.3, standardize=True).fit(X, y)
        for name in fastnn.backends.available()
    )
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_threads_do_not_change_the_result(table):
    X, y = table
    assert_equal_weights(classifier(threads=1).fit(X, y), classifier(threads=2).fit(X, y))


def test_dropout_is_seeded_and_changes_the_training_only(table):
    X, y = table
    plain, dropped, again = (classifier(dropout=share).fit(X, y) for share in (0.0, 0.4, [0.4]))
    assert_equal_weights(dropped, again)
    assert not np.array_equal(plain.coefs_[0], dropped.coefs_[0])
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))


@pytest.mark.parametrize("weight", ["balanced", {"low": 3.0, "top": 0.5}])
def test_class_weight_multiplies_sample_weight(weight, table):
    X, y = table
    own = np.random.default_rng(1).uniform(0.5, 2, len(X))
    expected = own * (
        compute_sample_weight("balanced", y)
        if weight == "balanced"
        else np.array([{"low": 3.0, "mid": 1.0, "top": 0.5}[label] for label in y])
    )
    one = classifier(class_weight=weight).fit(X, y, sample_weight=own)
    other = classifier().fit(X, y, sample_weight=expected)
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-9)
    assert not np.allclose(one.coefs_[0], classifier().fit(X, y, sample_weight=own).coefs_[0], rtol=1e-6)


def test_class_weight_in_partial_fit_may_name_classes_that_these_rows_lack(table):
    X, y = table
    some = y != "top"
    trained = classifier(class_weight={"low": 2.0, "top": 9.0}).partial_fit(
        X[some], y[some], classes=np.unique(y)
    )
    weights = np.where(y[some] == "low", 2.0, 1.0)
    other = classifier().partial_fit(X[some], y[some], sample_weight=weights, classes=np.unique(y))
    np.testing.assert_allclose(trained.coefs_[0], other.coefs_[0], rtol=1e-10)


def test_class_weight_of_several_labels_a_row(table):
    X, _ = table
    Y = (X[:, :2] > 1).astype(int)
    one = classifier(class_weight="balanced").fit(X, Y)
    other = classifier().fit(X, Y, sample_weight=compute_sample_weight("balanced", Y))
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-10)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_standardize_is_a_standard_scaler_in_the_model(solver, table):
    X, y = table
    X = X * [1, 1e3, 1, 1e-3, 1] + [0, 5, 100, 0, 7]
    X[:, 4] = 7
    scaler = StandardScaler().fit(X)
    own = classifier(solver=solver, standardize=True).fit(X, y)
    other = classifier(solver=solver).fit(scaler.transform(X), y)
    for a, b in zip(own.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(own.predict_proba(X), other.predict_proba(scaler.transform(X)), rtol=1e-7)
    np.testing.assert_allclose(own.network_.input_mean, scaler.mean_, rtol=1e-12)
    assert own.score(X, y) == other.score(scaler.transform(X), y)


def test_standardize_looks_at_the_rows_to_train_on_alone(table):
    X, y = table
    measured = classifier(standardize=True, early_stopping=True).fit(X, y).network_.input_mean
    assert not np.allclose(measured, X.mean(axis=0), rtol=1e-6)
    own = classifier(standardize=True, warm_start=True).fit(X, y)
    before = own.network_.input_mean
    own.fit(X + 3, y)
    np.testing.assert_array_equal(own.network_.input_mean, before)


def test_callbacks_see_the_training(table, tmp_path):
    X, y = table
    log = tmp_path / "log.csv"
    seen = []

    class Seen(Callback):
        def epoch_end(self, training):
            seen.append((training.epoch, training.history["loss"][-1]))
            if training.epoch == 3:
                training.stop("that is enough")

    fitted = classifier(callbacks=[CSVLog(log), Seen()], max_iter=9).fit(X, y)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert fitted.n_iter_ == 3
    assert len(log.read_text().splitlines()) == 4
    assert fitted.network_.history.stop_reason == "that is enough"


def test_a_callback_that_fails(table):
    class Fails(Callback):
        def epoch_end(self, training):
            raise KeyError("oops")

    with pytest.raises(CallbackError, match="oops"):
        classifier(callbacks=[Fails()]).fit(*table)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_keeps_what_was_learned(early_stopping, table):
    class Interrupts(Callback):
        def epoch_end(self, training):
            if training.epoch == 4:
                raise KeyboardInterrupt

    X, y = table
    with pytest.warns(UserWarning, match="interrupted after 4 of 50"):
        fitted = classifier(callbacks=[Interrupts()], max_iter=50, early_stopping=early_stopping).fit(X, y)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 4
    if not early_stopping:
        assert_equal_weights(fitted, classifier(max_iter=4).fit(X, y))
    assert fitted.predict(X).shape == (120,)


def test_ctrl_c_in_lbfgs(table, monkeypatch):
    from fastnn.sklearn import lbfgs

    def interrupted(function, start, **options):
        import scipy.optimize

        def once(intermediate_result):
            options["callback"](intermediate_result)
            raise KeyboardInterrupt

        return scipy.optimize.minimize(function, start, **(options | {"callback": once}))

    X, y = table
    expected = classifier(solver="lbfgs", max_iter=1).fit(X, y)
    monkeypatch.setattr(lbfgs, "minimize", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        fitted = classifier(solver="lbfgs", max_iter=50).fit(X, y)
    assert fitted.n_iter_ == 1
    assert_equal_weights(fitted, expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dropout": 0.2}, "dropout=0.2 needs"),
        ({"callbacks": [Callback()]}, "callbacks=.* needs solver='sgd'"),
    ],
)
def test_what_lbfgs_cannot_do(parameters, message, table):
    X, y = table
    with pytest.raises(ValueError, match=message):
        classifier(solver="lbfgs", **parameters).fit(X, y)
    with pytest.raises(ValueError, match="X_val is for solver='sgd' or 'adam'"):
        classifier(solver="lbfgs").fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize("activation", ["gelu", ["tanh", "silu"]])
def test_other_activations(activation, table):
    X, y = table
    n_hidden = len(activation) if isinstance(activation, list) else 1
    fitted = classifier(activation=activation, hidden_layer_sizes=(6,) * n_hidden).fit(X, y)
    wanted = activation if isinstance(activation, list) else [activation]
    assert list(fitted.network_.activations) == wanted
    assert clone(fitted).activation == activation


def test_other_regression_losses(table):
    X, _ = table
    y = X[:, 0] + 10 * (X[:, 1] > 1.5)
    for loss in ("absolute_error", "huber"):
        fitted = MLPRegressor(loss, (8,), huber_delta=0.5, max_iter=30, random_state=0).fit(X, y)
        assert fitted.network_.loss_name == loss
        assert fitted.network_.huber_delta == 0.5
        np.testing.assert_allclose(fitted.network_.history["loss"][-1] + 0, fitted.loss_, rtol=0.01)


# ---- a validation set of one's own ------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_own_validation_set(early_stopping, table):
    X, y = table
    fitted = classifier(early_stopping=early_stopping, max_iter=12, learning_rate_init=0.02)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert fitted.t_ == 12 * 80  # no row is set aside
    assert len(fitted.validation_scores_) == len(fitted.validation_loss_curve_) == 12
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    now = accuracy_score(y[80:], fitted.predict(X[80:]))
    if early_stopping:
        assert now == fitted.best_validation_score_
        assert fitted.best_loss_ is None
    else:
        assert now == fitted.validation_scores_[-1]
        loss = log_loss(y[80:], fitted.predict_proba(X[80:]))
        np.testing.assert_allclose(fitted.validation_loss_curve_[-1], loss, rtol=1e-9)
        assert_equal_weights(fitted, classifier(max_iter=12, learning_rate_init=0.02).fit(X[:80], y[:80]))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_own_validation_set_of_a_regression_with_weights(loss, table):
    X, _ = table
    y, weights = np.abs(X[:, :2]), np.random.default_rng(2).uniform(0.1, 3, 40)
    fitted = MLPRegressor(loss, (6,), max_iter=6, random_state=0)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weights)
    predicted = fitted.predict(X[80:])
    score = r2_score(y[80:], predicted, sample_weight=weights)
    np.testing.assert_allclose(fitted.validation_scores_[-1], score, rtol=1e-9)
    if loss == "squared_error":
        expected = 0.5 * np.average((y[80:] - predicted) ** 2, axis=0, weights=weights).mean()
    else:
        deviance = y[80:] * np.log(y[80:] / predicted) - y[80:] + predicted
        expected = np.average(deviance, axis=0, weights=weights).sum()
    np.testing.assert_allclose(fitted.validation_loss_curve_[-1], expected, rtol=1e-9)


def test_validation_scores_of_rows_with_weights(table):
    X, y = table
    weights = np.random.default_rng(2).uniform(0.1, 3, 40)
    fitted = classifier().fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weights)
    expected = accuracy_score(y[80:], fitted.predict(X[80:]), sample_weight=weights)
    np.testing.assert_allclose(fitted.validation_scores_[-1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("X_val", "y_val", "message"),
    [
        (np.zeros((5, 5)), None, "X_val needs y_val"),
        (np.zeros((1, 5)), ["low"], "X_val has 1 row"),
        (np.zeros((5, 4)), ["low"] * 5, "4 features"),
        (np.zeros((5, 5)), ["high"] * 5, "has classes not in"),
    ],
)
def test_bad_validation_sets(X_val, y_val, message, table):
    with pytest.raises(ValueError, match=message):
        classifier().fit(*table, X_val=X_val, y_val=y_val)


def test_early_stopping_brings_the_best_weights_back(table):
    X, y = table
    fitted = classifier(early_stopping=True, max_iter=60, learning_rate_init=0.05, n_iter_no_change=60)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    best = int(np.argmax(fitted.validation_scores_)) + 1
    assert best < 60
    assert fitted.network_.history.best_epoch == best
    assert_equal_weights(fitted, classifier(max_iter=best, learning_rate_init=0.05).fit(X[:80], y[:80]))


# ---- from one call to the next ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "adam"},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.4},
        {"solver": "adam", "standardize": True},
    ],
)
def test_warm_start_goes_on_as_one_training(parameters, table):
    X, y = table
    parameters |= {"shuffle": False, "learning_rate_init": 0.02, "batch_size": 32}
    warm = classifier(warm_start=True, max_iter=4, **parameters).fit(X, y).fit(X, y)
    whole = classifier(max_iter=8, **parameters).fit(X, y)
    assert_equal_weights(warm, whole)
    np.testing.assert_array_equal(warm.loss_curve_, whole.loss_curve_)
    assert warm.n_iter_ == 4
    assert warm.t_ == 8 * 120
    assert warm.network_.history.n_epochs == 8


def test_another_solver_begins_anew(table):
    X, y = table
    fitted = classifier(warm_start=True, shuffle=False).fit(X, y)
    fitted.set_params(solver="sgd").fit(X, y)
    other = classifier(warm_start=True, shuffle=False).fit(X, y)
    other._carried = None
    assert_equal_weights(fitted, other.set_params(solver="sgd").fit(X, y))


def test_an_adaptive_rate_is_itself_again_in_the_next_fit(table):
    X, y = table
    parameters = {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 1}
    fitted = classifier(warm_start=True, max_iter=50, **parameters).fit(X, y)
    assert fitted.network_.history["learning_rate"][-1] < 1e-5
    fitted.fit(X, y)
    rates = fitted.network_.history["learning_rate"]
    assert rates.count(1e-3) >= 2


def test_pickles_and_copies_predict_and_go_on(table):
    X, y = table
    fitted = classifier(early_stopping=False).fit(X, y)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
        assert other.coefs_ is other.network_.weights
        reference = copy.deepcopy(fitted).partial_fit(X, y)
        assert_equal_weights(other.partial_fit(X, y), reference)
        assert not np.array_equal(other.coefs_[0], fitted.coefs_[0])


def test_coefficients_are_the_networks_and_may_be_written_to(table):
    X, y = table
    fitted = classifier().fit(X, y)
    assert fitted.coefs_[0] is fitted.network_.weights[0]
    fitted.coefs_[1][...] = 0
    fitted.intercepts_[1][...] = [0, 5, 0]
    assert set(fitted.predict(X)) == {"mid"}
    fitted.intercepts_ = [fitted.intercepts_[0], [9, 5, 0]]
    fitted.coefs_ = [W.tolist() for W in fitted.coefs_]
    assert set(fitted.predict(X[:1])) == {"low"}


def test_one_row_and_many_give_the_same(table):
    X, y = table
    fitted = classifier().fit(X, y)
    whole = fitted.predict_proba(X)
    np.testing.assert_array_equal(np.vstack([fitted.predict_proba(row[None]) for row in X]), whole)
    np.testing.assert_array_equal(fitted.predict_proba(X.tolist()), whole)
    np.testing.assert_array_equal(fitted.predict_proba(np.asfortranarray(X)), whole)


def test_feature_names_are_checked_though_values_are_fine(table):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = table
    frame = pandas.DataFrame(X, columns=list("abcde"))
    fitted = classifier().fit(frame, y)
    assert list(fitted.feature_names_in_) == list("abcde")
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        fitted.predict(X)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("edcba")])


def test_sparse_rows_are_predicted_block_by_block(table, monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    from fastnn.sklearn import rows

    X, y = table
    fitted = classifier().fit(X, y)
    monkeypatch.setattr(rows, "BLOCK", 35)  # 7 rows
    assert [len(block) for block in rows.dense_blocks(sparse.csc_matrix(X))] == [7] * 17 + [1]
    np.testing.assert_array_equal(fitted.predict_proba(sparse.csc_matrix(X)), fitted.predict_proba(X))


# ---- network_ and from_network ----------------------------------------------------------------------------


def test_network_is_a_fastnn_model(table, tmp_path):
    X, y = table
    fitted = classifier(standardize=True).fit(X, y)
    np.testing.assert_array_equal(fitted.network_.predict(X), fitted.predict(X))
    fitted.network_.save(tmp_path / "model.safetensors")
    loaded = fastnn.load(tmp_path / "model.safetensors")
    np.testing.assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), rtol=1e-12)
    objects = classifier().fit(X, y.astype(object))
    objects.network_.save(tmp_path / "objects.safetensors")
    np.testing.assert_array_equal(
        fastnn.load(tmp_path / "objects.safetensors").predict(X), objects.predict(X)
    )


MODELS = {
    "classes": {},
    "two classes": {},
    "labels": {},
    "one label": {},
    "numbers": {"hidden": (4, 3), "activation": ["gelu", "tanh"]},
    "several numbers": {"loss": "huber", "huber_delta": 0.3},
    "counts": {"loss": "poisson"},
    "standardised": {"standardize": True},
    "no hidden layer": {"hidden": ()},
}


def trained(kind, X, y):
    targets = {
        "two classes": y == "low",
        "labels": (X[:, :3] > 0).astype(int),
        "one label": (X[:, :1] > 0).astype(int),
        "numbers": X[:, 0] + 0.5,
        "several numbers": X[:, :2] + 0.5,
        "counts": np.floor(np.abs(X[:, 0])),
    }.get(kind, y)
    options = {"hidden": (6,), "epochs": 2, "seed": 0, "dtype": "float64"} | MODELS[kind]
    if kind == "one label":
        return fastnn.train(X, targets, loss="binary_cross_entropy", **options), targets[:, 0]
    return fastnn.train(X, targets, **options), targets


@pytest.mark.parametrize("kind", MODELS)
def test_from_network_predicts_as_the_model_does_and_goes_on(kind, table):
    X, y = table
    model, targets = trained(kind, X, y)
    estimator = from_network(model, max_iter=3, random_state=0)
    predicted = estimator.predict(X)
    np.testing.assert_array_equal(predicted, model.predict(X))
    if model.classes is not None:
        probabilities = estimator.predict_proba(X)
        assert probabilities.shape == (120, len(estimator.classes_))
        np.testing.assert_array_equal(probabilities[:, -1], model.predict_proba(X)[:, -1])
    assert estimator.network_ is model
    assert np.isfinite(estimator.score(X, targets))
    fresh = clone(estimator)
    assert not hasattr(fresh, "network_")
    assert fresh.get_params() == estimator.get_params()
    fresh.fit(X, targets)
    if kind == "two classes":  # scikit-learn has one output for them
        assert fresh.network_.sizes == (5, 6, 1)
    else:
        assert fresh.network_.sizes == model.sizes
        assert fresh.network_.loss_name == model.loss_name
    assert fresh.network_.activations == model.activations
    before = [W.copy() for W in model.weights]
    estimator.partial_fit(X, targets)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.weights, strict=True))


def test_from_network_of_images_takes_uint8():
    X, y = fastnn.datasets.load("digits")
    X, y = X[:300], y[:300]
    model = fastnn.train(X, y, hidden=(8,), epochs=2, seed=0)
    estimator = from_network(model, learning_rate_init=0.01)
    np.testing.assert_array_equal(estimator.predict(X), model.predict(X))
    before = model.loss(X, y)
    for _ in range(5):
        estimator.partial_fit(X, y)
    assert model.loss(X, y) < before


def test_from_network_refuses_what_is_the_models():
    model = fastnn.train(np.eye(4), [0, 1, 0, 1], hidden=(3,), epochs=1, seed=0)
    with pytest.raises(InputError, match="activation is the model's"):
        from_network(model, activation="tanh")
    with pytest.raises(InputError, match=r"takes a fastnn.Network"):
        from_network("model.safetensors")
