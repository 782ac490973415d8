"""train(): what comes out of which data and options, and that it is reproducible."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import DivergedError, InputError
from tests.checks import assert_same_bits, weights_of


@pytest.fixture(scope="module")
def digits():
    return fastnn.datasets.load("digits", split="train"), fastnn.datasets.load("digits", split="test")


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
