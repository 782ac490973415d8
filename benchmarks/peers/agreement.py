"""A contender is timed only after it has done the same work as the specification, fastnn's NumPy backend."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.peers.task import BETA_2, EPSILON, Task
from fastnn.backends import numpy_backend
from fastnn.optimizers import Adam

STEPS = 10
# How far a contender's change of the weights may be from the specification's, as a share of that change. Ten
# plain updates in float32 end within 1e-4 of each other; a wrong learning rate or a dropped row is off by far
# more. Adam's steps hardly depend on the size of a gradient: where rounding decides the sign of a tiny one,
# or on which side of relu's corner a unit falls, weights go elsewhere at full pace. They are few, so the
# length of the whole difference stays small: most contenders end within 1e-5, the worst within 7e-3. A
# learning rate that is 2 % off is still found.
TOLERANCES = {"sgd": 5e-3, "adam": 1.5e-2}


class DisagreementError(AssertionError):
    """A contender computed something else."""


def check_training(task: Task, training: Any) -> None:
    """Train on ten mini-batches and half a one; loss and weights must be the specification's.

    A contender that says `same_output = False` trains the output layer at another pace: it does one
    mini-batch, and is compared by its loss and the layers before. One that says `unscaled_epsilon = True`
    divides by √v + ε where others divide by √v̂ + ε.
    """
    same = getattr(training, "same_output", True)
    order = task.order(0)[: STEPS * task.batch_size + task.batch_size // 2 + 1 if same else task.batch_size]
    training.prepare()
    loss = training.epoch(order)
    unscaled_epsilon = task.optimizer == "adam" and getattr(training, "unscaled_epsilon", False)
    expected_loss, expected = (_unscaled_adam if unscaled_epsilon else _specification)(task, order)
    if not np.isclose(loss, expected_loss, rtol=1e-3):
        raise DisagreementError(f"mean loss {loss:.6f}, but the specification has {expected_loss:.6f}")
    compared = slice(None if same else -2)
    first = interleaved(task.weights, task.biases)
    actual, tolerance = training.parameters()[compared], TOLERANCES[task.optimizer]
    _check_weights(actual, expected[compared], first[compared], tolerance)


def check_inference(task: Task, inference: Any) -> None:
    """Probabilities of all rows must be the specification's."""
    inference.prepare()
    P, expected = np.asarray(inference.predict()), numpy_backend.predict(task.network(), task.X)
    if P.shape != expected.shape or not np.allclose(P, expected, rtol=1e-3, atol=1e-5):
        raise DisagreementError("probabilities differ from the specification's")


def _check_weights(
    actual: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    first: Sequence[np.ndarray],
    tolerance: float,
) -> None:
    for number, (a, e, f) in enumerate(zip(actual, expected, first, strict=True)):
        error = np.linalg.norm(a - e) / np.linalg.norm(e - f)
        if not error < tolerance:
            name = f"{'Wb'[number % 2]}{number // 2 + 1}"
            raise DisagreementError(
                f"{name} changed differently: {100 * error:.2g} % off the specification's"
            )


def _specification(task: Task, order: np.ndarray) -> tuple[float, list[np.ndarray]]:
    network = task.network()
    settings = task.settings()
    run = numpy_backend.open_run(network, task.X, task.labels, settings)
    losses, _ = run.epoch(order, settings.constant_rates(len(order), task.learning_rate))
    return settings.mean_loss(losses, len(order)), interleaved(network.weights, network.biases)


def _unscaled_adam(task: Task, order: np.ndarray) -> tuple[float, list[np.ndarray]]:
    # Kingma and Ba's shorter form, at the end of their section 2: the same but for ε, which it does not scale
    # by √(1 − β₂ᵗ). Many gradients are so small that it shows; so the specification gets another ε each step.
    network, settings, state, losses = task.network(), task.settings(), None, []
    for step, start in enumerate(range(0, len(order), task.batch_size), 1):
        adam = Adam(epsilon=EPSILON / math.sqrt(1 - BETA_2**step))
        run = numpy_backend.open_run(network, task.X, task.labels, replace(settings, optimizer=adam))
        if state is not None:
            run.set_state(state)
        rows = order[start : start + task.batch_size]
        losses.append(run.epoch(rows, np.array([task.learning_rate]))[0][0])
        state = run.state()
    return settings.mean_loss(np.array(losses), len(order)), interleaved(network.weights, network.biases)


def interleaved(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> list[np.ndarray]:
    """[W1, b1, W2, b2, …]."""
    return [array for layer in zip(weights, biases, strict=True) for array in layer]
