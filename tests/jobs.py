"""Trainings that threads and processes do at once, and a digest of all their bits to compare by."""

import hashlib
import os

import numpy as np

import fastnn

# Between them: both types, one and several threads' worth of work, every kind of update, validation, zeros.
JOBS = {
    "plain": {"hidden": (20, 7), "learning_rate": 0.1, "batch_size": 32},
    "images": {"hidden": 64, "kind": "images", "optimizer": "momentum"},
    "adam": {"hidden": 33, "optimizer": "adam", "dropout": 0.2, "validation": 0.2, "early_stopping": 2},
    "full": {"hidden": 40, "batch_size": "full", "learning_rate": 0.2, "standardize": True},
    "regression": {"hidden": 9, "kind": "regression", "loss": "huber", "validation": 0.2},
    "double": {
        "hidden": (8, 8),
        "dtype": "float64",
        "optimizer": "rmsprop",
        "l2": 1e-3,
        "activation": "tanh",
    },
}


def data(kind):
    """900 rows, and their labels or numbers."""
    generator = np.random.default_rng(11)
    y = generator.integers(0, 3, 900)
    X = generator.normal(size=(900, 12)) + np.eye(3, 12)[y]
    if kind == "images":
        return (X.clip(0) * 60).clip(0, 255).astype(np.uint8), y
    return (X, X[:, :2] @ np.ones(2)) if kind == "regression" else (X, y)


def train(name, **changes):
    """The model of one of JOBS."""
    settings = dict(JOBS[name])
    X, y = data(settings.pop("kind", "classes"))
    return fastnn.train(X, y, seed=5, **{"epochs": 3, **settings, **changes})


def digest(model, kind="classes"):
    """Of weights, history and predictions, on the paths for few rows and for many."""
    X, y = data(kind)
    parts = [*model.weights, *model.biases, model.predict(X[:5]), model.predict(X)]
    parts += [np.array([model.score(X, y), model.loss(X, y)])]
    parts += [np.array(column) for name, column in sorted(model.history.items()) if name != "seconds"]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


def done(name, **changes):
    """Train, and the digest of it: what threads and processes are given to do."""
    return digest(train(name, **changes), JOBS[name].get("kind", "classes"))


def all_done(backend):
    """Digests of all, one after the other, and the process they come from."""
    return {name: done(name, backend=backend) for name in JOBS}, os.getpid()
