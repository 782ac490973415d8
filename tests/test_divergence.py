"""Every way in which a training can run away: it ends at once, says why, and keeps the last good weights."""

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import DivergedError, SomeFailedError
from fastnn.trainer import passes
from tests.fuzzing import assert_one_clear_line
from tests.odd_training import assert_good_weights

GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(size=(100, 4))
NUMBERS, CLASSES = X[:, 0], (X[:, 0] > 0).astype(int)
LABELS = np.stack([CLASSES, 1 - CLASSES[::-1]], axis=1)

# A linear network on a step well beyond 2/λ: the error grows by the same factor in each update.
RUNS_AWAY = {"hidden": (), "learning_rate": 10.0, "epochs": 50, "seed": 0, "batch_size": None}
FAR_OFF = (np.full((4, 4), 3e38, np.float32), np.arange(4) % 2)


def assert_ended_well(error, message, *, epochs=None):
    """One line, the last good weights, and their history."""
    assert_one_clear_line(error)
    model = error.network
    assert_good_weights(model)
    assert f"in epoch {model.history.n_epochs + 1}" in str(error)
    if model.history.n_epochs:
        last = model.history["loss" if "the validation" not in str(error) else "validation_loss"][-1]
        assert f"(it was {last:.4g} in epoch {model.history.n_epochs})" in str(error)
        assert np.isfinite([model.history[name] for name in model.history]).all()
    assert message in str(error)
    if epochs is not None:
        assert model.history.n_epochs == epochs


TOO_LARGE = "is too large for this input; take a smaller one, set clip_norm=1, or scale the columns of X"
WAYS = {
    "regression": ((X, NUMBERS), RUNS_AWAY, "the loss became"),
    "float64": ((X, NUMBERS), RUNS_AWAY | {"dtype": "float64", "learning_rate": 1e10}, "the loss became"),
    "huber": ((X * 1e12, NUMBERS), RUNS_AWAY | {"loss": "huber", "huber_delta": 1e16}, "became"),
    "poisson": (
        (X, np.abs(NUMBERS)),
        RUNS_AWAY | {"loss": "poisson", "learning_rate": 1e3},
        "the loss became",
    ),
    "classes": ((X, CLASSES), {"learning_rate": 3e38, "hidden": 5, "epochs": 9}, "became"),
    "labels": ((X, LABELS), {"learning_rate": 3e38, "hidden": 5, "epochs": 9}, "became"),
    "adam": ((X, CLASSES), {"optimizer": "adam", "learning_rate": 3e38, "epochs": 9, "hidden": 5}, "became"),
    "rmsprop": (
        (X, NUMBERS),
        {"optimizer": "rmsprop", "learning_rate": 3e38, "epochs": 9, "hidden": 5},
        "became",
    ),
    "nesterov": ((X, NUMBERS), RUNS_AWAY | {"optimizer": "nesterov"}, "the loss became"),
    "l2": ((X, CLASSES), {"l2": 1e300, "epochs": 3, "hidden": 5, "batch_size": 8}, "became"),
    "decay": ((X, CLASSES), {"weight_decay": 1e300, "epochs": 3, "hidden": 5, "batch_size": 8}, "became"),
    "half floats": ((np.float16(2e4) * np.sign(X).astype("f2"), NUMBERS), RUNS_AWAY, "the loss became"),
    "validation": ((X, NUMBERS), RUNS_AWAY | {"validation": 0.2}, "loss became"),
    "early stopping": ((X, NUMBERS), RUNS_AWAY | {"validation": 0.2, "early_stopping": 49}, "loss became"),
}


@pytest.mark.filterwarnings("ignore:X has values up to")
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_run_away(way, backend_name):
    data, options, message = WAYS[way]
    with pytest.raises(DivergedError) as caught:
        fastnn.train(*data, seed=0, backend=backend_name, **{k: v for k, v in options.items() if k != "seed"})
    assert_ended_well(caught.value, message)
    assert TOO_LARGE in str(caught.value)
    assert caught.value.network.history.stop_reason == "diverged"


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_validation_data_beyond_all_bounds(loss, backend_name):
    options = {
        "loss": loss,
        "huber_delta": 1e16,
        "epochs": 5,
        "hidden": (),
        "seed": 0,
        "backend": backend_name,
    }
    with pytest.raises(DivergedError) as caught:
        fastnn.train(X, np.abs(NUMBERS), validation=FAR_OFF, **options)
    assert_ended_well(caught.value, "the validation loss became inf in epoch 1", epochs=0)
    assert "are the validation data scaled as the training data?" in str(caught.value)


class Shifts(Callback):
    """Makes the weights so large after the second epoch that only the validation data overflow."""

    def epoch_end(self, training):
        if training.epoch == 2:
            training.network.weights[0][...] = 1e5
            training.read_weights()


def test_a_validation_loss_that_overflows_later_gives_the_epoch_before(backend_name):
    validation = (np.full((4, 4), 1e14, np.float32), np.zeros(4))
    options = {"hidden": (), "seed": 0, "backend": backend_name, "learning_rate": 1e-9, "dtype": "float32"}
    with pytest.raises(DivergedError) as caught:
        fastnn.train(X, NUMBERS, validation=validation, epochs=5, callbacks=[Shifts()], **options)
    assert_ended_well(caught.value, "the validation loss became inf in epoch 3", epochs=2)
    expected = fastnn.train(X, NUMBERS, validation=validation, epochs=2, **options)
    np.testing.assert_array_equal(caught.value.network.weights[0], expected.weights[0])


def test_lbfgs_has_no_learning_rate_to_blame(backend_name):
    far = fastnn.Network(
        [np.full((4, 3), 1e200), np.full((3, 1), 1e200)], [np.zeros(3), np.zeros(1)], loss="squared_error"
    )
    with pytest.raises(DivergedError) as caught:
        fastnn.train(X, NUMBERS, optimizer="lbfgs", epochs=5, backend=backend_name, initial=far)
    assert_good_weights(caught.value.network)
    assert_one_clear_line(caught.value)
    assert "in epoch 1: scale the columns of X" in str(caught.value)
    assert "learning_rate" not in str(caught.value)


def test_partial_train_leaves_the_model_as_it_was(backend_name):
    model = fastnn.train(X, NUMBERS, hidden=3, epochs=2, seed=0, backend=backend_name)
    before = [array.copy() for array in (*model.weights, *model.biases)]
    with pytest.raises(DivergedError, match=r"in epoch 1: learning_rate=1e\+30 is too large") as caught:
        model.partial_train(X, NUMBERS, learning_rate=1e30)
    assert caught.value.network is model
    for array, kept in zip((*model.weights, *model.biases), before, strict=True):
        assert array.tobytes() == kept.tobytes()
    assert model.history.n_epochs == 2


def test_train_many_gives_each_its_own_error(backend_name):
    settings = [{"learning_rate": 0.01}, {"learning_rate": 10.0}]
    options = RUNS_AWAY | {"backend": backend_name}
    sound, error = fastnn.train_many(X, NUMBERS, settings, errors="return", **options)
    assert_good_weights(sound)
    assert_ended_well(error, "the loss became")
    with pytest.raises(SomeFailedError, match=r"settings\[1\] first: the loss became"):
        fastnn.train_many(X, NUMBERS, settings, **options)


def test_it_ends_at_once_and_not_with_the_epoch(backend_name, monkeypatch):
    parts = []

    def one_update_a_part(part, elapsed):
        parts.append(part)
        return 1

    monkeypatch.setattr(passes, "_next_part", one_update_a_part)
    far = fastnn.Network([np.full((4, 1), 1e30, np.float32)], [np.zeros(1, np.float32)], loss="squared_error")
    with pytest.raises(DivergedError, match="the loss became inf in epoch 1"):
        fastnn.train(X, NUMBERS, initial=far, batch_size=1, epochs=3, backend=backend_name)
    assert len(parts) <= 2  # of a hundred updates
