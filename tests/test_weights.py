"""Weights of rows and classes in training and scoring: what they mean, not how they are computed."""

import numpy as np
import pytest

import fastnn
from fastnn.backends import numpy_backend
from fastnn.errors import InputError
from tests.checks import weights_of

# Full batches in float64: then weights and repeated rows are the same sums in another order.
SETTINGS = {
    "hidden": (7,),
    "activation": "tanh",
    "batch_size": "full",
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "epochs": 5,
    "dtype": "float64",
    "seed": 0,
}
TIMES = np.array([2, 0, 1, 3, 1, 0] * 5)


def data_for(loss, generator, n=30):
    X = generator.normal(size=(n, 4))
    if loss == "cross_entropy":
        return X, np.arange(n) % 3
    if loss == "binary_cross_entropy":
        return X, generator.integers(0, 2, (n, 2))
    if loss == "poisson":
        return X, generator.poisson(2.0, n)
    return X, generator.normal(size=(n, 2))


def assert_same_model(one, other, rtol=1e-9):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("loss", numpy_backend.LOSSES)
def test_integer_weights_are_repeated_rows(loss, backend_name, generator):
    X, y = data_for(loss, generator)
    settings = {**SETTINGS, "loss": loss, "backend": backend_name, "label_smoothing": 0.1}
    weighted = fastnn.train(X, y, sample_weight=TIMES, **settings)
    rows = np.repeat(np.arange(30), TIMES)
    repeated = fastnn.train(X[rows], y[rows], **settings)
    assert_same_model(weighted, repeated)
    np.testing.assert_allclose(weighted.history["loss"], repeated.history["loss"], rtol=1e-10)
    assert weighted.loss(X, y, TIMES) == pytest.approx(repeated.loss(X[rows], y[rows]), rel=1e-10)
    assert weighted.score(X, y, TIMES) == pytest.approx(repeated.score(X[rows], y[rows]), rel=1e-10)


@pytest.mark.parametrize("batch_size", [4, "full"])
def test_scaling_the_weights_changes_nothing(backend_name, batch_size, generator):
    X, y = data_for("cross_entropy", generator)
    weights = generator.uniform(0, 3, 30)
    settings = {**SETTINGS, "batch_size": batch_size, "backend": backend_name, "l2": 0.01, "validation": 0.3}
    one, other = (fastnn.train(X, y, sample_weight=scale * weights, **settings) for scale in (1, 1000))
    assert_same_model(one, other)
    np.testing.assert_allclose(one.history["validation_loss"], other.history["validation_loss"], rtol=1e-9)


def test_weights_that_are_all_alike_change_no_bit(backend_name, generator):
    X, y = data_for("cross_entropy", generator)
    settings = {**SETTINGS, "batch_size": 8, "backend": backend_name}
    plain = fastnn.train(X, y, **settings)
    for options in ({"sample_weight": np.full(30, 7)}, {"class_weight": "balanced"}):
        model = fastnn.train(X, y, **options, **settings)
        assert [W.tobytes() for W in model.weights] == [W.tobytes() for W in plain.weights]


def test_mini_batches_of_which_one_has_no_weight(backend_name, generator):
    X, y = data_for("squared_error", generator)
    weights = np.zeros(30)
    weights[:3] = 1
    settings = {**SETTINGS, "batch_size": 2, "epochs": 3, "backend": backend_name}
    model = fastnn.train(X, y, sample_weight=weights, **settings)
    expected = fastnn.train(X, y, sample_weight=weights, **{**settings, "backend": "numpy"})
    assert_same_model(model, expected)
    assert np.isfinite(model.history["loss"]).all()


def test_class_weights_are_weights_of_their_rows(backend_name, generator):
    X, y = data_for("cross_entropy", generator)
    names = np.array(["a", "b", "c"])[y]
    settings = {**SETTINGS, "batch_size": 8, "backend": backend_name}
    by_class = fastnn.train(X, names, class_weight={"b": 4, "c": 0.5}, **settings)
    by_row = fastnn.train(X, names, sample_weight=np.array([1, 4, 0.5])[y], **settings)
    assert_same_model(by_class, by_row, rtol=0)
    both = fastnn.train(X, names, sample_weight=TIMES, class_weight={"b": 4, "c": 0.5}, **settings)
    assert_same_model(both, fastnn.train(X, y, sample_weight=TIMES * np.array([1, 4, 0.5])[y], **settings))


def test_balanced_classes_are_found_where_they_are_rare(backend_name, generator):
    y = (np.arange(1000) % 50 == 0).astype(int)
    X = generator.normal(size=(1000, 2)) + 1.2 * y[:, None]
    settings = {**SETTINGS, "hidden": (), "epochs": 300, "learning_rate": 0.5, "backend": backend_name}
    plain = fastnn.train(X, y, **settings).predict(X)[y == 1].mean()
    balanced = fastnn.train(X, y, class_weight="balanced", **settings).predict(X)[y == 1].mean()
    assert plain < 0.3
    assert balanced > 0.7


def test_a_validation_split_carries_the_weights(backend_name, generator):
    X, y = data_for("squared_error", generator)
    y = y[:, 0]
    y[::2] += 1000  # what these rows say must not count at all
    weights = np.arange(30) % 2
    model = fastnn.train(
        X, y, sample_weight=weights, validation=0.5, epochs=3, seed=1, backend=backend_name, hidden=4
    )
    assert max(model.history["validation_loss"]) < 100
    assert max(model.history["loss"]) < 100


def test_weighted_accuracy_of_a_model(backend_name):
    model = fastnn.Network([np.eye(2)], [np.zeros(2)], backend=backend_name)
    X, y = np.array([[1.0, 0], [1, 0], [0, 1]]), [0, 1, 1]
    assert model.score(X, y) == pytest.approx(2 / 3)
    assert model.score(X, y, [1, 2, 1]) == 0.5
    assert model.score(X, y, [1, 0, 7]) == 1
    assert model.evaluate(X, y, [0, 1, 0]) == (pytest.approx(np.log(1 + np.e)), 0)
    with pytest.raises(InputError, match=r"sample_weight has shape \(2,\); it must be \(3,\)"):
        model.loss(X, y, [1, 2])


def test_weighted_r2_equals_scikit_learn(generator):
    r2_score = pytest.importorskip("sklearn.metrics").r2_score
    X, y = data_for("squared_error", generator)
    model = fastnn.train(X, y, epochs=5, seed=0)
    assert model.score(X, y, TIMES) == pytest.approx(r2_score(y, model.predict(X), sample_weight=TIMES))
    y[TIMES > 0] = 1
    with pytest.raises(InputError, match="constant"):
        model.score(X, y, TIMES)


def test_a_split_whose_rows_do_not_count_is_one_line(generator):
    X, y = data_for("squared_error", generator)
    with pytest.raises(InputError, match="no validation row that counts"):
        fastnn.train(X, y, sample_weight=np.arange(30) == 0, validation=1 / 30, seed=0)


def test_balanced_classes_weigh_alike_in_small_batches_too(backend_name):
    """A mini-batch pulls as hard as its rows count: divided by its own weight, a rare row would be lost."""
    generator = np.random.default_rng(4)
    y = (np.arange(1000) < 20).astype(int)
    X = generator.normal(size=(1000, 2)) + 1.2 * y[:, None]
    settings = {"hidden": (), "batch_size": 8, "learning_rate": 0.02, "epochs": 30, "seed": 0}
    model = fastnn.train(X, y, class_weight="balanced", backend=backend_name, **settings)
    recalls = [np.mean(model.predict(X[y == label]) == label) for label in (0, 1)]
    assert min(recalls) > 0.65
