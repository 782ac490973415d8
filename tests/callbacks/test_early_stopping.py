"""EarlyStopping: what it watches, when it stops, and that it can be carried on."""

import json

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.errors import InputError


@pytest.fixture
def noise(generator):
    """Nothing to learn: training improves, validation does not."""
    X, y = generator.normal(size=(200, 30)), generator.integers(0, 2, 200)
    return (X[:120], y[:120]), (X[120:], y[120:])


def train(data, **options):
    return fastnn.train(*data, **({"epochs": 300, "hidden": 8, "seed": 0, "optimizer": "sgd"} | options))


@pytest.mark.parametrize("monitor", ["validation_f1", "validation_log_loss", "validation_loss"])
def test_the_best_epoch_of_any_metric_is_kept(noise, backend_name, monitor):
    data, held_out = noise
    model = train(
        data,
        validation=held_out,
        metrics=("f1", "log_loss"),
        monitor=monitor,
        early_stopping=6,
        backend=backend_name,
    )
    values = model.history[monitor]
    best = max(values) if monitor == "validation_f1" else min(values)
    assert model.history.best_epoch == 1 + values.index(best)
    assert model.history.n_epochs == model.history.best_epoch + 6
    P, predicted = model.predict_proba(held_out[0]), model.predict(held_out[0])
    measured = {
        "validation_f1": fastnn.metrics.f1(held_out[1], predicted),
        "validation_log_loss": fastnn.metrics.log_loss(held_out[1], P),
        "validation_loss": model.loss(*held_out),
    }
    assert measured[monitor] == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_training_values_need_no_validation_data(noise, monitor):
    data, _ = noise
    model = train(data, monitor=monitor, early_stopping=2)
    assert model.history.stop_reason == "early stopping"
    values = model.history[monitor]
    best = max(values) if monitor == "accuracy" else min(values)
    assert model.history.best_epoch == 1 + values.index(best)


def test_min_improvement_stops_slow_progress(noise):
    data, _ = noise
    options = {
        "monitor": "loss",
        "early_stopping": 3,
        "batch_size": None,
        "learning_rate": 0.01,
        "epochs": 50,
    }
    assert train(data, **options).history.n_epochs == 50
    slow = train(data, **options, min_improvement=1.0)
    assert (slow.history.n_epochs, slow.history.best_epoch) == (4, 1)
    assert slow.history["loss"][-1] < slow.history["loss"][0]


def test_as_a_callback_it_watches_what_train_was_told(noise):
    data, held_out = noise
    options = {"validation": held_out, "metrics": "f1", "monitor": "validation_f1"}
    one = train(data, **options, early_stopping=4)
    other = train(data, **options, callbacks=[EarlyStopping(4)])
    assert one.history["validation_f1"] == other.history["validation_f1"]
    assert one.history.best_epoch == other.history.best_epoch
    third = train(data, validation=held_out, callbacks=[EarlyStopping(4, "validation_loss")])
    assert third.history.best_epoch == 1 + int(np.argmin(third.history["validation_loss"]))


class LateWriter(Callback):
    """Finishes after early stopping, and asks for the run's weights."""

    def finish(self, training):
        training.write_back()


def test_a_later_callback_does_not_undo_it(noise, backend_name):
    data, held_out = noise
    options = {"validation": held_out, "early_stopping": 3, "backend": backend_name}
    one, other = train(data, **options), train(data, **options, callbacks=[LateWriter()])
    for a, b in zip(one.weights, other.weights, strict=True):
        assert a.tobytes() == b.tobytes()


class Restart(Callback):
    """Puts `stopping` into the state that it had in a training before."""

    def __init__(self, stopping, state):
        self.stopping, self.saved = stopping, state

    def start(self, training):
        self.stopping.set_state(self.saved)


class Keeper(Callback):
    """Keeps the state of `stopping` after `epoch`."""

    def __init__(self, stopping, epoch):
        self.stopping, self.at = stopping, epoch

    def epoch_end(self, training):
        if training.epoch == self.at:
            self.kept = {
                k: np.copy(v) if k[0] in "wb" and "." in k else v for k, v in self.stopping.state().items()
            }
            self.best_epoch = training.history.best_epoch


def test_state_holds_best_value_epoch_and_weights(noise, backend_name):
    data, held_out = noise
    stopping = EarlyStopping(50)
    keeper = Keeper(stopping, 12)
    model = train(data, validation=held_out, epochs=12, callbacks=[stopping, keeper], backend=backend_name)
    state = keeper.kept
    assert state["best"] == max(model.history["validation_accuracy"])
    assert state["best_epoch"] == model.history.best_epoch
    for layer, (W, b) in enumerate(zip(model.weights, model.biases, strict=True)):
        np.testing.assert_array_equal(state[f"weights.{layer}"], W)
        np.testing.assert_array_equal(state[f"biases.{layer}"], b)
    json.dumps({name: value for name, value in state.items() if not isinstance(value, np.ndarray)})


def test_state_carries_on(noise):
    data, held_out = noise
    first = EarlyStopping(2)
    keeper = Keeper(first, 1)
    train(data, validation=held_out, epochs=1, callbacks=[first, keeper])
    state = keeper.kept | {"best": 2.0}  # better than any epoch to come
    second = EarlyStopping(2)
    resumed = train(data, validation=held_out, callbacks=[second, Restart(second, state)], backend="numpy")
    assert resumed.history.n_epochs == 3
    assert resumed.history.best_epoch == 1
    np.testing.assert_array_equal(resumed.weights[0], state["weights.0"])


def test_empty_state_carries_on(noise):
    stopping = EarlyStopping(2)
    keeper = Keeper(stopping, 1)
    metric = fastnn.metrics.Metric("odd", lambda a, b: float("nan"))
    data, held_out = noise
    with pytest.warns(UserWarning, match="nan"):
        train(
            data,
            validation=held_out,
            metrics=metric,
            monitor="validation_odd",
            epochs=1,
            callbacks=[stopping, keeper],
        )
    assert keeper.kept == {"best": None, "best_epoch": None}
    stopping.set_state(keeper.kept)
    assert stopping.state() == keeper.kept


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(0), "early_stopping=0 must be a whole number"),
        (
            lambda: EarlyStopping(1, min_improvement=-1),
            "min_improvement=-1 must be a finite number, 0 or more",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_what_is_not_measured_cannot_be_watched(noise):
    data, held_out = noise
    with pytest.raises(InputError, match=r"monitor='validation_f1' is not measured; pass metrics=\('f1',\)"):
        train(data, validation=held_out, callbacks=[EarlyStopping(3, "validation_f1")])
