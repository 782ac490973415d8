"""From one call to the next: warm starts, pickles, coefficients that are written to."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from tests.estimators.small import assert_same_model, brief

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "adam"},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.4},
        {"solver": "adam", "standardize": True},
    ],
)
def test_warm_start_goes_on_as_one_training(parameters, bands):
    X, y = bands
    parameters |= {"shuffle": False, "learning_rate_init": 0.02, "batch_size": 32}
    warm = brief(warm_start=True, max_iter=4, **parameters).fit(X, y).fit(X, y)
    whole = brief(max_iter=8, **parameters).fit(X, y)
    assert_same_model(warm, whole)
    np.testing.assert_array_equal(warm.loss_curve_, whole.loss_curve_)
    assert warm.n_iter_ == 4
    assert warm.t_ == 8 * 120
    assert warm.network_.history.n_epochs == 8


def test_another_solver_begins_anew(bands):
    X, y = bands
    fitted = brief(warm_start=True, shuffle=False).fit(X, y)
    fitted.set_params(solver="sgd").fit(X, y)
    other = brief(warm_start=True, shuffle=False).fit(X, y)
    other._carried = None
    assert_same_model(fitted, other.set_params(solver="sgd").fit(X, y))


def test_an_adaptive_rate_is_itself_again_in_the_next_fit(bands):
    X, y = bands
    parameters = {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e9, "n_iter_no_change": 1}
    fitted = brief(warm_start=True, max_iter=50, **parameters).fit(X, y)
    assert fitted.network_.history["learning_rate"][-1] < 1e-5
    fitted.fit(X, y)
    rates = fitted.network_.history["learning_rate"]
    assert rates.count(1e-3) >= 2


def test_pickles_and_copies_predict_and_go_on(bands):
    X, y = bands
    fitted = brief(early_stopping=False).fit(X, y)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
        assert other.coefs_ is other.network_.weights
        reference = copy.deepcopy(fitted).partial_fit(X, y)
        assert_same_model(other.partial_fit(X, y), reference)
        assert not np.array_equal(other.coefs_[0], fitted.coefs_[0])


def test_coefficients_are_the_networks_and_may_be_written_to(bands):
    X, y = bands
    fitted = brief().fit(X, y)
    assert fitted.coefs_[0] is fitted.network_.weights[0]
    fitted.coefs_[1][...] = 0
    fitted.intercepts_[1][...] = [0, 5, 0]
    assert set(fitted.predict(X)) == {"mid"}
    fitted.intercepts_ = [fitted.intercepts_[0], [9, 5, 0]]
    fitted.coefs_ = [W.tolist() for W in fitted.coefs_]
    assert set(fitted.predict(X[:1])) == {"low"}


def test_one_row_and_many_give_the_same(bands):
    X, y = bands
    fitted = brief().fit(X, y)
    whole = fitted.predict_proba(X)
    np.testing.assert_array_equal(np.vstack([fitted.predict_proba(row[None]) for row in X]), whole)
    np.testing.assert_array_equal(fitted.predict_proba(X.tolist()), whole)
    np.testing.assert_array_equal(fitted.predict_proba(np.asfortranarray(X)), whole)


def test_feature_names_are_checked_though_values_are_fine(bands):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = bands
    frame = pandas.DataFrame(X, columns=list("abcde"))
    fitted = brief().fit(frame, y)
    assert list(fitted.feature_names_in_) == list("abcde")
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        fitted.predict(X)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("edcba")])


def test_sparse_rows_are_predicted_block_by_block(bands, monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    from fastnn.sklearn import rows

    X, y = bands
    fitted = brief().fit(X, y)
    monkeypatch.setattr(rows, "BLOCK", 35)  # 7 rows
    assert [len(block) for block in rows.dense_blocks(sparse.csc_matrix(X))] == [7] * 17 + [1]
    np.testing.assert_array_equal(fitted.predict_proba(sparse.csc_matrix(X)), fitted.predict_proba(X))
