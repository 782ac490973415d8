"""sample_weight and class_weight: one number a row, or one line that says what is wrong."""

import numpy as np
import pytest

from fastnn import inputs
from fastnn.errors import InputError

FLOAT = np.dtype("float32")
Y = np.array(["a", "b", "b", "c"])


def row_weights(sample_weight=None, class_weight=None, y=Y, loss="auto"):
    targets = inputs.targets(y, len(y), loss=loss, dtype=FLOAT)
    return inputs.row_weights(sample_weight, class_weight, targets, dtype=FLOAT)


@pytest.mark.parametrize("weights", [[1, 2, 3, 4], (0.5, 1, 1.5, 2), np.array([1, 2, 3, 4], np.int8) * 10])
def test_only_proportions_matter(weights):
    found = row_weights(weights)
    assert found.dtype == FLOAT
    np.testing.assert_array_equal(found, np.array([0.4, 0.8, 1.2, 1.6], FLOAT))


@pytest.mark.parametrize("weights", [None, np.ones(4), np.full(4, 1e308), [True] * 4])
def test_weights_that_are_all_alike_are_none(weights):
    assert row_weights(weights) is None
    assert row_weights(weights, {"a": 1}) is None


def test_huge_and_tiny_weights():
    for size in (1e308, 1e-300):
        found = row_weights([size, size, 0, 0], {"a": size, "b": size, "c": size})
        np.testing.assert_array_equal(found, [2, 2, 0, 0])


def test_classes_by_name():
    # labels left out count 1
    np.testing.assert_allclose(
        row_weights(None, {"b": 3, "c": np.float32(0)}), np.array([1, 3, 3, 0]) * 4 / 7
    )
    np.testing.assert_allclose(row_weights([1, 1, 0, 2], {"b": 3}), np.array([1, 3, 0, 2]) * 4 / 6, rtol=1e-6)


@pytest.mark.parametrize("y", [[5, 7, 7, 9], [False, True, True, True], np.eye(3, dtype=int)[[0, 1, 1, 2]]])
def test_labels_of_any_kind(y):
    labels = np.unique(y) if np.ndim(y) == 1 else [0, 1, 2]
    found = row_weights(None, {label: 2 if i else 0.5 for i, label in enumerate(labels)}, y=np.array(y))
    np.testing.assert_allclose(found / found[0], [1, 4, 4, 4])
    found = row_weights(None, dict.fromkeys(np.array(labels[:1]).tolist(), 4), y=np.array(y))
    np.testing.assert_allclose(found / found[1], [4, 1, 1, 1])


def test_balanced_equals_scikit_learn():
    compute = pytest.importorskip("sklearn.utils.class_weight").compute_sample_weight
    np.testing.assert_allclose(row_weights(None, "balanced"), compute("balanced", Y))
    both = compute("balanced", Y) * [1, 2, 3, 4]
    np.testing.assert_allclose(row_weights([1, 2, 3, 4], "balanced"), both * 4 / both.sum(), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_weight": [1, 2]}, r"sample_weight has shape \(2,\); it must be \(4,\)"),
        ({"sample_weight": np.ones((4, 1))}, r"sample_weight has shape \(4, 1\)"),
        ({"sample_weight": 2}, r"sample_weight has shape \(\)"),
        ({"sample_weight": [1, 2, -3, 4]}, "sample_weight holds -3 at row 2; weights must be 0 or more"),
        ({"sample_weight": [1, np.nan, 1, 1]}, "sample_weight holds nan at row 1"),
        ({"sample_weight": [1, np.inf, 1, 1]}, "sample_weight holds inf at row 1"),
        ({"sample_weight": ["x"] * 4}, "sample_weight has dtype <U1"),
        ({"sample_weight": [[1], [1, 2], [], []]}, "sample_weight is not an array of numbers"),
        ({"sample_weight": np.zeros(4)}, "sample_weight is 0 for every row"),
        ({"class_weight": {"d": 1}}, "class_weight names the label 'd', but y has 'a', 'b', 'c'"),
        ({"class_weight": {"a": -1}}, r"class_weight\['a'\]=-1 must be a finite number, 0 or more"),
        ({"class_weight": {"a": "much"}}, r"class_weight\['a'\]='much' must be a number"),
        ({"class_weight": "even"}, "class_weight='even' must be {label: weight}, 'balanced', or None"),
        ({"class_weight": [1, 2, 3]}, r"class_weight=\[1, 2, 3\] must be {label: weight}"),
        ({"class_weight": dict.fromkeys("abc", 0)}, "leave no row that counts"),
        ({"sample_weight": [1, 0, 0, 0], "class_weight": {"a": 0}}, "leave no row that counts"),
        (
            {"class_weight": "balanced", "y": np.array([0.1, 0.2])},
            "needs one class a row, but this is a regression",
        ),
        (
            {"class_weight": {0: 2}, "y": np.array([[1, 1], [0, 1]])},
            "needs one class a row, but rows have several labels",
        ),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        row_weights(**arguments)
    assert "\n" not in str(caught.value)
