"""train(): what comes out, that it is reproducible, and that it stops when told."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback
from fastnn.errors import CallbackError, DivergedError, InputError


@pytest.fixture(scope="module")
def digits():
    return fastnn.datasets.load("digits", split="train"), fastnn.datasets.load("digits", split="test")


@pytest.fixture
def blobs(generator):
    """Three well separated clouds of points in four dimensions."""
    y = generator.integers(0, 3, 240)
    return generator.normal(size=(240, 4)) + 3 * np.eye(4)[y], y


def weights_of(model):
    return [*model.weights, *model.biases]


def assert_same_bits(one, other):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        assert a.tobytes() == b.tobytes()


def test_defaults_learn_digits(digits, backend_name):
    (X, y), test = digits
    model = fastnn.train(X, y, backend=backend_name, seed=1)
    assert model.score(*test) >= 0.96
    assert model.sizes == (64, 128, 10)
    assert model.dtype == np.float32
    assert model.history.n_epochs == 20
    assert model.history.stop_reason == "epochs"
    assert model.history["loss"][-1] < model.history["loss"][0]


def test_backends_agree_on_a_whole_training(digits):
    (X, y), _ = digits
    one, other = (
        fastnn.train(X, y, hidden=(20, 10), epochs=2, dtype="float64", seed=3, backend=name, validation=0.2)
        for name in ("numpy", "numba")
    )
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(one.history["validation_loss"], other.history["validation_loss"], rtol=1e-8)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("hidden", [(), 8, (8,), (6, 5, 4)])
def test_any_depth_and_activation(blobs, backend_name, activation, hidden):
    X, y = blobs
    model = fastnn.train(X, y, hidden=hidden, activation=activation, epochs=150, seed=0, backend=backend_name)
    assert model.score(X, y) > 0.85
    assert model.activations == (activation,) * (len(model.sizes) - 2)


@pytest.mark.parametrize("batch_size", [1, 50, 240, 10_000, None, "full"])
def test_batch_sizes(blobs, backend_name, batch_size):
    X, y = blobs
    model = fastnn.train(X, y, hidden=5, epochs=30, batch_size=batch_size, seed=0, backend=backend_name)
    assert model.history["loss"][-1] < model.history["loss"][0]
    assert model.history.settings["batch_size"] == (
        240 if batch_size in (None, "full") else min(batch_size, 240)
    )


def test_a_seed_fixes_every_bit(digits, backend_name):
    (X, y), _ = digits
    settings = {"epochs": 2, "hidden": 16, "validation": 0.1, "early_stopping": 1, "backend": backend_name}
    assert_same_bits(fastnn.train(X, y, seed=5, **settings), fastnn.train(X, y, seed=5, **settings))
    assert_same_bits(
        fastnn.train(X, y, seed=5, **settings), fastnn.train(X, y, seed=np.random.default_rng(5), **settings)
    )
    other = fastnn.train(X, y, seed=6, **settings)
    assert not np.array_equal(other.weights[0], fastnn.train(X, y, seed=5, **settings).weights[0])


def test_no_seed_is_a_new_model_each_time(blobs, backend_name):
    X, y = blobs
    one, other = (fastnn.train(X, y, epochs=1, backend=backend_name) for _ in range(2))
    assert not np.array_equal(one.weights[0], other.weights[0])


def test_float64_starts_where_float32_does(blobs):
    X, y = blobs
    one, other = (fastnn.train(X, y, epochs=1, seed=0, dtype=dtype) for dtype in ("float32", "float64"))
    assert other.dtype == np.float64
    np.testing.assert_allclose(one.weights[0], other.weights[0], rtol=1e-3, atol=1e-4)


# ---- labels -----------------------------------------------------------------------------------------------

NAMES = np.array(["cat", "dog", "eel"])


@pytest.mark.parametrize(
    "labels",
    [
        lambda y: y + 5,
        lambda y: -y.astype(np.int8),
        lambda y: y.astype(np.uint16) * 1000,
        lambda y: NAMES[y],
        lambda y: NAMES[y].astype(object),
        lambda y: list(NAMES[y]),
        lambda y: y > 0,
        lambda y: y[:, None],
    ],
    ids=["ints", "int8", "uint16", "strings", "objects", "list", "bools", "column"],
)
def test_labels_of_any_kind_come_back(blobs, labels):
    X, y = blobs
    y = labels(y)
    model = fastnn.train(X, y, hidden=8, epochs=30, seed=0)
    expected = np.asarray(y).ravel()
    predicted = model.predict(X)
    assert predicted.shape == (240,)
    assert np.mean(predicted == expected) == model.score(X, y) > 0.9
    if expected.dtype != object:
        assert predicted.dtype == expected.dtype
    assert list(model.classes) == sorted(set(expected.tolist()))


@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool])
def test_one_hot_labels(blobs, dtype):
    X, y = blobs
    one_hot = np.eye(3)[y].astype(dtype)
    model = fastnn.train(X, one_hot, hidden=8, epochs=30, seed=0)
    assert_same_bits(model, fastnn.train(X, y, hidden=8, epochs=30, seed=0))
    assert model.score(X, one_hot) == model.score(X, y)


def test_float_labels_are_a_regression_and_say_so(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="look like class labels"):
        model = fastnn.train(X, y.astype(float), epochs=1)
    assert model.classes is None
    model = fastnn.train(X, y.astype(float), epochs=1, loss="cross_entropy")
    assert model.classes.dtype == np.float64


# ---- regression -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regression(generator, backend_name, n_outputs):
    X = generator.normal(size=(400, 5))
    y = np.sin(X @ generator.normal(size=(5, n_outputs)))
    y = y[:, 0] if n_outputs == 1 else y
    model = fastnn.train(X, y, epochs=400, activation="tanh", seed=0, backend=backend_name)
    assert model.score(X, y) > 0.8
    assert model.predict(X).shape == y.shape
    assert "accuracy" not in model.history
    with pytest.raises(InputError, match="regression"):
        model.predict_proba(X)


def test_several_labels_a_row(generator, backend_name):
    X = generator.normal(size=(300, 4))
    y = (X[:, :3] + 0.1 * generator.normal(size=(300, 3)) > 0).astype(int)
    model = fastnn.train(X, y, seed=0, epochs=60, backend=backend_name, validation=0.2)
    assert model.multilabel
    assert model.score(X, y) > 0.8
    assert model.history["accuracy"][-1] > 0.8
    predicted, probabilities = model.predict(X), model.predict_proba(X)
    assert predicted.shape == probabilities.shape == (300, 3)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, probabilities > 0.5)
    assert model.score(X, y) == pytest.approx(np.mean(np.all(predicted == y, axis=1)))
    assert_same_bits(model, fastnn.train(X, y > 0, seed=0, epochs=60, backend=backend_name, validation=0.2))


def test_many_labels_are_learned_with_the_rate_that_is_chosen(generator):
    X = generator.normal(size=(600, 20))
    y = (X @ generator.normal(size=(20, 200)) > 0).astype(int)
    model = fastnn.train(X, y, hidden=(64, 64, 64), epochs=10, seed=0, optimizer="sgd")
    assert model.history["loss"][-1] < 0.5 * 200 * np.log(2)  # half of what guessing costs


def test_a_single_yes_or_no(blobs, backend_name):
    X, y = blobs
    y = (y > 0).astype(int)
    model = fastnn.train(X, y, loss="binary_cross_entropy", seed=0, epochs=30, backend=backend_name)
    assert model.sizes[-1] == 1
    assert model.predict(X).shape == y.shape
    assert model.predict_proba(X).shape == (240, 1)
    assert np.mean(model.predict(X) == y) == model.score(X, y) > 0.9


LINE = np.linspace(-1, 1, 200)[:, None]
REGRESSIONS = {
    "absolute_error": np.where(np.arange(200) % 10 == 0, 500.0, 2 * LINE[:, 0] + 3),
    "huber": np.where(np.arange(200) % 10 == 0, 500.0, 2 * LINE[:, 0] + 3),
    "poisson": np.exp(2 * LINE[:, 0] + 3).round(),
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("loss", REGRESSIONS)
def test_other_regressions_learn_with_the_rate_they_choose(loss, optimizer, backend_name):
    y = REGRESSIONS[loss]
    expected = np.exp(2 * LINE[:, 0] + 3) if loss == "poisson" else 2 * LINE[:, 0] + 3
    model = fastnn.train(
        LINE, y, loss=loss, hidden=(), epochs=200, seed=0, optimizer=optimizer, backend=backend_name
    )
    assert model.predict(LINE).shape == (200,)
    assert np.mean(np.abs(model.predict(LINE) / expected - 1)) < 0.2  # outliers of 500 do not pull
    assert model.history["loss"][-1] < model.history["loss"][0]


@pytest.mark.parametrize(
    ("loss", "start"), [("squared_error", 3), ("absolute_error", 2), ("huber", 2), ("poisson", np.log(3))]
)
def test_a_regression_starts_at_its_best_constant(loss, start, backend_name):
    y = np.array([1, 2, 2, 1, 9])
    settings = {"epochs": 1, "learning_rate": 1e-30, "loss": loss, "backend": backend_name}
    model = fastnn.train(LINE[:5], y, **settings)
    assert model.biases[-1] == pytest.approx(start)
    # as if the 9 were not there, and the ones twice
    model = fastnn.train(LINE[:5], y, sample_weight=[2, 1, 1, 2, 0], **settings)
    start = {"squared_error": 4 / 3, "poisson": np.log(4 / 3)}.get(loss, 1)
    assert model.biases[-1] == pytest.approx(start)


def test_counts_that_are_all_zero(backend_name):
    model = fastnn.train(LINE[:20], np.zeros(20), loss="poisson", epochs=3, backend=backend_name)
    assert np.all(model.predict(LINE) < 0.1)


# ---- input ------------------------------------------------------------------------------------------------


def test_uint8_images_are_scaled_and_flattened(digits, backend_name):
    (X, y), _ = digits
    settings = {"hidden": 16, "epochs": 2, "seed": 0, "backend": backend_name, "learning_rate": 0.1}
    model = fastnn.train(X.reshape(-1, 8, 8), y, **settings)
    assert model.input_scale == pytest.approx(1 / 255)
    as_floats = fastnn.train((X * np.float32(1 / 255)), y, **settings)
    np.testing.assert_allclose(model.weights[0], as_floats.weights[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.predict(X.reshape(-1, 8, 8)), model.predict(X))


@pytest.mark.parametrize("kind", [np.int32, np.float64, bool, "list", "fortran", "strided"])
def test_input_of_other_kinds(blobs, kind):
    X, y = blobs
    X = np.round(X)
    given = {
        "list": lambda: X.tolist(),
        "fortran": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(X, 2, axis=1)[:, ::2],
    }.get(kind, lambda: X.astype(kind))()
    expected = fastnn.train(np.asarray(given, np.float32).copy(), y, hidden=4, epochs=2, seed=0)
    assert_same_bits(fastnn.train(given, y, hidden=4, epochs=2, seed=0), expected)


def test_training_leaves_the_data_alone(blobs, backend_name):
    X, y = blobs
    X = X.astype(np.float32)
    kept = X.copy()
    X.flags.writeable = False
    fastnn.train(X, y, epochs=2, backend=backend_name)
    np.testing.assert_array_equal(X, kept)


def test_badly_scaled_floats_are_named(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="scale"):
        fastnn.train(100 * X, y, epochs=1)


def test_divergence_is_an_error_not_a_nan(generator, backend_name, recwarn):
    X = generator.normal(size=(100, 4))
    with pytest.raises(DivergedError, match="learning_rate=10 is too large for this input") as caught:
        fastnn.train(X, X[:, 0], activation="identity", learning_rate=10.0, epochs=50, backend=backend_name)
    assert "\n" not in str(caught.value)
    assert not recwarn.list


# ---- validation, stopping, watching -----------------------------------------------------------------------


def test_validation_fraction_is_held_out(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(X, y, epochs=3, validation=0.25, seed=0, backend=backend_name)
    names = ("loss", "accuracy", "learning_rate", "seconds", "validation_loss", "validation_accuracy")
    assert set(model.history) == set(names)
    assert all(len(column) == 3 for column in model.history.values())


def test_validation_data_of_ones_own(blobs):
    X, y = blobs
    names = NAMES[y]
    model = fastnn.train(X[:200], names[:200], epochs=4, validation=(X[200:], names[200:]), seed=0)
    assert model.history["validation_accuracy"][-1] == pytest.approx(model.score(X[200:], names[200:]))
    assert model.history["validation_loss"][-1] == pytest.approx(model.loss(X[200:], names[200:]))


@pytest.mark.parametrize("monitor", ["validation_accuracy", "validation_loss"])
def test_early_stopping_keeps_the_best_epoch(generator, backend_name, monitor):
    X, y = generator.normal(size=(120, 30)), generator.integers(0, 2, 120)  # nothing to learn but noise
    X_val, y_val = generator.normal(size=(80, 30)), generator.integers(0, 2, 80)
    model = fastnn.train(
        X,
        y,
        epochs=300,
        validation=(X_val, y_val),
        early_stopping=7,
        monitor=monitor,
        seed=0,
        backend=backend_name,
    )
    history = model.history
    assert history.stop_reason == "early stopping"
    best = max(history[monitor]) if monitor == "validation_accuracy" else min(history[monitor])
    assert history.best_epoch == 1 + history[monitor].index(best)
    assert history.n_epochs == history.best_epoch + 7
    loss, accuracy = model.evaluate(X_val, y_val)
    assert (accuracy if monitor == "validation_accuracy" else loss) == pytest.approx(best, rel=1e-6)


def test_early_stopping_restores_the_best_even_when_epochs_run_out(blobs):
    X, y = blobs
    model = fastnn.train(
        X, y, epochs=3, validation=(X, y), early_stopping=50, monitor="validation_loss", seed=0
    )
    assert model.history.stop_reason == "epochs"
    assert model.loss(X, y) == pytest.approx(min(model.history["validation_loss"]), rel=1e-6)


def test_lines_every_n_epochs(blobs, capsys):
    X, y = blobs
    fastnn.train(X, y, epochs=7, verbose=3, seed=0, validation=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["3/7", "6/7", "7/7"]
    assert all("loss" in line and "accuracy" in line and "samples/s" in line for line in lines)


def test_silent_and_bar(blobs, capsys):
    X, y = blobs
    fastnn.train(X, y, epochs=3, seed=0)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    fastnn.train(X, y, epochs=3, seed=0, verbose=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err
    assert "loss" in captured.err
    assert "samples/s" in captured.err


class Recorder(Callback):
    def __init__(self, stop_at=None):
        self.calls, self.stop_at = [], stop_at

    def start(self, training):
        self.calls.append("start")

    def epoch_end(self, training):
        self.calls.append(training.epoch)
        if training.epoch == self.stop_at:
            training.stop("enough")

    def finish(self, training):
        self.calls.append("finish")


def test_callbacks_watch_and_stop(blobs):
    X, y = blobs
    recorder = Recorder(stop_at=2)
    model = fastnn.train(X, y, epochs=9, callbacks=[recorder])
    assert recorder.calls == ["start", 1, 2, "finish"]
    assert model.history.stop_reason == "enough"
    assert model.history.n_epochs == 2


class Raiser(Callback):
    def epoch_end(self, training):
        raise RuntimeError("mine")


def test_an_exception_in_a_callback_comes_through_after_finish(blobs):
    X, y = blobs
    recorder = Recorder()
    with pytest.raises(CallbackError, match=r"Raiser\.epoch_end raised RuntimeError: mine"):
        fastnn.train(X, y, epochs=9, callbacks=[recorder, Raiser()])
    assert recorder.calls == ["start", 1, "finish"]


class Interrupter(Callback):
    def epoch_end(self, training):
        if training.epoch == 2:
            raise KeyboardInterrupt


def test_ctrl_c_between_epochs_keeps_the_model(blobs, backend_name):
    X, y = blobs
    with pytest.warns(UserWarning, match="interrupted after 2 of 50 epochs"):
        model = fastnn.train(X, y, epochs=50, callbacks=[Interrupter()], seed=0, backend=backend_name)
    assert model.history.stop_reason == "interrupted"
    assert_same_bits(model, fastnn.train(X, y, epochs=2, seed=0, backend=backend_name))


@pytest.mark.skipif(os.name == "nt", reason="SIGINT of one's own process is not deliverable on Windows")
def test_ctrl_c_inside_a_long_epoch_is_seen_soon(generator, backend_name):
    X, y = generator.normal(size=(40_000, 100)).astype(np.float32), generator.integers(0, 5, 40_000)
    fastnn.train(
        X[:100], y[:100], epochs=1, hidden=(300, 300), backend=backend_name
    )  # compiled before the clock
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="interrupted"):
        fastnn.train(X, y, epochs=10_000, hidden=(300, 300), backend=backend_name)
    assert time.perf_counter() - start < 10


# ---- mistakes ---------------------------------------------------------------------------------------------

GOOD_X, GOOD_Y = np.linspace(0, 1, 40).reshape(10, 4), np.arange(10) % 2

MISTAKES = [
    ({"X": np.zeros(10)}, r"X has shape \(10,\); it must be \(n_rows, n_features\)"),
    ({"X": np.zeros((0, 4)), "y": []}, "X is empty"),
    ({"X": np.zeros((10, 0))}, "X is empty"),
    ({"X": [[1, 2], [3]]}, "X is not a table of numbers"),
    ({"X": [["a", "b"]] * 10}, "X has dtype <U1"),
    ({"X": [[None, 1]] * 10}, "X holds nan at row 0, column 0"),
    ({"X": np.full((10, 4), np.nan)}, "X holds nan at row 0, column 0"),
    ({"X": np.where(np.arange(40).reshape(10, 4) == 13, np.inf, 0)}, "X holds inf at row 3, column 1"),
    ({"X": np.full((10, 4), 1e300)}, "X as float32 holds inf"),
    ({"X": GOOD_X.astype(complex)}, "X has dtype complex128"),
    ({"y": GOOD_Y[:9]}, "y has 9 rows but X has 10"),
    ({"y": []}, "y is empty"),
    ({"y": np.zeros(10, int)}, r"y has one class only \(0\)"),
    ({"y": ["a"] * 10}, r"y has one class only \('a'\)"),
    ({"y": [0.5, np.nan] * 5}, "y holds nan at row 1"),
    ({"y": [1, "a"] * 5}, None),
    ({"y": np.array([1, "a", None] * 3 + [1], object)}, "y mixes values of type NoneType, int, str"),
    ({"y": np.zeros((10, 2, 2))}, r"y has shape \(10, 2, 2\)"),
    ({"y": np.full((10, 2), 2)}, "not one-hot"),
    ({"sample_weight": np.ones(9)}, r"sample_weight has shape \(9,\); it must be \(10,\)"),
    ({"class_weight": {2: 1.0}}, "class_weight names the label 2, but y has 0, 1"),
    ({"loss": "poisson", "y": -np.ones(10)}, r"y holds -1\.0; poisson needs counts, 0 or more"),
    ({"loss": "binary_cross_entropy", "y": np.arange(10)}, "y holds 2; binary_cross_entropy needs 0 or 1"),
    ({"loss": "huber", "huber_delta": 0, "y": np.arange(10)}, "huber_delta=0 must be a finite number"),
    ({"y": np.full(10, 1j)}, "y has dtype complex128"),
    ({"y": ["a", "b"] * 5, "loss": "squared_error"}, "y holds strings"),
    ({"loss": "hinge"}, "loss='hinge' is unknown; use 'auto', 'cross_entropy'"),
    ({"activation": "swish"}, "activation='swish' is unknown; use 'relu', 'leaky_relu', 'elu'"),
    ({"activation": None}, "activation=None is unknown"),
    ({"hidden": 0}, "hidden=0 must be a whole number, 1 or more"),
    ({"hidden": (5, -1)}, "hidden=-1 must be a whole number"),
    ({"hidden": 2.5}, "hidden=2.5 must be the widths"),
    ({"hidden": "128"}, "hidden='128' must be the widths"),
    ({"epochs": 0}, "epochs=0 must be a whole number, 1 or more"),
    ({"epochs": 1.5}, "epochs=1.5 must be a whole number"),
    ({"epochs": True}, "epochs=True must be a whole number"),
    ({"batch_size": 0}, "batch_size=0 must be a whole number"),
    ({"batch_size": "large"}, "batch_size='large' must be a whole number, None or 'full'"),
    ({"learning_rate": 0}, "learning_rate=0 must be a finite number above 0"),
    ({"learning_rate": float("nan")}, "learning_rate=nan must be a finite number above 0"),
    ({"learning_rate": "fast"}, "learning_rate='fast' must be a number above 0, or 'auto'"),
    ({"learning_rate": None}, "learning_rate=None must be a number above 0"),
    ({"validation": 1.5}, "validation=1.5 must be a fraction"),
    ({"validation": -0.5}, "validation=-0.5 must be a finite number above 0"),
    ({"validation": "some"}, "validation='some' must be a number"),
    ({"validation": (GOOD_X,)}, "validation has 1 parts"),
    ({"validation": (GOOD_X[:, :3], GOOD_Y)}, "validation X has 3 features"),
    ({"validation": (GOOD_X, GOOD_Y[:4])}, "validation y has 4 rows"),
    ({"validation": (GOOD_X, GOOD_Y + 1)}, "validation y holds the label 2, which the model does not know"),
    ({"validation": (GOOD_X, ["a", "b"] * 5)}, "validation y has labels of dtype"),
    ({"early_stopping": 3}, "early_stopping=3 needs validation data"),
    ({"early_stopping": 0, "validation": 0.5}, "early_stopping=0 must be a whole number"),
    ({"early_stopping": 3, "validation": 0.5, "monitor": "f1"}, "monitor='f1' is unknown"),
    ({"validation": 0.5, "monitor": "validation_f1"}, "monitor='validation_f1' is not measured"),
    ({"monitor": "validation_loss"}, "monitor='validation_loss' needs validation data"),
    ({"early_stopping": 3, "monitor": "validation_loss"}, "monitor='validation_loss' needs validation data"),
    ({"min_improvement": -1}, "min_improvement=-1 must be a finite number, 0 or more"),
    ({"min_improvement": "small"}, "min_improvement='small' must be a number, 0 or more"),
    ({"metrics": "f1"}, r"metrics=\('f1',\) need validation data"),
    ({"validation": (GOOD_X, GOOD_Y, np.ones(3))}, r"validation weights has shape \(3,\)"),
    ({"validation": (GOOD_X, GOOD_Y, None, 1)}, "validation has 4 parts"),
    (
        {
            "early_stopping": 3,
            "validation": 0.5,
            "monitor": "validation_accuracy",
            "y": np.linspace(0, 1, 10),
        },
        "needs a classifier",
    ),
    ({"backend": "cuda"}, "backend='cuda' is unknown; use 'auto', 'numba' or 'numpy'"),
    ({"threads": 0, "backend": "numba"}, "threads=0 must be a whole number"),
    ({"threads": 10**6, "backend": "numba"}, "threads=1000000 is too many; use 256 at most"),
    ({"dtype": "float16"}, "dtype='float16' must be 'float32' or 'float64'"),
    ({"dtype": "nonsense"}, "dtype='nonsense' must be"),
    ({"seed": -1}, "seed=-1 must be a whole number, 0 or more"),
    ({"seed": "lucky"}, "seed='lucky' must be a whole number"),
    ({"verbose": -2}, "verbose=-2 must be a whole number"),
    ({"callbacks": 3}, "callbacks=3 must be a list"),
    ({"callbacks": [print]}, "is not a fastnn.callbacks.Callback"),
]


@pytest.mark.parametrize(
    ("wrong", "message"), MISTAKES, ids=lambda v: ",".join(v) if isinstance(v, dict) else ""
)
def test_mistakes_get_one_clear_line(wrong, message):
    arguments = {"X": GOOD_X, "y": GOOD_Y, "epochs": 1} | wrong
    X, y = arguments.pop("X"), arguments.pop("y")
    if message is None:  # numpy itself turns [1, "a"] into strings, which are good labels
        assert fastnn.train(X, y, **arguments).classes.dtype.kind == "U"
        return
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(X, y, **arguments)
    assert "\n" not in str(caught.value)


def test_sparse_input_is_named():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(InputError, match=r"X is a sparse matrix; pass X.toarray\(\)"):
        fastnn.train(sparse.csr_matrix(GOOD_X), GOOD_Y)


def test_backend_from_the_environment(monkeypatch):
    monkeypatch.setenv("FASTNN_BACKEND", "numpy")
    assert fastnn.train(GOOD_X, GOOD_Y, epochs=1).backend == "numpy"
    monkeypatch.setenv("FASTNN_BACKEND", "fortran")
    with pytest.raises(InputError, match="FASTNN_BACKEND='fortran' is unknown"):
        fastnn.train(GOOD_X, GOOD_Y, epochs=1)


def test_threads_with_numpy_is_not_silent():
    with pytest.warns(UserWarning, match="threads has no effect with backend='numpy'"):
        fastnn.train(GOOD_X, GOOD_Y, epochs=1, backend="numpy", threads=2)
