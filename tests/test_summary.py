"""The table that describes a network."""

import numpy as np
import pytest

import fastnn
from fastnn import Network
from tests.checks import network_of


def test_table_of_a_classifier():
    X = np.arange(200, dtype=np.uint8).reshape(50, 4)
    model = fastnn.train(X, np.arange(50) % 3, hidden=(1000, 5), activation="tanh", epochs=1)
    assert model.summary().splitlines() == [
        "layer  shape     activation  parameters",
        "1      4 × 1000  tanh             5,000",
        "2      1000 × 5  tanh             5,005",
        "3      5 × 3     softmax             18",
        "total                            10,023",
        "",
        "loss     cross_entropy",
        "outputs  3 (classes)",
        "input    4 features, uint8 × 1/255",
        "dtype    float32",
    ]


@pytest.mark.parametrize(
    ("loss", "last", "outputs"),
    [
        ("squared_error", "identity", "2 (numbers)"),
        ("poisson", "exp", "2 (numbers)"),
        ("binary_cross_entropy", "logistic", "2 (labels, each a yes or no)"),
    ],
)
def test_what_follows_the_last_layer(generator, loss, last, outputs):
    lines = network_of((3, 2), "float64", generator, loss=loss).summary().splitlines()
    assert lines[1].split() == ["1", "3", "×", "2", last, "8"]
    assert f"outputs  {outputs}" in lines
    assert "input    3 features" in lines
    assert lines[-1] == "dtype    float64"


def test_different_activations_and_standardised_input():
    weights, biases = (
        [np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 1))],
        [np.zeros(2), np.zeros(2), np.zeros(1)],
    )
    network = Network(
        weights,
        biases,
        activation=["relu", "tanh"],
        loss="squared_error",
        input_mean=np.zeros(2),
        input_deviation=np.ones(2),
    )
    text = network.summary()
    assert "relu" in text.splitlines()[1]
    assert "tanh" in text.splitlines()[2]
    assert "outputs  1 (number)" in text
    assert "input    2 features, standardised" in text
