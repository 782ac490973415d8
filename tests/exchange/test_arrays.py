"""from_arrays: the same model as the Network it is made of, and one line for everything that cannot be."""

import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError

from .checks import network_of


@pytest.fixture
def layers(generator):
    return [generator.normal(size=(4, 5)), generator.normal(size=(5, 3))], [np.ones(5), np.zeros(3)]


def test_it_predicts_as_numpy_does(layers, generator):
    weights, biases = layers
    model = fastnn.from_arrays(weights, biases, "tanh", classes=["a", "c", "b"])
    X = generator.normal(size=(20, 4))
    logits = np.tanh(X @ weights[0] + biases[0]) @ weights[1] + biases[1]
    odds = np.exp(logits)
    np.testing.assert_allclose(model.predict_proba(X), odds / odds.sum(axis=1, keepdims=True), rtol=1e-10)
    assert model.predict(X).tolist() == [["a", "c", "b"][i] for i in logits.argmax(axis=1)]
    assert model.score(X, model.predict(X)) == 1.0
    assert model.dtype == np.float64


def test_it_copies(layers):
    weights, biases = layers
    model = fastnn.from_arrays(weights, biases)
    weights[0][...] = biases[1][...] = 7
    assert not np.any(model.weights[0] == 7)
    assert not np.any(model.biases[1] == 7)


@pytest.mark.parametrize(
    ("kinds", "asked", "expected"),
    [
        (("float32", "float32"), None, "float32"),
        (("float16", "float32"), None, "float32"),
        (("float32", "float64"), None, "float64"),
        (("int64", "float32"), None, "float64"),
        (("float64", "float64"), "float32", "float32"),
    ],
)
def test_dtype(layers, kinds, asked, expected):
    weights, biases = layers
    model = fastnn.from_arrays(
        [W.astype(kinds[0]) for W in weights], [b.astype(kinds[1]) for b in biases], dtype=asked
    )
    assert model.dtype == np.dtype(expected)


def test_lists_are_arrays_too():
    model = fastnn.from_arrays([[[1], [2]]], [[0.5]], loss="squared_error")
    assert model.predict([[1.0, 1.0]]).tolist() == [3.5]


def test_a_single_logit_of_two_classes(generator):
    W, b = generator.normal(size=(3, 1)), np.array([0.3])
    model = fastnn.from_arrays([W], [b], classes=["no", "yes"])
    X = generator.normal(size=(50, 3))
    yes = 1 / (1 + np.exp(-(X @ W + b)))
    np.testing.assert_allclose(model.predict_proba(X), np.hstack([1 - yes, yes]), rtol=1e-12)
    assert model.predict(X).tolist() == ["yes" if p > 0.5 else "no" for p in yes[:, 0]]
    assert model.loss_name == "cross_entropy"
    same = fastnn.from_arrays([W], [b], loss="binary_cross_entropy", classes=["no", "yes"])
    np.testing.assert_array_equal(same.predict_proba(X), model.predict_proba(X))


def test_scaling_and_saving(generator, tmp_path):
    model = network_of((4, 3, 2), generator, input_mean=[1, 2, 3, 4], input_deviation=[1, 2, 1, 2])
    made = fastnn.from_arrays(
        model.weights, model.biases, input_mean=model.input_mean, input_deviation=model.input_deviation
    )
    X = generator.normal(size=(9, 4)).astype(np.float32)
    np.testing.assert_array_equal(made.predict_proba(X), model.predict_proba(X))
    made.save(tmp_path / "model")
    np.testing.assert_array_equal(fastnn.load(tmp_path / "model").predict_proba(X), made.predict_proba(X))
    pixels = fastnn.from_arrays(model.weights, model.biases, input_scale=1 / 255)
    bytes_ = generator.integers(0, 256, (9, 4), np.uint8)
    floats = fastnn.from_arrays(model.weights, model.biases)
    np.testing.assert_allclose(pixels.predict_proba(bytes_), floats.predict_proba(bytes_ / 255), rtol=1e-5)


def test_it_trains_on(generator):
    X, y = generator.normal(size=(60, 2)), np.arange(60) % 2
    X[:, 0] += 3 * y
    start = fastnn.from_arrays([np.zeros((2, 2))], [np.zeros(2)])
    model = fastnn.train(X, y, initial=start, epochs=20, learning_rate=0.3, seed=0)
    assert model.score(X, y) > 0.9 > start.score(X, y)


W, b = np.ones((4, 2)), np.zeros(2)
POISONED = np.array([[1.0, np.nan]] * 4)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], []), {}, "one bias vector a weight matrix; it got 0 and 0"),
        (([W], [b, b]), {}, "it got 1 and 2"),
        ((3, [b]), {}, "weights=3 must be a list"),
        (([b], [b]), {}, r"weights\[0\] has shape \(2,\)"),
        (([W], [W]), {}, r"biases\[0\] has shape \(4, 2\)"),
        (([W.T], [b]), {}, "pass the transpose"),
        (([W, W], [b, b]), {}, "layer 1 has W"),
        (([POISONED], [b]), {}, r"weights\[0\] holds nan at row 0, column 1"),
        (([W], [[0, np.inf]]), {}, r"biases\[0\] holds inf"),
        (([W * 1e300], [b]), {"dtype": "float32"}, r"weights\[0\] holds inf"),
        (([W > 0], [b]), {}, "dtype bool"),
        (([[["a", "b"]] * 4], [b]), {}, "dtype <U1"),
        (([W], [b]), {"dtype": "int8"}, "dtype="),
        (([W, W[:2]], [b, b], "relu6"), {}, "'relu6' is unknown"),
        (([W, W[:2]], [b, b], ["relu", "tanh"]), {}, "activation has 2 names for 1"),
        (([W], [b]), {"loss": "hinge"}, "loss='hinge' is unknown"),
        (([W], [b]), {"loss": "auto"}, "loss='auto' is unknown"),
        (([W], [b]), {"backend": "cuda"}, "backend"),
        (([W], [b]), {"classes": [1, 2, 3]}, "classes has 3 labels, but the last layer has 2 outputs"),
        (([W], [b]), {"classes": ["x", "x"]}, "classes holds 'x' more than once"),
        (([W], [b]), {"classes": [[1, 2]]}, r"classes has shape \(1, 2\)"),
        (([W], [b]), {"classes": [0, 1], "loss": "huber"}, "means nothing to a regression"),
        (([W], [b]), {"classes": [3, 4], "loss": "binary_cross_entropy"}, "must be left out"),
        (([W[:, :1]], [b[:1]]), {}, "needs two outputs or more"),
        (([W[:, :1]], [b[:1]]), {"classes": [1, 2, 3]}, "classes has 3 labels"),
        (([W], [b]), {"input_scale": 0}, "input_scale=0"),
        (([W], [b]), {"input_scale": 0.5, "input_mean": [0] * 4, "input_deviation": [1] * 4}, "must be 1.0"),
        (([W], [b]), {"input_mean": [0] * 4}, "go together"),
        (([W], [b]), {"input_mean": [0] * 3, "input_deviation": [1] * 3}, r"input_mean has shape \(3,\)"),
        (([W], [b]), {"input_mean": [0] * 4, "input_deviation": [1, 1, 1, 0]}, "above 0"),
        (([W], [b]), {"input_mean": "x", "input_deviation": [1] * 4}, "input_mean has shape"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, options, message):
    with pytest.raises(InputError, match=message) as caught:
        fastnn.from_arrays(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_importing_fastnn_imports_none_of_the_other_programs():
    code = (
        "import sys, fastnn\n"
        "fastnn.from_arrays([[[1.0], [2.0]]], [[0.5]], loss='squared_error')\n"
        "print(sorted({'onnx', 'onnxruntime', 'torch', 'sklearn', 'skl2onnx'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
