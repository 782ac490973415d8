"""The loop over the epochs: what happens to the model and the other callbacks when something goes wrong."""

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import CallbackError, DivergedError, FastnnError, InputError
from tests.checks import assert_same_bits


class Recorder(Callback):
    """Notes what is called, and the weights at its finish."""

    def __init__(self):
        self.calls = []

    def start(self, training):
        self.calls.append("start")

    def epoch_end(self, training):
        self.calls.append(training.epoch)

    def finish(self, training):
        self.calls.append("finish")
        self.reason = training.history.stop_reason
        self.weights = [W.copy() for W in training.network.weights]


class Raiser(Callback):
    """Raises `error` in the function called `where`: in epoch_end, in epoch 2."""

    def __init__(self, where, error):
        self.where, self.error = where, error

    def start(self, training):
        self._raise_if("start")

    def epoch_end(self, training):
        if training.epoch == 2:
            self._raise_if("epoch_end")

    def finish(self, training):
        self._raise_if("finish")

    def _raise_if(self, where):
        if where == self.where:
            raise self.error


# ---- exceptions in callbacks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "epochs", "calls", "when"),
    [
        ("start", 0, ["start", "finish"], "after epoch 0 of 4"),
        ("epoch_end", 2, ["start", 1, 2, "finish"], "after epoch 2 of 4"),
        ("finish", 4, ["start", 1, 2, 3, 4, "finish"], "after epoch 4 of 4"),
    ],
)
def test_an_exception_keeps_the_model(blobs, backend_name, where, epochs, calls, when):
    before, after, mine = Recorder(), Recorder(), RuntimeError("mine\nand more")
    with pytest.raises(CallbackError) as caught:
        fastnn.train(
            *blobs, epochs=4, seed=0, backend=backend_name, callbacks=[before, Raiser(where, mine), after]
        )
    assert str(caught.value) == f"Raiser.{where} raised RuntimeError: mine ({when})"
    assert caught.value.__cause__ is mine
    assert before.calls == calls
    assert after.calls == {"start": [], "epoch_end": ["start", 1, "finish"]}.get(where, calls)
    model = caught.value.network
    assert model.history.n_epochs == epochs
    assert model.history.stop_reason == ("epochs" if where == "finish" else "an exception")
    if epochs:
        assert_same_bits(model, fastnn.train(*blobs, epochs=epochs, seed=0, backend=backend_name))


def test_the_first_exception_counts_and_the_others_are_noted(blobs):
    first, second = Raiser("epoch_end", ValueError("one")), Raiser("finish", KeyError("two"))
    with pytest.raises(CallbackError, match="ValueError: one") as caught:
        fastnn.train(*blobs, epochs=4, callbacks=[first, second, Raiser("finish", OSError("three"))])
    assert [note.partition(" (")[0] for note in caught.value.__notes__] == [
        "Raiser.finish raised KeyError: 'two'",
        "Raiser.finish raised OSError: three",
    ]


def test_our_own_errors_at_the_start_come_as_they_are(blobs):
    recorder = Recorder()
    with pytest.raises(InputError, match="wrong file"):
        fastnn.train(*blobs, callbacks=[recorder, Raiser("start", InputError("wrong file"))])
    assert recorder.calls == ["start", "finish"]
    with pytest.raises(CallbackError, match=r"Raiser\.epoch_end raised InputError: wrong file"):
        fastnn.train(*blobs, callbacks=[Raiser("epoch_end", InputError("wrong file"))])


def test_a_callback_error_is_a_fastnn_error_without_a_message_of_its_own(blobs):
    with pytest.raises(FastnnError, match="raised RuntimeError: RuntimeError"):
        fastnn.train(*blobs, callbacks=[Raiser("epoch_end", RuntimeError())])


# ---- Ctrl-C in callbacks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("where", "epochs"), [("start", 0), ("epoch_end", 2), ("finish", 4)])
def test_ctrl_c_inside_a_callback(blobs, backend_name, where, epochs):
    recorder = Recorder()
    with pytest.warns(UserWarning, match=f"interrupted after {epochs} of 4 epochs"):
        model = fastnn.train(
            *blobs,
            epochs=4,
            seed=0,
            backend=backend_name,
            callbacks=[Raiser(where, KeyboardInterrupt()), recorder],
        )
    assert model.history.stop_reason == "interrupted"
    assert model.history.n_epochs == epochs
    assert recorder.calls == {"start": [], "epoch_end": ["start", 1, "finish"]}.get(
        where, ["start", 1, 2, 3, 4, "finish"]
    )


# ---- divergence -------------------------------------------------------------------------------------------


@pytest.fixture
def line(generator):
    X = generator.normal(size=(100, 4))
    return X, X[:, 0]


# A linear network on a step well beyond 2/λ: the error grows by the same factor in each update.
EXPLODES = {"hidden": (), "learning_rate": 10.0, "epochs": 50, "seed": 0, "batch_size": None}


def test_divergence_keeps_the_last_good_weights(line, backend_name, recwarn):
    recorder = Recorder()
    with pytest.raises(DivergedError) as caught:
        fastnn.train(*line, **EXPLODES, backend=backend_name, callbacks=[recorder], validation=0.2)
    message, model = str(caught.value), caught.value.network
    n_epochs = model.history.n_epochs
    assert 0 < n_epochs < 50
    seen = "validation_loss" if message.startswith("the validation loss") else "loss"
    assert f"in epoch {n_epochs + 1} (it was {model.history[seen][-1]:.4g} in epoch {n_epochs})" in message
    assert "learning_rate=10 is too large" in message
    assert "clip_norm" in message
    assert "\n" not in message
    assert np.isfinite(model.history["loss"]).all()
    assert recorder.calls == ["start", *range(1, n_epochs + 1), "finish"]
    assert recorder.reason == model.history.stop_reason == "diverged"
    again = fastnn.train(*line, **(EXPLODES | {"epochs": n_epochs}), backend=backend_name, validation=0.2)
    assert_same_bits(model, again)
    for W, seen in zip(model.weights, recorder.weights, strict=True):
        assert W.tobytes() == seen.tobytes()
    assert not recwarn.list


def test_divergence_in_the_first_epoch_keeps_the_first_weights(line, backend_name):
    with pytest.raises(DivergedError, match=r"in epoch 1: learning_rate=1e\+20") as caught:
        fastnn.train(*line, **(EXPLODES | {"learning_rate": 1e20, "batch_size": 10}), backend=backend_name)
    assert caught.value.network.history.n_epochs == 0
    assert np.isfinite(caught.value.network.predict(line[0])).all()


class Poison(Callback):
    """Makes the weights useless before the second epoch's updates."""

    def epoch_end(self, training):
        training.network.weights[0][0, 0] = np.nan
        training.read_weights()


def test_weights_that_are_no_longer_finite(line, backend_name):
    with pytest.raises(DivergedError, match="nan in epoch 2") as caught:
        fastnn.train(
            *line, **(EXPLODES | {"learning_rate": 0.01}), backend=backend_name, callbacks=[Poison()]
        )
    again = fastnn.train(*line, **(EXPLODES | {"learning_rate": 0.01, "epochs": 1}), backend=backend_name)
    assert_same_bits(caught.value.network, again)


def test_a_last_update_that_overflows(backend_name):
    # The one batch's loss is finite, the step is not: only the weights tell.
    X, y = np.full((4, 2), 1e15), np.array([1e15, -1e15, 1e15, 2e15])
    with (
        pytest.warns(UserWarning, match="scale"),
        pytest.raises(DivergedError, match="the weights are no longer finite in epoch 1") as caught,
    ):
        fastnn.train(
            X, y, hidden=(), learning_rate=1e10, batch_size=None, epochs=1, backend=backend_name, seed=0
        )
    assert all(np.isfinite(W).all() for W in caught.value.network.weights)


def test_divergence_and_early_stopping_keep_the_best_epoch(line, backend_name):
    with pytest.raises(DivergedError) as caught:
        fastnn.train(*line, **EXPLODES, backend=backend_name, monitor="loss", early_stopping=49)
    model = caught.value.network
    assert model.history.best_epoch == 1 + int(np.argmin(model.history["loss"]))
    best = fastnn.train(*line, **(EXPLODES | {"epochs": model.history.best_epoch}), backend=backend_name)
    assert_same_bits(model, best)


# ---- steering ---------------------------------------------------------------------------------------------


class Halver(Callback):
    def epoch_end(self, training):
        training.learning_rate /= 2


def test_the_learning_rate_is_recorded_and_can_be_changed(blobs):
    model = fastnn.train(*blobs, epochs=3, learning_rate=0.1, callbacks=[Halver()])
    assert model.history["learning_rate"] == [0.1, 0.05, 0.025]


class Zeroer(Callback):
    """Puts other weights into the run."""

    def epoch_end(self, training):
        training.write_back()
        for W in training.network.weights:
            W[...] = 0
        training.read_weights()


def test_weights_can_be_changed(blobs, backend_name):
    model = fastnn.train(*blobs, epochs=2, callbacks=[Zeroer()], backend=backend_name)
    assert all(np.all(W == 0) for W in model.weights)
