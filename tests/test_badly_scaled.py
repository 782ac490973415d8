"""Badly scaled features: one warning with the remedy, and finite numbers or an error, never a silent NaN."""

import re
import warnings

import numpy as np
import pytest

import fastnn
from fastnn.errors import DivergedError, InputError
from tests.checks import network_of, weights_of

BADLY_SCALED = {
    "pixels as floats": (lambda g: g.integers(0, 256, (60, 9)).astype(float), r"X has values up to 25\d"),
    "ints": (lambda g: g.integers(0, 256, (60, 9)), r"X has values up to 25\d"),
    "unlike": (
        lambda g: g.normal(size=(60, 2)) * [1e-4, 1],
        r"X has columns of very different ranges: column 1 spans [345]\..*, column 0 0\.000",
    ),
    "negative": (lambda g: g.normal(size=(60, 2)) - 1e6, r"X has values up to 1e\+06"),
}


@pytest.mark.parametrize("name", BADLY_SCALED)
def test_badly_scaled_floats_bring_one_warning_with_the_remedy(generator, name):
    make, message = BADLY_SCALED[name]
    X, y = make(generator), np.arange(60) % 2
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        fastnn.train(X, y, epochs=1, validation=0.2, learning_rate=1e-12)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    text = str(seen[0].message)
    assert re.match(message, text), text
    assert "standardize=True" in text
    assert "\n" not in text
    fastnn.train(X, y, epochs=1, validation=0.2, standardize=True)  # a warning would be an error here


@pytest.mark.parametrize(
    "make",
    [
        lambda g: g.random((60, 5)) * 30,
        lambda g: (g.random((60, 5)) < 0.02).astype(float),
        lambda g: np.where(g.random((60, 5)) < 0.1, g.integers(1, 256, (60, 5)) / 255, 0),
        lambda g: np.column_stack([g.normal(size=60), np.full(60, 3.0)]),
        lambda g: np.zeros((60, 2)),
        lambda g: g.integers(0, 256, (60, 5), dtype=np.uint8),
    ],
)
def test_well_scaled_numbers_bring_none(generator, make):
    fastnn.train(make(generator), np.arange(60) % 2, epochs=1)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e10, 1e18, 1e30])
@pytest.mark.parametrize(
    "options", [{}, {"learning_rate": 0.1}, {"standardize": True}, {"optimizer": "adam"}]
)
def test_floats_of_any_size_end_in_finite_numbers_or_an_error(generator, backend_name, size, options):
    X, y = generator.normal(size=(60, 3)) * [size, 1, 1 / size], np.arange(60) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        failure = ""
        try:
            model = fastnn.train(X, y, hidden=4, epochs=3, seed=0, backend=backend_name, **options)
            predicted = model.predict_proba(X)
        except (DivergedError, InputError) as error:
            failure = str(error)
    assert "\n" not in failure
    assert not (failure and options.get("standardize"))
    if not failure:
        assert all(np.isfinite(array).all() for array in [*weights_of(model), predicted])
        assert np.isfinite(model.history["loss"]).all()


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_predictions_that_overflow_are_an_error(generator, backend_name):
    model = network_of((3, 4, 2), np.dtype(np.float32), generator)
    model.backend = backend_name
    for weights in model.weights:
        weights *= 100
    X = np.full((2, 3), 3e38, np.float32)
    with pytest.raises(InputError, match=r"outputs for X are not finite numbers: X has values up to 3e\+38"):
        model.predict(X)
    with pytest.raises(InputError, match="outputs for X are not finite numbers"):
        model.score(X, [0, 1])
