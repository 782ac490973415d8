"""Network: predictions, scores, and the checks on what it is given."""

import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import Network
from fastnn.errors import InputError
from tests.checks import data_for, network_of


@pytest.fixture
def by_hand():
    """A network whose outputs can be worked out on paper: two inputs, logits (x0 − x1, x1 − x0)."""
    return Network([np.array([[1.0, -1.0], [-1.0, 1.0]])], [np.zeros(2)], classes=np.array(["left", "right"]))


def test_predictions_by_hand(by_hand):
    X = np.array([[2.0, 1.0], [0.0, 3.0]])
    np.testing.assert_array_equal(by_hand.predict(X), ["left", "right"])
    p = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(by_hand.predict_proba(X)[0], [p, 1 - p])
    assert by_hand.score(X, ["left", "left"]) == 0.5
    assert by_hand.loss(X, ["left", "right"]) == pytest.approx(
        -(np.log(p) + np.log(1 / (1 + np.exp(-6)))) / 2
    )


def test_describes_itself(by_hand):
    assert by_hand.sizes == (2, 2)
    assert by_hand.n_parameters == 6
    assert repr(by_hand) == "Network(2-2, cross_entropy, float64)"


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 5)), r"X has 5 features \(shape \(3, 5\)\), but the model takes 2"),
        (np.zeros(2), r"for one row pass X.reshape\(1, -1\)"),
        (np.zeros((0, 2)), "X is empty"),
        (np.array([[np.nan, 0]]), "X holds nan"),
        (np.zeros((1, 2), np.uint8), "X is uint8, but the model was trained on other numbers"),
    ],
)
def test_wrong_features(by_hand, X, message):
    with pytest.raises(InputError, match=message):
        by_hand.predict(X)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["left"], "y has 1 rows but X has 2"),
        (["left", "up"], "y holds the label 'up', which the model does not know; it knows 'left', 'right'"),
        ([0, 1], "y has labels of dtype int64, but the model knows"),
        (np.eye(3)[:2], r"y has shape \(2, 3\)"),
    ],
)
def test_wrong_targets(by_hand, y, message):
    with pytest.raises(InputError, match=message):
        by_hand.score(np.zeros((2, 2)), y)


def test_images_that_were_scaled_already_or_not_at_all(generator):
    images, y = generator.integers(0, 256, (40, 9), dtype=np.uint8), np.arange(40) % 2
    model = fastnn.train(images, y, epochs=1)
    np.testing.assert_allclose(model.predict_proba(images / 255), model.predict_proba(images), rtol=1e-4)
    with pytest.warns(UserWarning, match="trained on uint8"):
        model.predict(images.astype(float))


def test_backend_can_be_swapped(by_hand):
    X = np.array([[2.0, 1.0], [0.0, 3.0]])
    results = []
    for name in ("numpy", "numba"):
        by_hand.backend = name
        results.append(by_hand.predict_proba(X))
    np.testing.assert_allclose(*results, rtol=1e-12)


def test_r2_by_hand():
    model = Network([np.array([[1.0]])], [np.zeros(1)], loss="squared_error")
    X = np.array([[1.0], [2.0], [3.0]])
    assert model.score(X, [1.0, 2.0, 3.0]) == 1
    assert model.score(X, [2.0, 2.0, 5.0]) == pytest.approx(1 - 5 / 6)
    assert model.loss(X, [2.0, 2.0, 5.0]) == pytest.approx(0.5 * 5 / 3)
    with pytest.raises(InputError, match="constant"):
        model.score(X, [1.0, 1.0, 1.0])
    with pytest.raises(InputError, match="y has 2 outputs a row, but the model has 1"):
        model.score(X, np.zeros((3, 2)))


def test_many_threads_may_predict_with_one_model(generator):
    from concurrent.futures import ThreadPoolExecutor

    X = generator.normal(size=(200, 30)).astype(np.float32)
    model = fastnn.train(X, np.arange(200) % 5, hidden=(40, 30), epochs=2, seed=0)
    expected = model.predict_proba(X)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda i: model.predict_proba(X[i : i + 1]), range(200)))
    np.testing.assert_array_equal(np.concatenate(rows), expected)


def test_weights_may_be_changed_or_replaced(backend_name, generator):
    X = generator.normal(size=(2, 6)).astype(np.float32)
    model = fastnn.train(X, [0, 1], hidden=4, epochs=1, backend=backend_name)
    model.predict(X)
    model.weights[0][...] = 0
    model.weights[1] = np.asfortranarray(np.zeros((4, 2), np.float32))
    model.biases[1] = np.array([0.0, 3.0], np.float32)
    np.testing.assert_array_equal(model.predict(X), [1, 1])
    X.flags.writeable = False
    np.testing.assert_array_equal(model.predict(X), [1, 1])


@pytest.mark.parametrize("sizes", [(1, 1), (3, 2), (784, 10), (17, 200, 33, 129, 3), (5, 16, 16, 2)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_single_rows_equal_the_batch(sizes, activation, dtype, backend_name, generator):
    network = network_of(sizes, dtype, generator, activation=activation, loss="squared_error")
    network.backend = backend_name
    X, _ = data_for(network, 9, generator)
    X[generator.random(X.shape) < 0.5] = 0
    together = network.predict(X)
    for i in range(9):
        np.testing.assert_allclose(network.predict(X[i : i + 1]), together[i : i + 1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_predict_the_same(backend_name, again, generator):
    model = network_of((5, 4, 3), np.float32, generator)
    model.backend = backend_name
    X = generator.normal(size=(70, 5)).astype(np.float32)
    expected = model.predict_proba(X[:2]), model.predict_proba(X)  # both prepare something
    twin = again(model)
    np.testing.assert_array_equal(twin.predict_proba(X[:2]), expected[0])
    np.testing.assert_array_equal(twin.predict_proba(X), expected[1])
    twin.weights[0][...] = 0
    np.testing.assert_array_equal(model.predict_proba(X), expected[1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_begin_on_a_cache_line(dtype, generator, tmp_path):
    X, y = generator.normal(size=(30, 7)), np.arange(30) % 3
    for trial in range(8):  # NumPy's do by chance
        model = fastnn.train(X, y, hidden=(9, 5 + trial), epochs=1, seed=trial, dtype=dtype)
        model.save(tmp_path / "model.safetensors")
        for made in (model, fastnn.load(tmp_path / "model.safetensors")):
            assert all(W.ctypes.data % 64 == 0 and W.flags.c_contiguous for W in made.weights)
            assert made.dtype == dtype
