"""Thousands of odd tables, labels and settings: a sound model or one clear error, on both backends."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from tests import odd
from tests.fuzzing import examples, repeatable
from tests.odd_training import SMALL, predict_or_refuse, train_or_refuse

pytestmark = pytest.mark.slow


def test_anything_trains_or_is_refused(backend_name):
    outcomes = Counter()

    @examples(2000)
    @given(case=st.data())
    def each(case):
        table = case.draw(odd.tables())
        y, options = case.draw(odd.labels(table)), case.draw(odd.settings())
        with repeatable():
            outcomes[train_or_refuse(table, y, options, backend_name)] += 1

    each()
    assert outcomes.total() >= 2000
    assert outcomes["trained"] > 200
    assert outcomes["InputError"] > 500


MODELS = {
    "classifier": lambda X: (X, np.arange(len(X)) % 3),
    "images": lambda X: ((20 * X).astype(np.uint8), np.arange(len(X)) % 2 == 0),
    "regression": lambda X: (X, X[:, 0] + 0.3 * X[:, 1]),
    "several labels": lambda X: (X, (X[:, :2] > 4).astype(int)),
}


@pytest.mark.parametrize("kind", MODELS)
def test_anything_is_predicted_or_refused(backend_name, kind):
    X = np.random.default_rng(5).integers(0, 9, (40, 4)).astype(np.float64)
    outcomes = Counter()
    models = [
        fastnn.train(*MODELS[kind](X), backend=backend_name, standardize=standardize, **SMALL)
        for standardize in (False, True)
    ]

    @examples(250)
    @given(case=st.data())
    def each(case):
        table, model = case.draw(odd.tables(n_columns=4)), case.draw(st.sampled_from(models))
        with repeatable():
            outcomes[predict_or_refuse(model, table)] += 1

    each()
    assert outcomes.total() >= 250
    assert outcomes["predicted"] > 10
    assert outcomes["InputError"] > 10
