"""What is measured on validation data: with which arrays metrics are called, and what they may answer."""

import numpy as np
import pytest

import fastnn
from fastnn import backends
from fastnn.errors import CallbackError, InputError
from fastnn.metrics import Metric, on_probabilities
from fastnn.trainer import validation
from fastnn.trainer.loop import Data
from tests.checks import data_for, network_of

NAMES = np.array(["cat", "dog", "eel"])
QUICK = {"epochs": 2, "hidden": 4, "seed": 0}


@pytest.fixture
def blobs(generator):
    """Three well separated clouds of points in four dimensions, by name."""
    y = generator.integers(0, 3, 240)
    return generator.normal(size=(240, 4)) + 3 * np.eye(4)[y], NAMES[y]


@pytest.fixture
def line(generator):
    X = generator.normal(size=(120, 3))
    return X, X @ np.array([1.0, -2.0, 0.5])


class Spy:
    """A metric function that keeps what it was called with."""

    def __init__(self):
        self.calls = []

    def __call__(self, y_true, y_pred):
        self.calls.append((y_true, y_pred))
        return float(len(self.calls))


def test_metrics_are_those_of_the_model(blobs, backend_name):
    X, y = blobs
    held_out = X[180:], y[180:]
    model = fastnn.train(
        X[:180],
        y[:180],
        validation=held_out,
        metrics=("f1", "roc_auc", "log_loss", "accuracy"),
        backend=backend_name,
        **QUICK,
    )
    last = model.history.last()
    indices = np.searchsorted(NAMES, held_out[1])
    P = model.predict_proba(held_out[0])
    assert last["validation_f1"] == pytest.approx(fastnn.metrics.f1(held_out[1], model.predict(held_out[0])))
    assert last["validation_roc_auc"] == pytest.approx(fastnn.metrics.roc_auc(indices, P))
    assert last["validation_log_loss"] == pytest.approx(last["validation_loss"], rel=1e-4)
    assert last["validation_accuracy"] == model.score(*held_out)
    assert len(model.history["validation_f1"]) == 2


def test_functions_get_the_callers_labels(blobs):
    X, y = blobs
    on_labels, on_p = Spy(), Spy()
    model = fastnn.train(
        X[:180],
        y[:180],
        validation=(X[180:], y[180:]),
        metrics=(Metric("a", on_labels), Metric("b", on_p, needs="probabilities")),
        **QUICK,
    )
    assert model.history["validation_a"] == model.history["validation_b"] == [1, 2]  # once an epoch
    y_true, y_pred = on_labels.calls[-1]
    np.testing.assert_array_equal(y_true, y[180:])
    np.testing.assert_array_equal(y_pred, model.predict(X[180:]))
    y_true, P = on_p.calls[-1]
    np.testing.assert_array_equal(y_true, y[180:])
    np.testing.assert_array_equal(P, model.predict_proba(X[180:]))


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_functions_of_a_regression(line, n_outputs):
    X, y = line
    y = y if n_outputs == 1 else np.stack([y, -y], axis=1)
    spy = Spy()
    model = fastnn.train(
        X,
        y,
        validation=(X[:50], y[:50]),
        metrics=("r2", "root_mean_squared_error", Metric("spy", spy)),
        **QUICK,
    )
    y_true, y_pred = spy.calls[-1]
    np.testing.assert_allclose(y_true, y[:50], rtol=1e-6)
    np.testing.assert_array_equal(y_pred, model.predict(X[:50]))
    assert model.history["validation_r2"][-1] == pytest.approx(model.score(X[:50], y[:50]), rel=1e-5)


def test_one_prediction_an_epoch_serves_all_metrics(blobs, monkeypatch):
    from fastnn.backends import numpy_backend

    calls, predict = [], numpy_backend.predict

    def counted(network, X):
        calls.append(len(X))
        return predict(network, X)

    monkeypatch.setattr(numpy_backend, "predict", counted)
    X, y = blobs
    metrics = ("f1", "recall", "log_loss", "roc_auc")
    fastnn.train(X, y, validation=(X[:90], y[:90]), metrics=metrics, backend="numpy", **QUICK)
    assert calls == [90, 90]


def test_measuring_does_not_change_the_training(blobs):
    X, y = blobs
    plain, measured = (
        fastnn.train(X, y, validation=0.3, metrics=metrics, **QUICK) for metrics in ((), ("f1", "roc_auc"))
    )
    for a, b in zip(plain.weights, measured.weights, strict=True):
        assert a.tobytes() == b.tobytes()


def test_weights_of_validation_rows_count_in_the_loss(blobs, backend_name):
    X, y = blobs
    halves = np.repeat([3e200, 0], 30)  # in any unit
    weighted, first_half = (
        fastnn.train(X[60:], y[60:], validation=validation, backend=backend_name, **QUICK)
        for validation in ((X[:60], y[:60], halves), (X[:30], y[:30]))
    )
    assert weighted.history["validation_loss"] == pytest.approx(
        first_half.history["validation_loss"], rel=1e-5
    )
    assert weighted.history["validation_accuracy"][-1] == weighted.score(X[:60], y[:60])


# ---- what functions may answer ----------------------------------------------------------------------------


def boom(y_true, y_pred):
    raise KeyError("no such\nthing")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (boom, "metric 'mine' raised KeyError: 'no such"),
        (lambda a, b: "good", "metric 'mine' returned 'good' instead of one number"),
        (lambda a, b: None, "metric 'mine' returned None instead of one number"),
        (lambda a, b: np.zeros(3), r"metric 'mine' returned array\(\[0., 0., 0.\]\) instead of one number"),
        (lambda a, b: True, "metric 'mine' returned True instead of one number"),
        (lambda a, b: a.sort() or 1, "metric 'mine' raised ValueError: .*read-only"),
    ],
)
def test_functions_that_fail_end_training_in_one_clear_line(blobs, function, message):
    X, y = blobs
    with pytest.raises(CallbackError, match=message) as caught:
        fastnn.train(X, y, validation=0.3, metrics=(Metric("mine", function),), **QUICK)
    assert "\n" not in str(caught.value)
    assert caught.value.network.predict(X).shape == (240,)
    assert caught.value.network.history.stop_reason == "an exception"


@pytest.mark.parametrize("number", [1, np.float32(1), np.array(1.0), np.array([1])])
def test_anything_that_is_one_number_will_do(blobs, number):
    X, y = blobs
    model = fastnn.train(X, y, validation=0.3, metrics=(Metric("one", lambda a, b: number),), **QUICK)
    assert model.history["validation_one"] == [1, 1]


def test_nan_is_recorded_said_once_and_never_the_best(blobs):
    X, y = blobs
    values = iter([0.5, np.nan, 0.4, np.nan])
    metric = Metric("odd", lambda a, b: next(values))
    with pytest.warns(UserWarning, match="metric 'odd' is nan") as caught:
        model = fastnn.train(
            X,
            y,
            **(QUICK | {"epochs": 4}),
            validation=0.3,
            metrics=metric,
            monitor="validation_odd",
            early_stopping=9,
        )
    assert len(caught) == 1
    assert model.history.best_epoch == 1
    np.testing.assert_array_equal(model.history["validation_odd"], [0.5, np.nan, 0.4, np.nan])


# ---- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": "f1"}, r"metrics=\('f1',\) need validation data: pass validation=0.1"),
        ({"metrics": "f7", "validation": 0.3}, "metrics holds 'f7'"),
        ({"metrics": "r2", "validation": 0.3}, "'r2' is not for a classifier"),
        ({"metrics": 3, "validation": 0.3}, "metrics=3 must be a list"),
    ],
)
def test_mistakes_get_one_clear_line(blobs, options, message):
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(*blobs, **QUICK, **options)
    assert "\n" not in str(caught.value)


def test_roc_auc_needs_every_class(blobs):
    X, y = blobs
    two = y != "eel"
    with pytest.raises(InputError, match="of class eel there are 0 in"):
        fastnn.train(X, y, validation=(X[two], y[two]), metrics="roc_auc", **QUICK)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(9), r"validation weights has shape \(9,\)"),
        (-np.ones(240), "validation weights holds -1"),
        (np.zeros(240), "validation weights is 0 for every row"),
        ("heavy", "validation weights"),
    ],
)
def test_weights_that_cannot_be(blobs, weights, message):
    with pytest.raises(InputError, match=message):
        fastnn.train(*blobs, validation=(*blobs, weights), **QUICK)


def test_probabilities_of_a_function_by_its_name(blobs):
    def sharpness(y_true, P):
        return P.max(axis=1).mean()

    model = fastnn.train(*blobs, validation=0.3, metrics=on_probabilities(sharpness), **QUICK)
    assert 1 / 3 <= model.history["validation_sharpness"][-1] <= 1


# ---- several labels a row ---------------------------------------------------------------------------------


@pytest.fixture
def several(generator):
    """(a network of three yes-no outputs, data for it)."""
    network = network_of((4, 5, 3), "float64", generator, loss="binary_cross_entropy")
    X, y = data_for(network, 60, generator)
    return network, Data.whole(X, y)


def test_several_labels_a_row(several):
    network, data = several
    spy = Spy()
    names = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss")
    found = validation.resolve([*names, Metric("spy", spy)], network, data)
    values = validation.Validation(network, backends.get("numpy")[1], data, found).measure()
    P = network.predict_proba(data.X)
    assert values["validation_f1"] == fastnn.metrics.f1(data.y, (P > 0.5).astype(int))
    assert values["validation_roc_auc"] == fastnn.metrics.roc_auc(data.y, P)
    assert values["validation_log_loss"] == pytest.approx(
        values["validation_loss"] / 3
    )  # it sums over labels
    assert values["validation_accuracy"] == fastnn.metrics.accuracy(data.y, network.predict(data.X))
    y_true, y_pred = spy.calls[0]
    assert y_true.dtype == y_pred.dtype == np.int64
    np.testing.assert_array_equal(y_true, data.y)
    np.testing.assert_array_equal(y_pred, network.predict(data.X))


def test_roc_auc_of_a_label_that_all_rows_have(several):
    network, data = several
    data.y[:, 1] = 1
    with pytest.raises(InputError, match="of class 1 there are 60 in 60"):
        validation.resolve(["roc_auc"], network, data)
