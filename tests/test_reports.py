"""Confusion matrix, precision, recall, and the tables made of them, against counting by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn import reports


def test_confusion_matrix_by_hand() -> None:
    true, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 2])
    np.testing.assert_array_equal(
        reports.confusion_matrix(true, predicted, 3), [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    )


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_confusion_matrix_equals_counting(pairs: list[tuple[int, int]]) -> None:
    true, predicted = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = np.zeros((5, 5), np.int64)
    for pair in pairs:
        expected[pair] += 1
    np.testing.assert_array_equal(reports.confusion_matrix(true, predicted, 5), expected)


def test_precision_and_recall_equal_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    true, predicted = np.random.default_rng(0).integers(0, 4, (2, 200))
    ours = reports.precision_recall(reports.confusion_matrix(true, predicted, 4))
    precision, recall, _, support = metrics.precision_recall_fscore_support(true, predicted)
    for got, expected in zip(ours, (precision, recall, support), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_undefined_shares_are_nan_and_shown_as_a_dash() -> None:
    matrix = np.array([[2, 0, 1], [1, 0, 0], [0, 0, 0]])
    precision, recall, support = reports.precision_recall(matrix)
    np.testing.assert_array_equal(precision, [2 / 3, np.nan, 0])
    np.testing.assert_array_equal(recall, [2 / 3, 0, np.nan])
    np.testing.assert_array_equal(support, [3, 1, 0])
    assert reports.class_table(matrix, ["a", "b", "c"]).splitlines()[2:] == [
        "b              -   0.0 %        1",
        "c          0.0 %       -        0",
    ]


def test_confusion_table_is_aligned_and_long_names_are_cut() -> None:
    table = reports.confusion_table(np.array([[1, 22], [3, 4]]), ["one\nline", "x" * 30])
    assert table.splitlines() == [
        "                  one line  xxxxxxxxxxxxxxx…",
        "one line                 1                22",
        "xxxxxxxxxxxxxxx…         3                 4",
    ]


def regression() -> fastnn.Network:
    weights, biases = [np.array([[2.0], [0.0]])], [np.array([1.0])]
    return fastnn.Network(weights, biases, loss="squared_error", backend="numpy")


def test_report_of_a_regression() -> None:
    X = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert reports.report(regression(), X, np.array([1.5, 3.5])).splitlines() == [
        "R²                   0.7500",
        "loss                 0.125 (half the squared error)",
        "mean absolute error  0.5",
    ]


def test_headline_is_the_loss_where_r_squared_is_not_defined() -> None:
    assert reports.headline(regression(), np.zeros((1, 2)), np.array([2.0])) == "loss 0.5"
    with pytest.raises(fastnn.errors.InputError, match="outputs"):
        reports.headline(regression(), np.zeros((1, 2)), np.zeros((1, 3)))


@pytest.mark.parametrize(
    ("loss", "words"), [("absolute_error", "0.5 (absolute error)"), ("huber", "0.125 (Huber)")]
)
def test_report_of_other_regressions(loss: str, words: str) -> None:
    model = fastnn.Network([np.eye(1)], [np.zeros(1)], loss=loss, backend="numpy")
    lines = reports.report(model, np.array([[0.5], [1.5]]), np.array([1.0, 2.0])).splitlines()
    assert lines[1] == f"loss                 {words}"


def test_report_of_several_labels_a_row() -> None:
    model = fastnn.Network([np.eye(3)], [np.zeros(3)], loss="binary_cross_entropy", backend="numpy")
    X = np.array([[3.0, -3, -3], [3, 3, -3], [-3, 3, -3], [3, -3, -3]])
    text = reports.report(model, X, np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]]))
    assert text.splitlines() == [
        "accuracy  50.00 % (2 of 4 rows with every label right)",
        "labels    75.00 % right",
        f"loss      {np.log1p(np.exp(-3)) * 3 + 9 / 4:.4f}",
        "",
        "label  precision   recall  support",
        "0         66.7 %  100.0 %        2",
        "1         50.0 %  100.0 %        1",
        "2              -    0.0 %        1",
    ]
    assert reports.headline(model, X, np.zeros((4, 3), int)) == "accuracy 0.00 %"


def test_report_of_a_classifier() -> None:
    model = fastnn.Network([np.eye(2)], [np.zeros(2)], classes=np.array(["no", "yes"]), backend="numpy")
    text = reports.report(model, np.array([[3.0, 0], [0, 3.0], [0, 3.0]]), np.array(["no", "yes", "no"]))
    assert text.startswith("accuracy  66.67 % (2 of 3 rows)\n")
    assert text.splitlines()[-2:] == ["no    1    1", "yes   0    1"]
