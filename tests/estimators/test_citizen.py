"""The estimators in scikit-learn's pipelines: parameters, names of columns, metadata, and how they look."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is optional")

import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import estimator_html_repr

from fastnn.sklearn import MLPClassifier, MLPRegressor
from tests.estimators.small import assert_same_model, small

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---- parameters -------------------------------------------------------------------------------------------


def test_a_clone_has_the_parameters_and_none_of_the_training(estimator_class, table):
    X, y = table
    fitted = small(estimator_class, alpha=0.5, dropout=0.25, threads=1).fit(X, y)
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not [name for name in vars(twin) if name.endswith("_")]
    assert_same_model(twin.fit(X, y), fitted)


def test_parameters_are_set_by_name(estimator_class):
    estimator, changes = estimator_class(), {"alpha": 0.5, "hidden_layer_sizes": (3, 4), "backend": "numpy"}
    assert estimator.set_params(**changes) is estimator
    assert estimator.get_params() == estimator_class().get_params() | changes
    with pytest.raises(ValueError, match="Invalid parameter 'momentun'"):
        estimator.set_params(momentun=0.5)


def test_parameters_are_kept_as_they_are_given(estimator_class, table):
    hidden, callbacks = [5, 4], []
    estimator = small(estimator_class, hidden_layer_sizes=hidden, callbacks=callbacks)
    before = dict(vars(estimator))
    estimator.fit(*table)
    assert estimator.hidden_layer_sizes is hidden
    assert estimator.callbacks is callbacks
    assert {name: vars(estimator)[name] for name in before} == before


def test_it_says_what_it_is():
    assert is_classifier(MLPClassifier())
    assert is_regressor(MLPRegressor())
    assert not is_regressor(MLPClassifier())


# ---- pipelines, names of columns, metadata ----------------------------------------------------------------


def test_a_pipeline_gives_it_the_transformed_rows(estimator_class, table):
    X, y = table
    pipeline = make_pipeline(StandardScaler(), small(estimator_class)).fit(100 * X + 3, y)
    scaled = StandardScaler().fit_transform(100 * X + 3)
    alone = small(estimator_class).fit(scaled, y)
    assert_same_model(pipeline[-1], alone)
    assert_array_equal(pipeline.predict(100 * X + 3), alone.predict(scaled))
    assert pipeline.score(100 * X + 3, y) == alone.score(scaled, y)
    pipeline.set_params(**{f"{estimator_class.__name__.lower()}__max_iter": 3})
    assert pipeline.fit(X, y)[-1].n_iter_ == 3


def test_set_output_hands_it_names_of_columns(estimator_class, table):
    pandas = pytest.importorskip("pandas", reason="set_output makes pandas' tables")
    X, y = table
    named = pandas.DataFrame(X, columns=[f"column {number}" for number in range(X.shape[1])])
    pipeline = make_pipeline(StandardScaler(), small(estimator_class)).set_output(transform="pandas")
    pipeline.fit(named, y)
    assert list(pipeline[-1].feature_names_in_) == list(named.columns)
    assert_array_equal(pipeline.predict(named), make_pipeline(*pipeline).predict(named))
    with pytest.raises(ValueError, match="feature names should match"):
        pipeline[-1].predict(named[named.columns[::-1]])


def test_columns_of_words_are_encoded_before_it():
    pandas = pytest.importorskip("pandas", reason="a table with columns of several kinds")
    generator = np.random.default_rng(0)
    colour, length = generator.choice(["red", "blue"], 200), generator.normal(size=200)
    frame = pandas.DataFrame({"colour": colour, "length": length})
    y = (colour == "red") == (length > 0)
    columns = ColumnTransformer([("words", OneHotEncoder(), ["colour"])], remainder=StandardScaler())
    model = make_pipeline(columns, small(max_iter=200, learning_rate_init=0.02)).fit(frame, pandas.Series(y))
    assert model.score(frame, y) > 0.9
    assert model.predict(frame).dtype == bool


def test_weights_are_routed_through_folds(estimator_class, table):
    X, y = table
    weights, folds = np.random.default_rng(0).uniform(0.1, 2, len(X)), KFold(2, shuffle=True, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = small(estimator_class).set_fit_request(sample_weight=True)
        estimator.set_score_request(sample_weight=True)
        found = cross_validate(
            estimator, X, y, cv=folds, params={"sample_weight": weights}, return_estimator=True
        )
    train, test = next(folds.split(X))
    alone = small(estimator_class).fit(X[train], y[train], sample_weight=weights[train])
    assert_same_model(found["estimator"][0], alone)
    assert found["test_score"][0] == alone.score(X[test], y[test], sample_weight=weights[test])
    assert found["test_score"][0] != alone.score(X[test], y[test])


def test_weights_are_routed_through_pipelines(estimator_class, table):
    X, y = table
    weights = np.random.default_rng(0).uniform(0.1, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, small(estimator_class).set_fit_request(sample_weight=True))
        pipeline.fit(X, y, sample_weight=weights)
    assert_same_model(pipeline[-1], small(estimator_class).fit(scaler.transform(X), y, sample_weight=weights))


def test_weights_that_nobody_asked_for_are_an_error(estimator_class, table):
    X, y = table
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), small(estimator_class))
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            pipeline.fit(X, y, sample_weight=np.ones(len(X)))


def test_validation_rows_are_routed_and_transformed(estimator_class, table):
    X, y = table
    validation = {"X_val": X[::3] + 1, "y_val": y[::3]}
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = small(estimator_class, early_stopping=True).set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("network", estimator)]
        pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X, y, **validation)
    scaler = StandardScaler().fit(X)
    alone = small(estimator_class, early_stopping=True)
    alone.fit(scaler.transform(X), y, X_val=scaler.transform(validation["X_val"]), y_val=validation["y_val"])
    assert_same_model(pipeline[-1], alone)
    assert pipeline[-1].validation_scores_ == alone.validation_scores_


# ---- how it looks -----------------------------------------------------------------------------------------


def test_repr_shows_what_was_changed(estimator_class):
    name = estimator_class.__name__
    assert repr(estimator_class()) == f"{name}()"
    assert repr(estimator_class(alpha=0.5, dropout=0.1)) == f"{name}(alpha=0.5, dropout=0.1)"


def test_notebooks_show_it(estimator_class, table):
    name = estimator_class.__name__
    estimator = small(estimator_class, alpha=0.125)
    unfitted = estimator._repr_html_()
    fitted = estimator_html_repr(estimator.fit(*table))
    for page in (unfitted, fitted):
        assert name in page
        assert "alpha" in page
        assert "0.125" in page
        assert f"sklearn.neural_network.{name}" not in page  # that page would describe another estimator
    assert "Not fitted" in unfitted
    assert "Not fitted" not in fitted
    assert "StandardScaler" in estimator_html_repr(make_pipeline(StandardScaler(), estimator))
