"""JAX: one compiled call an epoch, a scan over the batches, with the parameters, and Adam's means, donated.

XLA's CPU client has no setting for threads once it runs; it uses all CPUs where it thinks they help.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.task import BETA_1, BETA_2, EPSILON, Task

NAME = "JAX"
PACKAGES = ("jax", "jaxlib")
INFERENCE_FORMS = ({},)
# The shuffled rows are gathered once an epoch, or batch by batch inside the scan. XLA fuses the scaling of
# uint8 pixels into the gather, which the other peers cannot; for small networks that is faster.
TRAINING_FORMS = tuple(
    {"gather": gather, "uint8": uint8} for uint8 in (False, True) for gather in ("batch", "epoch")
)

Parameters = list[tuple[jax.Array, jax.Array]]
State = dict[str, Any]


def logits_of(parameters: Parameters, X: jax.Array) -> jax.Array:
    """The forward pass; uint8 pixels are scaled by 1/255."""
    if X.dtype == jnp.uint8:
        X = X.astype(jnp.float32) * np.float32(1 / 255)
    for W, b in parameters[:-1]:
        X = jax.nn.relu(X @ W + b)
    W, b = parameters[-1]
    return X @ W + b


def mean_loss(parameters: Parameters, X: jax.Array, labels: jax.Array) -> jax.Array:
    """Softmax cross-entropy."""
    log_p = jax.nn.log_softmax(logits_of(parameters, X))
    return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()


def sgd(state: State, gradients: Parameters, rate: float) -> State:
    """W − rate dW."""
    return {"parameters": jax.tree.map(lambda p, g: p - rate * g, state["parameters"], gradients)}


def adam(state: State, gradients: Parameters, rate: float) -> State:
    """Kingma and Ba's algorithm 1, its means beside the parameters in `state`."""
    step = state["step"] + 1
    means = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, state["means"], gradients)
    squares = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, state["squares"], gradients)
    size, unbias = rate / (1 - BETA_1**step), 1 / jnp.sqrt(1 - BETA_2**step)
    parameters = jax.tree.map(
        lambda p, m, v: p - size * m / (jnp.sqrt(v) * unbias + EPSILON), state["parameters"], means, squares
    )
    return {"parameters": parameters, "means": means, "squares": squares, "step": step}


UPDATES = {"sgd": sgd, "adam": adam}


def first_state(optimizer: str, layers: Parameters) -> State:
    """What an epoch starts from: the parameters, and for Adam its means."""
    if optimizer == "sgd":
        return {"parameters": layers}
    zeros = {name: jax.tree.map(jnp.zeros_like, layers) for name in ("means", "squares")}
    return {"parameters": layers, "step": jnp.zeros(()), **zeros}


def descend(
    optimizer: str, state: State, X: jax.Array, labels: jax.Array, rate: float
) -> tuple[State, jax.Array]:
    """One update: (the new state, the mean loss before it)."""
    loss, gradients = jax.value_and_grad(mean_loss)(state["parameters"], X, labels)
    return UPDATES[optimizer](state, gradients, rate), loss


@partial(jax.jit, static_argnames=("batch_size", "gather", "optimizer"), donate_argnums=0)
def train_epoch(
    state: State,
    X: jax.Array,
    labels: jax.Array,
    order: jax.Array,
    rate: float,
    *,
    batch_size: int,
    gather: str,
    optimizer: str,
) -> tuple[State, jax.Array]:
    """Scan over the whole batches, then one more step if rows are left over: (state, mean loss)."""
    step = partial(descend, optimizer)

    def take(array: jax.Array, rows: jax.Array) -> jax.Array:
        return array.at[rows].get(mode="promise_in_bounds")

    if batch_size >= len(X):
        return step(state, X, labels, rate)
    n_whole = len(order) // batch_size
    batches, rest = jnp.split(order, [n_whole * batch_size])
    batches = batches.reshape(n_whole, batch_size)
    if gather == "epoch":
        shuffled = take(X, batches), take(labels, batches)
        state, losses = jax.lax.scan(lambda s, batch: step(s, *batch, rate), state, shuffled)
    else:
        state, losses = jax.lax.scan(
            lambda s, rows: step(s, take(X, rows), take(labels, rows), rate), state, batches
        )
    total = losses.sum() * batch_size
    if len(rest):
        state, loss = step(state, take(X, rest), take(labels, rest), rate)
        total += loss * len(rest)
    return state, total / len(order)


@jax.jit
def probabilities(parameters: Parameters, X: jax.Array) -> jax.Array:
    """The forward pass and a softmax."""
    return jax.nn.softmax(logits_of(parameters, X))


class Model:
    """The arrays, as JAX's own."""

    def __init__(self, task: Task, uint8: bool = False) -> None:
        self.X = jnp.array(task.X if uint8 else task.floats)
        self.labels = jnp.array(task.labels, jnp.int32)
        layers = zip(task.weights, task.biases, strict=True)
        self.layers = [(jnp.array(W), jnp.array(b)) for W, b in layers]

    def prepare(self) -> None:
        """Nothing to set."""

    def close(self) -> None:
        """Free the arrays."""
        del self.X, self.labels, self.layers


class Training(Model):
    """Mini-batch gradient descent, or Adam."""

    def __init__(self, task: Task, gather: str, uint8: bool = False) -> None:
        super().__init__(task, uint8)
        self.state = first_state(task.optimizer, self.layers)
        self.rate = task.learning_rate
        self.settings = {"batch_size": task.batch_size, "gather": gather, "optimizer": task.optimizer}

    def epoch(self, order: np.ndarray) -> float:
        """Mean loss of one epoch."""
        rows = jnp.array(order, jnp.int32)
        self.state, loss = train_epoch(self.state, self.X, self.labels, rows, self.rate, **self.settings)
        jax.block_until_ready(self.state)
        return float(loss)

    def parameters(self) -> list[np.ndarray]:
        """[W1, b1, …]."""
        return [np.asarray(array) for layer in self.state["parameters"] for array in layer]

    def close(self) -> None:
        """Free the arrays."""
        super().close()
        del self.state


class Inference(Model):
    """One compiled call."""

    def predict(self) -> jax.Array:
        """Probabilities of all rows."""
        return probabilities(self.layers, self.X).block_until_ready()
