"""Training on from a model: with train(initial=…), and pass by pass in place with model.partial_train."""

import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn.backends import NAMES
from fastnn.errors import DivergedError, InputError
from fastnn.optimizers import SGD, Adam
from tests.checks import assert_same_bits, case, weights_of

OPTIMIZERS = {
    "sgd": "sgd",
    "momentum": SGD(momentum=0.8),
    "nesterov": "nesterov",
    "decay": SGD(momentum=0.5, weight_decay=0.01),
    "adam": "adam",
    "adamw": "adamw",
    "rmsprop": "rmsprop",
}
# Everything that a step depends on beside the gradient.
HARD = {
    "l2": 1e-3,
    "max_norm": 2.0,
    "dropout": 0.3,
    "input_dropout": 0.1,
    "clip_norm": 1.0,
    "label_smoothing": 0.1,
}


@pytest.fixture
def blobs(generator):
    y = generator.integers(0, 3, 150)
    return (generator.normal(size=(150, 4)) + 2 * np.eye(4)[y]).astype(np.float32), y


def copies(model):
    return [array.copy() for array in weights_of(model)]


# ---- one pass at a time -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_passes_go_on_where_a_training_ended(blobs, backend_name, name):
    X, y = blobs
    options = {
        "hidden": (6, 5),
        "optimizer": OPTIMIZERS[name],
        "learning_rate": 0.01,
        "batch_size": 16,
        "backend": backend_name,
        "seed": 3,
        **HARD,
    }
    whole = fastnn.train(X, y, epochs=12, **options)
    model = fastnn.train(X, y, epochs=2, **options)
    for _ in range(10):
        assert model.partial_train(X, y) is model
    assert_same_bits(model, whole)
    assert model.history["loss"] == whole.history["loss"][2:]
    assert model.history["accuracy"] == whole.history["accuracy"][2:]
    assert model.history.n_epochs == 10


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_passes_in_order_are_ten_epochs_in_order(blobs, backend_name, dtype, name):
    X, y = blobs[0].astype(dtype), blobs[1]
    start = fastnn.train(X, y, hidden=5, epochs=1, seed=0, dtype=dtype, backend=backend_name)
    model = fastnn.Network(start.weights, start.biases, backend=backend_name)
    network = copy.deepcopy(model)
    weights = np.linspace(0.5, 1.5, len(X)).astype(dtype)
    for _ in range(10):
        model.partial_train(
            X,
            y,
            optimizer=OPTIMIZERS[name],
            learning_rate=0.02,
            batch_size=32,
            shuffle=False,
            sample_weight=weights,
        )
    # The same by the backend's own run, which is open all the time.
    _, arithmetic = fastnn.backends.get(backend_name)
    settings = fastnn.run_settings.RunSettings(32, optimizer=fastnn.optimizers.get(OPTIMIZERS[name]))
    weights = (weights.astype(np.float64) / weights.max()).astype(np.float64)
    weights = (weights * (len(X) / weights.sum())).astype(dtype)
    run = arithmetic.open_run(network, X, y, settings, weights)
    for _ in range(10):
        run.epoch(np.arange(len(X)), settings.constant_rates(len(X), 0.02))
    run.write_back()
    run.close()
    assert_same_bits(model, network)


def test_lbfgs_goes_on_with_the_same_rows(blobs, backend_name):
    pytest.importorskip("scipy")
    X, y = blobs
    options = {"hidden": 5, "optimizer": "lbfgs", "l2": 1e-2, "seed": 0, "backend": backend_name}
    whole = fastnn.train(X, y, epochs=8, **options)
    model = fastnn.train(X, y, epochs=3, **options)
    for _ in range(5):
        model.partial_train(X, y)
    assert_same_bits(model, whole)
    # Other rows, or other weights, have another minimum: its memory would lead astray.
    before = model.loss(X[:50], y[:50])
    assert model.partial_train(X[:50], y[:50]).loss(X[:50], y[:50]) < before
    model.weights[1] *= 0.5
    halved = model.loss(X[:50], y[:50])
    assert model.partial_train(X[:50], y[:50]).loss(X[:50], y[:50]) < halved


def test_other_batches_of_rows_and_a_last_small_one(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(
        X, y, hidden=5, epochs=1, batch_size=40, seed=0, backend=backend_name, optimizer="adam"
    )
    step = int(model.continuation.run_state["step"])
    model.partial_train(X[:10], y[:10])
    model.partial_train(X[10:], y[10:])
    assert model.history.settings["batch_size"] == 40  # though the pass before had only ten rows
    assert int(model.continuation.run_state["step"]) == step + 1 + 4
    full = fastnn.train(X, y, hidden=5, epochs=1, batch_size="full", seed=0, backend=backend_name)
    assert full.partial_train(X[:20], y[:20]).history.settings["batch_size"] == 20
    assert full.partial_train(X, y).history.settings["batch_size"] == 150


def test_settings_may_change_between_passes(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(X, y, hidden=5, epochs=2, optimizer="adam", seed=0, backend=backend_name)
    model.partial_train(X, y, learning_rate=0.5, batch_size=75)
    assert model.history["learning_rate"] == [0.5]
    step = int(model.continuation.run_state["step"])
    model.partial_train(X, y)
    assert model.history["learning_rate"] == [0.5, 0.5]
    assert int(model.continuation.run_state["step"]) == step + 2
    # The same optimizer, written otherwise, goes on; another one has its own state and learning rate.
    model.partial_train(X, y, optimizer=Adam())
    assert int(model.continuation.run_state["step"]) == step + 4
    model.partial_train(X, y, optimizer="rmsprop")
    assert int(model.continuation.run_state["step"]) == 2
    assert model.history["learning_rate"][-1] == 1e-3


def test_a_seed_fixes_the_passes(blobs, backend_name):
    X, y = blobs
    first = fastnn.train(X, y, hidden=5, epochs=1, seed=0, backend=backend_name)
    one, other, third = (copy.deepcopy(first) for _ in range(3))
    for model, seed in ((one, 5), (other, 5), (third, 6)):
        model.partial_train(X, y, seed=seed)
        model.partial_train(X, y)
    assert_same_bits(one, other)
    assert not np.array_equal(one.weights[0], third.weights[0])
    generator = np.random.default_rng(1)
    fastnn.train(X, y, hidden=5, epochs=1, seed=generator, backend=backend_name).partial_train(X, y)
    drawn = np.random.default_rng(1)
    fastnn.train(X, y, hidden=5, epochs=1, seed=drawn, backend=backend_name)
    assert generator.random() == drawn.random()  # a pass draws from a copy of the training's generator


def test_a_loaded_model_begins_anew(blobs, backend_name, tmp_path):
    X, y = blobs
    model = fastnn.train(X, y, hidden=5, epochs=2, optimizer="adam", seed=0, backend=backend_name)
    model.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m", backend=backend_name)
    assert loaded.continuation is None
    before = loaded.loss(X, y)
    for _ in range(3):
        loaded.partial_train(X, y, seed=1)
    assert loaded.loss(X, y) < before
    assert loaded.history.n_epochs == 3
    loaded.save(tmp_path / "n")
    assert fastnn.load(tmp_path / "n").continuation is None


def test_the_state_goes_from_backend_to_backend_and_through_pickle(blobs):
    if "numba" not in fastnn.backends.available():
        pytest.skip("backend numba does not import here")
    X, y = blobs[0].astype(np.float64), blobs[1]
    options = {"hidden": 5, "optimizer": "adam", "dtype": "float64", "seed": 0}
    whole = fastnn.train(X, y, epochs=6, backend="numpy", **options)
    model = fastnn.train(X, y, epochs=2, backend="numpy", **options)
    for turn in range(4):
        model = pickle.loads(pickle.dumps(model))
        model.backend = NAMES[turn % 2]
        model.partial_train(X, y)
    for a, b in zip(weights_of(model), weights_of(whole), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_early_stopping_leaves_no_state_of_a_later_epoch(generator, backend_name):
    X, y = generator.normal(size=(80, 30)), generator.integers(0, 2, 80)
    model = fastnn.train(
        X,
        y,
        hidden=8,
        optimizer="adam",
        learning_rate=0.05,
        epochs=40,
        validation=0.4,
        early_stopping=2,
        seed=0,
        backend=backend_name,
    )
    assert model.history.best_epoch < model.history.n_epochs
    assert model.continuation.run_state is None
    model.partial_train(X, y)
    assert set(model.history) == {"loss", "accuracy", "learning_rate", "seconds"}


def test_replaced_layers_begin_anew(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(X, y, hidden=5, epochs=1, optimizer="momentum", seed=0, backend=backend_name)
    model.weights[0], model.biases[0] = np.ones((4, 7), np.float32), np.zeros(7, np.float32)
    model.weights[1] = np.ones((7, 3), np.float32)
    model.partial_train(X, y)
    assert int(model.continuation.run_state["step"]) == model.continuation.settings.n_updates(150)


def test_a_pass_sees_changed_weights_and_predictions_see_the_pass(blobs, backend_name):
    X, y = blobs
    model = fastnn.train(100 + 5 * X, y, hidden=5, epochs=5, standardize=True, seed=0, backend=backend_name)
    before = model.predict_proba(100 + 5 * X)
    model.partial_train(100 + 5 * X, y)
    assert np.abs(model.predict_proba(100 + 5 * X) - before).max() > 1e-4
    for array in weights_of(model):
        array[...] = 0
    model.partial_train(100 + 5 * X, y, learning_rate=1e-9)
    np.testing.assert_allclose(model.predict_proba(100 + 5 * X), 1 / 3, rtol=1e-4)


def test_regression_and_several_labels(generator, backend_name):
    X = generator.normal(size=(60, 4))
    model = fastnn.train(X, X[:, 0], epochs=1, seed=0, backend=backend_name)
    before = model.loss(X, X[:, 0])
    for _ in range(5):
        model.partial_train(X, X[:, 0])
    assert model.loss(X, X[:, 0]) < before
    several = (X[:, :2] > 0).astype(int)
    model = fastnn.train(X, several, loss="binary_cross_entropy", epochs=1, seed=0, backend=backend_name)
    before = model.loss(X, several)
    for _ in range(5):
        model.partial_train(X, several)
    assert model.loss(X, several) < before


def test_a_pass_that_diverges_leaves_the_model_as_it_was(generator, backend_name):
    X = generator.normal(size=(100, 4))
    model = fastnn.train(
        X, X[:, 0], activation="identity", optimizer="momentum", epochs=2, backend=backend_name
    )
    kept, history, state = copies(model), model.history, model.continuation
    with pytest.raises(DivergedError, match=r"learning_rate=1e\+10 is too large") as caught:
        model.partial_train(1e5 * X, X[:, 0], learning_rate=1e10)
    assert caught.value.network is model
    for array, old in zip(weights_of(model), kept, strict=True):
        np.testing.assert_array_equal(array, old)
    assert model.history is history
    assert model.continuation is state
    assert (history.stop_reason, history.n_epochs) == ("epochs", 2)
    model.partial_train(X, X[:, 0])


BAD_PASSES = [
    (lambda X, y: (X[:, :3], y), {}, "X has 3 features"),
    (lambda X, y: (X, y + 1), {}, "y holds the label 3, which the model does not know; it knows 0, 1, 2"),
    (lambda X, y: (X, y[:9]), {}, "y has 9 rows but X has 150"),
    (lambda X, y: (X, y), {"optimizer": "magic"}, "optimizer='magic' is unknown"),
    (lambda X, y: (X, y), {"learning_rate": -1}, "learning_rate=-1 must be"),
    (
        lambda X, y: (X, y),
        {"learning_rate": "fast"},
        "learning_rate='fast' must be a number above 0, or 'auto'",
    ),
    (lambda X, y: (X, y), {"batch_size": 0}, "batch_size=0 must be"),
    (lambda X, y: (X, y), {"sample_weight": [1, 2]}, "sample_weight has shape"),
    (lambda X, y: (X, y), {"seed": -3}, "seed=-3 must be"),
    (lambda X, y: (X, y), {"threads": 0}, "threads=0 must be"),
]


@pytest.mark.parametrize(("change", "options", "message"), BAD_PASSES, ids=case)
@pytest.mark.filterwarnings("ignore:threads has no effect")
def test_bad_passes_change_nothing(blobs, change, options, message):
    X, y = blobs
    model = fastnn.train(X, y, hidden=5, epochs=1, seed=0)
    kept, history, state = copies(model), model.history, model.continuation
    with pytest.raises(InputError, match=message) as caught:
        model.partial_train(*change(X, y), **options)
    assert "\n" not in str(caught.value)
    for array, old in zip(weights_of(model), kept, strict=True):
        np.testing.assert_array_equal(array, old)
    assert (model.history, model.continuation) == (history, state)


# ---- from a model's weights -------------------------------------------------------------------------------


def test_initial_starts_with_a_copy_of_the_weights(blobs, backend_name):
    X, y = blobs
    first = fastnn.train(
        X,
        y,
        hidden=(6, 5),
        activation=("tanh", "relu"),
        epochs=3,
        dtype="float64",
        seed=0,
        backend=backend_name,
    )
    kept, history = copies(first), first.history
    second = fastnn.train(X, y, initial=first, epochs=1, learning_rate=1e-12, seed=0, backend=backend_name)
    assert second is not first
    assert (second.sizes, second.activations, second.loss_name) == (
        first.sizes,
        first.activations,
        first.loss_name,
    )
    assert second.dtype == np.float64
    for array, old, other in zip(weights_of(second), kept, weights_of(first), strict=True):
        np.testing.assert_allclose(array, old, atol=1e-9)
        assert not np.shares_memory(array, other)
        np.testing.assert_array_equal(other, old)
    assert first.history is history
    assert second.history.n_epochs == 1
    third = fastnn.train(X, y, initial=first, epochs=5, seed=0, backend=backend_name)
    assert third.loss(X, y) < first.loss(X, y)
    assert_same_bits(third, fastnn.train(X, y, initial=first, epochs=5, seed=0, backend=backend_name))


def test_initial_converts_the_dtype_if_asked(blobs):
    X, y = blobs
    first = fastnn.train(X, y, hidden=5, epochs=1, dtype="float64", seed=0)
    assert fastnn.train(X, y, initial=first, epochs=1).dtype == np.float64
    assert fastnn.train(X, y, initial=first, epochs=1, dtype="float32").dtype == np.float32
    assert fastnn.train(X, y, initial=first, epochs=1, dtype=np.float32).dtype == np.float32


def test_initial_may_see_fewer_classes_of_any_kind(blobs, backend_name):
    X, y = blobs
    names = np.array(["cat", "dog", "eel"])
    first = fastnn.train(X, names[y], hidden=5, epochs=3, seed=0, backend=backend_name)
    some = y < 2
    second = fastnn.train(X[some], names[y[some]], initial=first, epochs=3, seed=0, backend=backend_name)
    assert list(second.classes) == list(names)
    with pytest.raises(InputError, match="y holds the label 'fox', which the model does not know"):
        fastnn.train(X, np.array(["cat", "dog", "fox"])[y], initial=first)


def test_initial_takes_over_the_scaling(blobs, generator, backend_name):
    X, y = blobs
    raw = 1e3 + 50 * X.astype(np.float64)
    first = fastnn.train(raw, y, hidden=5, epochs=20, standardize=True, seed=0, backend=backend_name)
    for standardize in (False, True):
        second = fastnn.train(
            raw[:40],
            y[:40],
            initial=first,
            standardize=standardize,
            epochs=1,
            learning_rate=1e-9,
            backend=backend_name,
        )
        np.testing.assert_array_equal(second.input_mean, first.input_mean)
        np.testing.assert_array_equal(second.input_deviation, first.input_deviation)
        np.testing.assert_allclose(second.predict_proba(raw), first.predict_proba(raw), atol=1e-4)
    images = generator.integers(0, 256, (60, 9), dtype=np.uint8)
    first = fastnn.train(images, y[:60], hidden=5, epochs=1, seed=0, backend=backend_name)
    assert fastnn.train(images, y[:60], initial=first, epochs=1, backend=backend_name).input_scale == 1 / 255


def test_initial_loaded_from_a_file(blobs, backend_name, tmp_path):
    X, y = blobs
    first = fastnn.train(X, y, hidden=5, epochs=2, seed=0, backend=backend_name)
    first.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m")
    options = {"epochs": 2, "seed": 1, "validation": 0.2, "backend": backend_name}
    one, other = (fastnn.train(X, y, initial=model, **options) for model in (first, loaded))
    assert_same_bits(one, other)


def test_initial_huber_keeps_its_delta(generator):
    X = generator.normal(size=(30, 3))
    first = fastnn.train(X, X[:, 0], loss="huber", huber_delta=0.3, epochs=1)
    assert fastnn.train(X, X[:, 0], initial=first, epochs=1).huber_delta == 0.3
    assert fastnn.train(X, X[:, 0], initial=first, epochs=1, huber_delta=2.0).huber_delta == 2.0


MISFITS = [
    ({"hidden": (5, 5)}, r"hidden=\(5, 5\) does not fit initial, whose hidden layers are \(5,\)"),
    ({"hidden": (128,)}, r"hidden=\(128,\) does not fit initial"),
    ({"activation": "tanh"}, "activation='tanh' does not fit initial, which has 'relu'"),
    ({"activation": "wrong"}, "activation='wrong' is unknown"),
    ({"loss": "squared_error"}, "loss='squared_error' does not fit initial, which was trained with"),
    ({"loss": "wrong"}, "loss='wrong' is unknown"),
    ({"standardize": True}, "standardize=True does not fit initial, which was trained without"),
    ({"dtype": "int8"}, "dtype='int8' must be"),
    ({"initial": "model.safetensors"}, "initial='model.safetensors' must be a model"),
]


@pytest.mark.parametrize(("options", "message"), MISFITS, ids=case)
def test_what_does_not_fit_initial(blobs, options, message):
    X, y = blobs
    first = fastnn.train(X, y, hidden=5, epochs=1, seed=0)
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(X, y, **{"initial": first, **options})
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="X has 3 features"):
        fastnn.train(X[:, :3], y, initial=first)


def test_saying_what_the_model_has_is_no_mistake(blobs):
    X, y = blobs
    first = fastnn.train(X, y, hidden=(5, 4), epochs=1, seed=0)
    model = fastnn.train(
        X, y, initial=first, hidden=[5, 4], activation="relu", loss="cross_entropy", dtype="float32", epochs=1
    )
    assert model.sizes == first.sizes
