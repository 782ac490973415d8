"""A contender is timed only after it has done the same work as the specification, fastnn's NumPy backend."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.peers.task import Task
from fastnn.backends import RunSettings, numpy_backend

STEPS = 10
# How far a contender's change of the weights may be from the specification's, as a share of that change. Ten
# updates in float32 end within 1e-4 of each other; a wrong learning rate or a dropped row is off by far more.
TOLERANCE = 5e-3


class DisagreementError(AssertionError):
    """A contender computed something else."""


def check_training(task: Task, training: Any) -> None:
    """Train on ten mini-batches and half a one; loss and weights must be the specification's.

    A contender that says `same_output = False` trains the output layer at another pace: it does one
    mini-batch, and is compared by its loss and the layers before.
    """
    same = getattr(training, "same_output", True)
    order = task.order(0)[: STEPS * task.batch_size + task.batch_size // 2 + 1 if same else task.batch_size]
    training.prepare()
    loss = training.epoch(order)
    expected_loss, expected = _specification(task, order)
    if not np.isclose(loss, expected_loss, rtol=1e-3):
        raise DisagreementError(f"mean loss {loss:.6f}, but the specification has {expected_loss:.6f}")
    compared = slice(None if same else -2)
    first = interleaved(task.weights, task.biases)
    _check_weights(training.parameters()[compared], expected[compared], first[compared])


def check_inference(task: Task, inference: Any) -> None:
    """Probabilities of all rows must be the specification's."""
    inference.prepare()
    P, expected = np.asarray(inference.predict()), numpy_backend.predict(task.network(), task.X)
    if P.shape != expected.shape or not np.allclose(P, expected, rtol=1e-3, atol=1e-5):
        raise DisagreementError("probabilities differ from the specification's")


def _check_weights(
    actual: Sequence[np.ndarray], expected: Sequence[np.ndarray], first: Sequence[np.ndarray]
) -> None:
    for number, (a, e, f) in enumerate(zip(actual, expected, first, strict=True)):
        error = np.linalg.norm(a - e) / np.linalg.norm(e - f)
        if not error < TOLERANCE:
            name = f"{'Wb'[number % 2]}{number // 2 + 1}"
            raise DisagreementError(
                f"{name} changed differently: {100 * error:.2g} % off the specification's"
            )


def _specification(task: Task, order: np.ndarray) -> tuple[float, list[np.ndarray]]:
    network = task.network()
    run = numpy_backend.open_run(network, task.X, task.labels, RunSettings(task.batch_size))
    loss, _ = run.epoch(order, task.learning_rate)
    return loss, interleaved(network.weights, network.biases)


def interleaved(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> list[np.ndarray]:
    """[W1, b1, W2, b2, …]."""
    return [array for layer in zip(weights, biases, strict=True) for array in layer]
