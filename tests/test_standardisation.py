"""Standardising features: what is measured, that folding it changes no answer, and train()."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

import fastnn
from fastnn import Network, standardisation
from fastnn.errors import InputError
from fastnn.standardisation import Folded, Standardisation
from fastnn.trainer import splitting
from tests.checks import network_of, weights_of
from tests.conftest import ATOL, RTOL

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


@pytest.fixture
def table(generator):
    """300 rows of five columns in unlike units, one of them constant."""
    return generator.normal(size=(300, 5)) * [1, 1e-3, 400, 0, 20] + [0, 5e-3, -9000, 0.1, 700]


def standardised(network, mean, deviation):
    """The same network for raw features."""
    return Network(
        network.weights,
        network.biases,
        activation=network.activations,
        loss=network.loss_name,
        input_mean=mean,
        input_deviation=deviation,
        backend=network.backend,
    )


def network_for(X, backend_name, generator, dtype=FLOAT32, hidden=(7,)):
    """(a network that standardises as X asks for, the same one for standardised features, how)."""
    measured = Standardisation.measured(X)
    inner = network_of((X.shape[1], *hidden, 3), dtype, generator)
    inner.backend = backend_name
    return standardised(inner, measured.mean, measured.deviation), inner, measured


# ---- measuring --------------------------------------------------------------------------------------------


def test_mean_and_population_deviation(table, monkeypatch):
    for block in (1, 7 * 5, standardisation.BLOCK):
        monkeypatch.setattr(standardisation, "BLOCK", block)
        measured = Standardisation.measured(table)
        np.testing.assert_allclose(measured.mean, table.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(
            measured.deviation[[0, 1, 2, 4]], table.std(axis=0)[[0, 1, 2, 4]], rtol=1e-12
        )
        assert measured.mean[3] == 0.1
        assert measured.deviation[3] == 1
        assert measured.mean.dtype == measured.deviation.dtype == FLOAT64


def test_only_the_rows_asked_for(table):
    rows = np.array([5, 200, 17, 17, 90])
    some, copied = Standardisation.measured(table, rows), Standardisation.measured(table[rows])
    np.testing.assert_array_equal(some.mean, copied.mean)
    np.testing.assert_array_equal(some.deviation, copied.deviation)


def test_a_large_mean_does_not_hide_a_small_deviation(generator):
    steps = generator.integers(0, 2, 10_000)
    measured = Standardisation.measured((1e9 + steps)[:, None])
    np.testing.assert_allclose(measured.mean - 1e9, steps.mean(), rtol=1e-6)
    np.testing.assert_allclose(measured.deviation, steps.std(), rtol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.bool_])
def test_any_kind_of_number(generator, kind):
    X = generator.integers(0, 200, (40, 3)).astype(kind)
    measured = Standardisation.measured(X)
    np.testing.assert_allclose(measured.mean, X.astype(np.float64).mean(axis=0), rtol=1e-13)
    applied = measured.apply(X, FLOAT32)
    assert applied.dtype == FLOAT32
    np.testing.assert_allclose(applied.mean(axis=0), 0, atol=1e-5)


def test_numbers_too_large_or_too_small():
    with pytest.raises(InputError, match=r"numbers up to 1e\+200, too large for standardize=True"):
        Standardisation.measured(np.array([[1e200], [-1e200]]))
    tiny = Standardisation.measured(np.array([[1e-200], [2e-200]]))  # whose squares are 0
    assert tiny.deviation == 1


def test_a_copy_is_computed_before_rounding(generator):
    exact = generator.normal(size=(500, 1))
    X = 1e6 + 1e-3 * exact  # float32 could not tell these numbers apart
    applied = Standardisation.measured(X).apply(X, FLOAT32)
    np.testing.assert_allclose(applied, (exact - exact.mean()) / exact.std(), atol=1e-5)


def test_memory_beside_the_copy_is_bounded(generator):
    X = generator.integers(0, 256, (40_000, 100), dtype=np.uint8)
    tracemalloc.start()
    Standardisation.measured(X).apply(X, FLOAT32)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * X.size + 3 * 8 * standardisation.BLOCK


def test_a_number_far_off_is_refused_not_infinite():
    narrow = Standardisation(np.zeros(1), np.array([1e-30]))
    with pytest.raises(InputError, match="new X when standardised holds inf at row 0, column 0"):
        narrow.apply(np.array([[1e10]]), FLOAT32, "new X")


# ---- predicting -------------------------------------------------------------------------------------------


def test_folded_predictions_are_those_of_a_standardised_copy(generator, dtype, backend_name):
    X = generator.normal(size=(300, 5)) * [1, 1e-3, 40, 0, 20] + [0, 5e-3, -900, 0.1, 70]
    network, inner, measured = network_for(X, backend_name, generator, dtype)
    assert measured.folds
    y = generator.integers(0, 3, 300)
    copy = measured.apply(X, dtype)
    tolerance = {"rtol": 50 * RTOL[str(dtype)], "atol": 50 * ATOL[str(dtype)]}
    np.testing.assert_allclose(network.predict_proba(X), inner.predict_proba(copy), **tolerance)
    np.testing.assert_allclose(network.evaluate(X, y), inner.evaluate(copy, y), **tolerance)
    # A row has the same bits in whatever company.
    alone = np.concatenate([network.predict_proba(row[None]) for row in X[:70]])
    if backend_name == "numba":
        np.testing.assert_array_equal(alone, network.predict_proba(X)[:70])
    else:
        np.testing.assert_allclose(alone, network.predict_proba(X)[:70], **tolerance)


def test_regressions_too(generator, backend_name):
    X = generator.normal(3, 2, size=(50, 4))
    measured = Standardisation.measured(X)
    inner = network_of((4, 6, 2), FLOAT64, generator, loss="squared_error")
    inner.backend = backend_name
    network, copy = standardised(inner, measured.mean, measured.deviation), measured.apply(X, FLOAT64)
    np.testing.assert_allclose(network.predict(X), inner.predict(copy), rtol=1e-10)
    targets = generator.normal(size=(50, 2))
    assert network.score(X, targets) == pytest.approx(inner.score(copy, targets), rel=1e-10)
    assert network.loss(X, targets) == pytest.approx(inner.loss(copy, targets), rel=1e-10)


def test_raw_features_are_not_copied(generator, backend_name):
    X = generator.normal(3, 2, size=(5000, 40)).astype(np.float32)
    network, _, _ = network_for(X, backend_name, generator)
    parameters, ready = network._ready(X)
    assert ready is X
    assert isinstance(parameters, Folded)
    assert network._ready(X)[0] is parameters  # made once
    predicted = fastnn.backends.get(backend_name)[1].predict(parameters, X)
    np.testing.assert_array_equal(predicted, network.predict_proba(X))


def test_a_large_mean_is_subtracted_first(generator, backend_name):
    exact = generator.normal(size=(200, 2))
    X = exact + np.array([1e6, 0])
    network, inner, measured = network_for(X, backend_name, generator)
    assert not measured.folds
    copy = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(network.predict_proba(X), inner.predict_proba(copy), rtol=1e-5, atol=1e-6)
    parameters, _ = network._ready(X)
    assert parameters is network
    # What folding would have done to float32: six digits of the mean leave one of the deviation.
    folded = Folded(network, network.standardisation)
    backend = fastnn.backends.get(backend_name)[1]
    wrong = backend.predict(folded, X.astype(np.float32))
    assert np.abs(wrong - inner.predict_proba(copy)).max() > 1e-3


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1e20), (0.0, 1e-20), (100.0, 1.0)])
def test_what_does_not_fold(generator, backend_name, mean, deviation):
    exact = generator.normal(size=(50, 3))
    inner = network_of((3, 4, 2), FLOAT32, generator)
    inner.backend = backend_name
    network = standardised(inner, np.full(3, mean), np.full(3, deviation))
    assert not network.standardisation.folds
    predicted = network.predict_proba(exact * deviation + mean)
    np.testing.assert_allclose(predicted, inner.predict_proba(exact), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("memcmp", [True, False])
def test_changed_weights_are_seen(generator, backend_name, folds, memcmp, monkeypatch):
    if not memcmp:  # as where the C library cannot be had
        monkeypatch.setattr(standardisation, "MEMCMP", None)
    X = generator.normal(1 if folds else 1e6, 1, size=(20, 4))
    network, inner, measured = network_for(X, backend_name, generator, hidden=(6,))
    assert measured.folds == folds
    copy = measured.apply(X, FLOAT32)

    def agrees():
        np.testing.assert_allclose(network.predict_proba(X), inner.predict_proba(copy), rtol=1e-4, atol=1e-5)

    agrees()  # folded here for the first time
    for change in (
        lambda model: model.weights[0].__setitem__((2, 3), 5.0),
        lambda model: model.biases[0].__imul__(-2),
        lambda model: model.weights[1].__imul__(0.5),
        lambda model: model.weights.__setitem__(0, np.asfortranarray(model.weights[0] / 2)),
        lambda model: model.weights[0].__setitem__((1, 2), -3.0),
        lambda model: model.weights.__setitem__(0, np.repeat(1.5 * model.weights[0], 2, axis=1)[:, ::2]),
        lambda model: model.weights[0].__setitem__((3, 1), 4.0),
        lambda model: model.weights.__setitem__(0, -model.weights[0]),
        lambda model: model.biases.__setitem__(0, model.biases[0] + 1),
        lambda model: model.weights.__setitem__(1, model.weights[1] * 3),
        lambda model: model.biases.__setitem__(1, model.biases[1] - np.arange(3, dtype=np.float32)),
    ):
        before = network.predict_proba(X)
        for model in (network, inner):
            change(model)
        assert np.abs(network.predict_proba(X) - before).max() > 1e-4
        agrees()


def test_a_network_of_ones_own_is_checked(generator):
    inner = network_of((3, 2), FLOAT32, generator)
    for mean, deviation, message in (
        (np.zeros(3), None, "go together"),
        (np.zeros(2), np.ones(3), r"input_mean has shape \(2,\); it must hold 3 finite numbers"),
        (np.zeros(3), np.array([1, np.nan, 1]), "input_deviation has shape"),
        (np.zeros(3), np.array([1, 0, 1]), "must be above 0"),
    ):
        with pytest.raises(InputError, match=message):
            standardised(inner, mean, deviation)
    assert inner.input_mean is inner.input_deviation is None
    network = standardised(inner, [1, 2, 3], [1, 1, 2])
    np.testing.assert_array_equal(network.input_mean, [1, 2, 3])
    with pytest.raises(ValueError, match="read-only"):
        network.input_mean[0] = 5


def test_bad_input_to_a_standardised_model(generator, backend_name):
    X = generator.normal(size=(20, 4))
    network, _, _ = network_for(X, backend_name, generator)
    with pytest.raises(InputError, match="X has 3 features"):
        network.predict(X[:, :3])
    with pytest.raises(InputError, match="X holds nan"):
        network.predict(np.where(X > 1, np.nan, X))
    with pytest.raises(InputError, match="X is uint8, but the model was trained on other numbers"):
        network.predict(X.astype(np.uint8))


def test_predicting_does_not_change_what_pickle_writes(generator):
    X = generator.normal(3, 2, (40, 4)).astype(np.float32)
    model = fastnn.train(X, X[:, 0] > 3, standardize=True, hidden=3, epochs=1, seed=0)
    before = pickle.dumps(model)
    expected = model.predict_proba(X)
    assert pickle.dumps(model) == before
    np.testing.assert_array_equal(pickle.loads(before).predict_proba(X), expected)


# ---- training ---------------------------------------------------------------------------------------------


@pytest.fixture
def unlike(generator):
    """(X, y): two classes told apart by columns whose sizes differ a million times."""
    exact = generator.normal(size=(240, 4))
    return exact * [1e3, 1e-3, 1, 50] + [5e3, 0, 0, -200], (exact[:, 0] + exact[:, 1] > 0).astype(int)


def test_training_is_that_on_a_standardised_copy(unlike, backend_name, dtype):
    X, y = unlike
    options = {"hidden": (6, 5), "epochs": 20, "dtype": dtype, "seed": 0, "backend": backend_name}
    model = fastnn.train(X, y, standardize=True, **options)
    copy = Standardisation.measured(X).apply(X, dtype)
    by_hand = fastnn.train(copy, y, **options)
    for one, other in zip(weights_of(model), weights_of(by_hand), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(model.input_mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.input_deviation, X.std(axis=0), rtol=1e-12)
    assert model.input_scale is None
    np.testing.assert_allclose(model.predict_proba(X), by_hand.predict_proba(copy), rtol=1e-4, atol=1e-5)
    assert model.score(X, y) > 0.9


def test_only_the_rows_trained_on_are_measured(unlike, backend_name, monkeypatch):
    X, y = unlike
    rows, held_out = np.arange(0, 240, 2), np.arange(1, 240, 2)
    monkeypatch.setattr(splitting, "split_indices", lambda *_, **__: (rows, held_out))
    options = {"standardize": True, "epochs": 3, "seed": 0, "backend": backend_name}
    model = fastnn.train(X, y, validation=0.5, **options)
    np.testing.assert_allclose(model.input_mean, X[rows].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.input_deviation, X[rows].std(axis=0), rtol=1e-12)
    # Validation rows are scaled in the same way: the history agrees with predicting them raw.
    assert model.history["validation_loss"][-1] == pytest.approx(
        model.loss(X[held_out], y[held_out]), rel=1e-4
    )
    assert model.history["validation_accuracy"][-1] == model.score(X[held_out], y[held_out])
    other = fastnn.train(X[rows], y[rows], validation=(X[held_out], y[held_out]), **options)
    np.testing.assert_array_equal(other.input_mean, model.input_mean)
    assert other.history["validation_loss"][-1] == pytest.approx(
        other.loss(X[held_out], y[held_out]), rel=1e-4
    )


def test_pixels(generator, backend_name):
    y = np.arange(200) % 4
    images = generator.integers(0, 100, (200, 6, 6), dtype=np.uint8)
    images[np.arange(200), y, 0] += 120
    model = fastnn.train(images, y, standardize=True, epochs=20, seed=0, backend=backend_name)
    assert model.score(images, y) > 0.95
    assert model.input_scale == 1
    np.testing.assert_allclose(model.input_mean, images.reshape(200, 36).mean(axis=0), rtol=1e-12)
    parameters, ready = model._ready(images.reshape(200, 36))
    assert ready.dtype == np.uint8  # multiplied by the folded weights as they are
    assert isinstance(parameters, Folded)
    floats = images.reshape(200, 36).astype(np.float32)
    np.testing.assert_allclose(model.predict_proba(floats), model.predict_proba(images), rtol=1e-4, atol=1e-5)
    with pytest.warns(
        UserWarning, match="values up to .*, but the model was trained on uint8 images .*0…255"
    ):
        model.predict(10 * floats)
    with pytest.warns(
        UserWarning, match=r"values up to 0\.\d+, but the model .*0…255: pass uint8, or X \* 255"
    ):
        model.predict(floats / 255)
    # Floats of 0 to 255 bring the same model.
    other = fastnn.train(floats, y, standardize=True, epochs=20, seed=0, backend=backend_name)
    np.testing.assert_allclose(other.input_mean, model.input_mean)


def test_the_model_file_keeps_it(unlike, backend_name, tmp_path):
    X, y = unlike
    model = fastnn.train(X, y, standardize=True, epochs=2, seed=0, backend=backend_name)
    model.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m", backend=backend_name)
    np.testing.assert_array_equal(loaded.input_mean, model.input_mean)
    np.testing.assert_array_equal(loaded.input_deviation, model.input_deviation)
    assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_copies_of_a_model_are_independent(unlike, backend_name):
    X, y = unlike
    model = fastnn.train(X, y, standardize=True, epochs=2, seed=0, backend=backend_name)
    expected = model.predict_proba(X)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict_proba(X), expected)
        twin.weights[0][...] = 0
        np.testing.assert_array_equal(model.predict_proba(X), expected)
        assert not np.array_equal(twin.predict_proba(X), expected)


def test_callbacks_may_predict_during_training(unlike, backend_name):
    X, y = unlike

    class Scores(fastnn.callbacks.Callback):
        def start(self, training):
            self.losses = []

        def epoch_end(self, training):
            training.write_back()
            self.losses.append(training.network.loss(X, y))

    scores = Scores()
    options = {"standardize": True, "epochs": 4, "seed": 0, "backend": backend_name}
    watched = fastnn.train(X, y, callbacks=[scores], **options)
    plain = fastnn.train(X, y, **options)
    for one, other in zip(weights_of(watched), weights_of(plain), strict=True):
        np.testing.assert_array_equal(one, other)
    assert scores.losses == sorted(scores.losses, reverse=True)
    assert scores.losses[-1] == plain.loss(X, y)


def test_the_callers_numbers_are_left_alone(unlike, backend_name):
    X, y = unlike
    for array in (X, np.asfortranarray(X), X.astype(np.float32)):
        kept = array.copy()
        array.flags.writeable = False
        fastnn.train(array, y, standardize=True, validation=0.2, epochs=1, backend=backend_name)
        np.testing.assert_array_equal(array, kept)
