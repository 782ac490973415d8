"""Metrics: against scikit-learn on random data, by hand on small cases; how they are named and checked."""

import functools

import numpy as np
import pytest

from fastnn import metrics
from fastnn.errors import InputError


@pytest.fixture
def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics")


def probabilities_of(generator, n_rows, n_classes, dtype=np.float64):
    logits = generator.normal(size=(n_rows, n_classes))
    P = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return P.astype(dtype)


LABELS = {
    "accuracy": lambda m, y, p: m.accuracy_score(y, p),
    "precision": lambda m, y, p: m.precision_score(y, p, average="macro", zero_division=0),
    "recall": lambda m, y, p: m.recall_score(y, p, average="macro", zero_division=0),
    "f1": lambda m, y, p: m.f1_score(y, p, average="macro", zero_division=0),
}


@pytest.mark.parametrize("name", [*LABELS, "balanced_accuracy"])
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_label_metrics_equal_scikit_learns(sklearn_metrics, generator, name, n_classes):
    expected = LABELS.get(name, lambda m, y, p: m.balanced_accuracy_score(y, p))
    for n_rows in (8, 300):
        y = generator.integers(0, n_classes, n_rows)
        # Class 0 is never predicted: its precision is 0/0.
        predicted = np.where(generator.random(n_rows) < 0.6, y, generator.integers(0, n_classes, n_rows))
        predicted = np.where((predicted == 0) & np.isin(n_classes - 1, y), n_classes - 1, predicted)
        assert metrics.METRICS[name].function(y, predicted) == pytest.approx(
            expected(sklearn_metrics, y, predicted)
        )
        words = np.array(["ox", "cat", "dog", "eel", "fox", "hen", "ant"])
        assert metrics.METRICS[name].function(words[y], words[predicted]) == pytest.approx(
            expected(sklearn_metrics, y, predicted)
        )


@pytest.mark.parametrize("name", LABELS)
def test_label_metrics_of_several_labels_a_row(sklearn_metrics, generator, name):
    y, predicted = (generator.integers(0, 2, (200, 4)) for _ in range(2))
    predicted[:, 2] = 0  # 0/0 in a column
    ours = metrics.METRICS[name].function(y.astype(np.float32), predicted)
    assert ours == pytest.approx(LABELS[name](sklearn_metrics, y, predicted))


@pytest.mark.parametrize("rounded", [False, True], ids=["", "ties"])
def test_roc_auc_equals_scikit_learns(sklearn_metrics, generator, rounded):
    y, P = generator.integers(0, 2, 300), probabilities_of(generator, 300, 2)
    P = np.round(P, 1) if rounded else P
    assert metrics.roc_auc(y, P) == pytest.approx(sklearn_metrics.roc_auc_score(y, P[:, 1]), abs=1e-12)
    y, P = generator.integers(0, 4, 300), probabilities_of(generator, 300, 4)
    if rounded:  # scikit-learn insists on rows that sum to 1
        P = np.floor(4 * P) / 4
        P[:, 0] = 1 - P[:, 1:].sum(axis=1)
    expected = sklearn_metrics.roc_auc_score(y, P, multi_class="ovr", average="macro")
    assert metrics.roc_auc(y, P) == pytest.approx(expected, abs=1e-12)
    y, P = generator.integers(0, 2, (300, 3)), generator.random((300, 3)).round(1 if rounded else 15)
    assert metrics.roc_auc(y, P) == pytest.approx(sklearn_metrics.roc_auc_score(y, P), abs=1e-12)


def test_roc_auc_by_hand():
    y = np.array([0, 0, 1, 1])
    for scores, area in (([1, 2, 3, 4], 1), ([3, 4, 1, 2], 0), ([1, 3, 2, 4], 0.75), ([5, 5, 5, 5], 0.5)):
        P = np.array([[-s, s] for s in scores], float)
        assert metrics.roc_auc(y, P) == area
    assert np.isnan(metrics.roc_auc(np.ones(3, int), np.full((3, 2), 0.5)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_equals_scikit_learns(sklearn_metrics, generator, dtype):
    y, P = generator.integers(0, 3, 200), probabilities_of(generator, 200, 3, dtype)
    P[0], y[0] = [1, 0, 0], 1  # no chance at all: kept finite
    expected = sklearn_metrics.log_loss(y, P)
    assert metrics.log_loss(y, P) == pytest.approx(expected, rel=1e-5)
    many, Q = generator.integers(0, 2, (50, 2)), generator.random((50, 2))
    each = [sklearn_metrics.log_loss(many[:, j], Q[:, j]) for j in range(2)]
    assert metrics.log_loss(many, Q) == pytest.approx(np.mean(each))


def test_top_k_accuracy(sklearn_metrics, generator):
    y, P = generator.integers(0, 6, 200), probabilities_of(generator, 200, 6)
    for k in (1, 2, 3, 5):
        own = metrics.get(f"top_{k}_accuracy").function(y, P)
        assert own == pytest.approx(sklearn_metrics.top_k_accuracy_score(y, P, k=k))
    equal = np.full((3, 3), 1 / 3)  # as predict does, the first in order is taken
    assert metrics.top_k_accuracy(np.arange(3), equal, 1) == metrics.accuracy(
        np.arange(3), equal.argmax(axis=1)
    )
    assert metrics.top_k_accuracy(np.arange(3), equal, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_regression_metrics_equal_scikit_learns(sklearn_metrics, generator, shape):
    y = generator.normal(size=shape)
    predicted = y + 0.3 * generator.normal(size=shape)
    for name, function in (
        ("r2", sklearn_metrics.r2_score),
        ("mean_absolute_error", sklearn_metrics.mean_absolute_error),
        ("mean_squared_error", sklearn_metrics.mean_squared_error),
        ("root_mean_squared_error", sklearn_metrics.root_mean_squared_error),
    ):
        assert metrics.METRICS[name].function(y, predicted) == pytest.approx(function(y, predicted))
    worst = max(sklearn_metrics.max_error(a, b) for a, b in zip(np.c_[y].T, np.c_[predicted].T, strict=True))
    assert metrics.max_error(y, predicted) == pytest.approx(worst)


def test_r2_of_a_constant(sklearn_metrics):
    y = np.full(5, 2.0)
    for predicted in (y, y + 1):
        assert metrics.r2(y, predicted) == sklearn_metrics.r2_score(y, predicted)


def test_by_hand():
    y, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert metrics.accuracy(y, predicted) == 3 / 4
    assert metrics.precision(y, predicted) == (1 + 1 / 2) / 2
    assert metrics.recall(y, predicted) == metrics.balanced_accuracy(y, predicted) == (2 / 3 + 1) / 2
    assert metrics.f1(y, predicted) == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert metrics.max_error(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == 3
    assert metrics.mean_absolute_error(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == 2
    assert metrics.root_mean_squared_error(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == np.sqrt(5)
    assert metrics.log_loss(np.array([0]), np.array([[0.25, 0.75]])) == pytest.approx(np.log(4))


def test_every_metric_is_documented_and_directed():
    for name, metric in metrics.METRICS.items():
        assert metric.function.__doc__, name
        assert metric.larger_is_better == ("loss" not in name and "error" not in name)


# ---- naming and checking ----------------------------------------------------------------------------------


def mine(y_true, y_pred):
    return 0.5


def resolve(*given, kind="classifier", n_outputs=3):
    return metrics.resolve(given, kind=kind, n_outputs=n_outputs)


def test_names_functions_and_objects():
    found = resolve("f1", mine, metrics.Metric("short", mine, False, "probabilities"), "top_2_accuracy")
    assert [metric.name for metric in found] == ["f1", "mine", "short", "top_2_accuracy"]
    assert [metric.larger_is_better for metric in found] == [True, True, False, True]
    assert [metric.needs for metric in found] == ["labels", "labels", "probabilities", "probabilities"]
    assert metrics.on_probabilities(mine) == metrics.Metric("mine", mine, True, "probabilities")
    assert resolve(metrics.roc_auc) == resolve("roc_auc")
    assert metrics.resolve("f1", kind="classifier", n_outputs=2) == resolve("f1")
    assert metrics.resolve(mine, kind="regression", n_outputs=1) == [metrics.get(mine)]


def test_accuracy_is_measured_anyway():
    assert resolve("accuracy", "f1") == resolve("f1")


MISTAKES = [
    (lambda: resolve("f2"), "metrics holds 'f2'; use 'accuracy', 'balanced_accuracy'"),
    (lambda: resolve("top_0_accuracy"), "metrics holds 'top_0_accuracy'"),
    (lambda: resolve("top_3_accuracy"), "'top_3_accuracy' would always be 1: there are 3 classes"),
    (lambda: resolve(3), "metrics holds 3"),
    (lambda: resolve("f1", "f1"), "metrics holds two called 'f1'"),
    (lambda: resolve(mine, mine), "metrics holds two called 'mine'"),
    (lambda: resolve(metrics.Metric("loss", mine)), "two called 'loss'"),
    (lambda: resolve(lambda a, b: 1), "has no name; use fastnn.metrics.Metric"),
    (lambda: resolve(functools.partial(mine)), "has no name; use fastnn.metrics.Metric"),
    (lambda: resolve("r2"), "'r2' is not for a classifier; use 'accuracy'"),
    (lambda: resolve("f1", kind="regression"), "'f1' is not for a regression; use 'r2', 'mean_absolute"),
    (lambda: resolve("balanced_accuracy", kind="multilabel"), "not for a network of several labels a row"),
    (lambda: resolve("top_2_accuracy", kind="multilabel"), "not for a network of several labels a row"),
    (
        lambda: resolve(metrics.on_probabilities(mine), kind="regression"),
        "'mine' needs probabilities, which a regression has not",
    ),
    (lambda: metrics.resolve(3, kind="classifier", n_outputs=3), "metrics=3 must be a list"),
    (lambda: metrics.Metric("", mine), "a metric's name must be a text"),
    (lambda: metrics.Metric("a\nb", mine), "a metric's name must be a text"),
    (lambda: metrics.Metric("a", 3), "metric 'a' needs a function"),
    (lambda: metrics.Metric("a", mine, needs="logits"), "needs='logits'; use 'labels' or 'probabilities'"),
]


@pytest.mark.parametrize(("wrong", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_mistakes_get_one_clear_line(wrong, message):
    with pytest.raises(InputError, match=message) as caught:
        wrong()
    assert "\n" not in str(caught.value)
