"""A model of every kind with rows to report on, with the most hostile names that there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import fastnn

HOSTILE = ["<script>alert(1)</script>", "quo\"ted & 'more'", "</style><b>"]
KINDS = (
    "images",
    "binary",
    "table",
    "labels",
    "one label",
    "regression",
    "outputs",
    "by hand",
    "many classes",
)


@dataclass
class Case:
    model: fastnn.Network
    X: Any
    y: Any
    options: dict[str, Any] = field(default_factory=dict)


def digits(epochs: int = 8) -> Case:
    X, y = fastnn.datasets.load("digits", "train")
    model = fastnn.train(X, y, hidden=16, epochs=epochs, validation=0.2, seed=1, backend="numpy")
    return Case(model, *fastnn.datasets.load("digits", "test"))


def case_of(kind: str) -> Case:
    """A model trained on 200 rows of a kind, and 100 others."""
    if kind == "images":
        return digits()
    generator = np.random.default_rng(3)
    X = generator.normal(size=(300, 5))
    noisy = X + generator.normal(0, 0.7, X.shape)
    names = np.array(HOSTILE)
    targets = {
        "binary": names[(noisy[:, 0] > 0).astype(int)],
        "table": names[noisy[:, :3].argmax(axis=1)],
        "by hand": names[noisy[:, :3].argmax(axis=1)],
        "labels": (noisy[:, :3] > 0).astype(int),
        "one label": (noisy[:, :1] > 0).astype(int),
        "regression": noisy[:, 0] * 3 + 1,
        "outputs": noisy,
        "many classes": np.arange(300) % 40,
    }
    y = targets[kind]
    model = fastnn.train(
        X[:200],
        y[:200],
        hidden=8,
        epochs=4,
        seed=2,
        backend="numpy",
        **({"validation": 0.2, "early_stopping": 2, "metrics": ["f1"]} if kind == "table" else {}),
        **({"loss": "binary_cross_entropy"} if kind == "one label" else {}),
    )
    if kind == "by hand":
        layers = {"activation": model.activations, "classes": model.classes, "backend": "numpy"}
        model = fastnn.Network(model.weights, model.biases, **layers)
    options = {
        "name": '<img src="x" onerror="alert(1)">.safetensors',
        "data": "</title><script>alert(2)</script>",
        "about_data": "<i>about</i>",
        "feature_names": ["<u>a</u>", 'b" onload="x', "c & d", "\x00\ud800e", "f" * 500],
    }
    return Case(model, X[200:], y[200:], options)


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """The report of each kind of model."""
    import fastnn.report

    documents = {}
    for kind in KINDS:
        case = case_of(kind)
        documents[kind] = fastnn.report.html(case.model, case.X, case.y, seconds=0.02, **case.options)
    return documents
