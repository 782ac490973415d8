"""Between estimators and fastnn's models: network_ and from_network."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone

import fastnn
from fastnn.errors import InputError
from fastnn.sklearn import from_network
from tests.estimators.small import brief

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_network_is_a_fastnn_model(bands, tmp_path):
    X, y = bands
    fitted = brief(standardize=True).fit(X, y)
    np.testing.assert_array_equal(fitted.network_.predict(X), fitted.predict(X))
    fitted.network_.save(tmp_path / "model.safetensors")
    loaded = fastnn.load(tmp_path / "model.safetensors")
    np.testing.assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), rtol=1e-12)
    objects = brief().fit(X, y.astype(object))
    objects.network_.save(tmp_path / "objects.safetensors")
    np.testing.assert_array_equal(
        fastnn.load(tmp_path / "objects.safetensors").predict(X), objects.predict(X)
    )


MODELS = {
    "classes": {},
    "two classes": {},
    "labels": {},
    "one label": {},
    "numbers": {"hidden": (4, 3), "activation": ["gelu", "tanh"]},
    "several numbers": {"loss": "huber", "huber_delta": 0.3},
    "counts": {"loss": "poisson"},
    "standardised": {"standardize": True},
    "no hidden layer": {"hidden": ()},
}


def trained(kind, X, y):
    targets = {
        "two classes": y == "low",
        "labels": (X[:, :3] > 0).astype(int),
        "one label": (X[:, :1] > 0).astype(int),
        "numbers": X[:, 0] + 0.5,
        "several numbers": X[:, :2] + 0.5,
        "counts": np.floor(np.abs(X[:, 0])),
    }.get(kind, y)
    options = {"hidden": (6,), "epochs": 2, "seed": 0, "dtype": "float64"} | MODELS[kind]
    if kind == "one label":
        return fastnn.train(X, targets, loss="binary_cross_entropy", **options), targets[:, 0]
    return fastnn.train(X, targets, **options), targets


@pytest.mark.parametrize("kind", MODELS)
def test_from_network_predicts_as_the_model_does_and_goes_on(kind, bands):
    X, y = bands
    model, targets = trained(kind, X, y)
    estimator = from_network(model, max_iter=3, random_state=0)
    predicted = estimator.predict(X)
    np.testing.assert_array_equal(predicted, model.predict(X))
    if model.classes is not None:
        probabilities = estimator.predict_proba(X)
        assert probabilities.shape == (120, len(estimator.classes_))
        np.testing.assert_array_equal(probabilities[:, -1], model.predict_proba(X)[:, -1])
    assert estimator.network_ is model
    assert np.isfinite(estimator.score(X, targets))
    fresh = clone(estimator)
    assert not hasattr(fresh, "network_")
    assert fresh.get_params() == estimator.get_params()
    fresh.fit(X, targets)
    if kind == "two classes":  # scikit-learn has one output for them
        assert fresh.network_.sizes == (5, 6, 1)
    else:
        assert fresh.network_.sizes == model.sizes
        assert fresh.network_.loss_name == model.loss_name
    assert fresh.network_.activations == model.activations
    before = [W.copy() for W in model.weights]
    estimator.partial_fit(X, targets)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.weights, strict=True))


def test_from_network_of_images_takes_uint8():
    X, y = fastnn.datasets.load("digits")
    X, y = X[:300], y[:300]
    model = fastnn.train(X, y, hidden=(8,), epochs=2, seed=0)
    estimator = from_network(model, learning_rate_init=0.01)
    np.testing.assert_array_equal(estimator.predict(X), model.predict(X))
    before = model.loss(X, y)
    for _ in range(5):
        estimator.partial_fit(X, y)
    assert model.loss(X, y) < before


def test_from_network_refuses_what_is_the_models():
    model = fastnn.train(np.eye(4), [0, 1, 0, 1], hidden=(3,), epochs=1, seed=0)
    with pytest.raises(InputError, match="activation is the model's"):
        from_network(model, activation="tanh")
    with pytest.raises(InputError, match=r"takes a fastnn.Network"):
        from_network("model.safetensors")
