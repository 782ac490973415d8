"""JAX: one compiled call an epoch, a scan over the batches, with the parameters donated.

XLA's CPU client has no setting for threads once it runs; it uses all CPUs where it thinks they help.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.task import Task

NAME = "JAX"
PACKAGES = ("jax", "jaxlib")
INFERENCE_FORMS = ({},)
# The shuffled rows are gathered once an epoch, or batch by batch inside the scan. XLA fuses the scaling of
# uint8 pixels into the gather, which the other peers cannot; for small networks that is faster.
TRAINING_FORMS = tuple(
    {"gather": gather, "uint8": uint8} for uint8 in (False, True) for gather in ("batch", "epoch")
)

Parameters = list[tuple[jax.Array, jax.Array]]


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


def step(
    parameters: Parameters, X: jax.Array, labels: jax.Array, rate: float
) -> tuple[Parameters, jax.Array]:
    """One update: (the new parameters, the mean loss before it)."""
    loss, gradients = jax.value_and_grad(mean_loss)(parameters, X, labels)
    return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients), loss


@partial(jax.jit, static_argnames=("batch_size", "gather"), donate_argnums=0)
def train_epoch(
    parameters: Parameters,
    X: jax.Array,
    labels: jax.Array,
    order: jax.Array,
    rate: float,
    *,
    batch_size: int,
    gather: str,
) -> tuple[Parameters, jax.Array]:
    """Scan over the whole batches, then one more step if rows are left over: (parameters, mean loss)."""

    def take(array: jax.Array, rows: jax.Array) -> jax.Array:
        return array.at[rows].get(mode="promise_in_bounds")

    if batch_size >= len(X):
        return step(parameters, X, labels, rate)
    n_whole = len(order) // batch_size
    batches, rest = jnp.split(order, [n_whole * batch_size])
    batches = batches.reshape(n_whole, batch_size)
    if gather == "epoch":
        shuffled = take(X, batches), take(labels, batches)
        parameters, losses = jax.lax.scan(lambda p, batch: step(p, *batch, rate), parameters, shuffled)
    else:
        parameters, losses = jax.lax.scan(
            lambda p, rows: step(p, take(X, rows), take(labels, rows), rate), parameters, batches
        )
    total = losses.sum() * batch_size
    if len(rest):
        parameters, loss = step(parameters, take(X, rest), take(labels, rest), rate)
        total += loss * len(rest)
    return parameters, total / len(order)


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
    """Mini-batch gradient descent."""

    def __init__(self, task: Task, gather: str, uint8: bool = False) -> None:
        super().__init__(task, uint8)
        self.rate, self.settings = task.learning_rate, {"batch_size": task.batch_size, "gather": gather}

    def epoch(self, order: np.ndarray) -> float:
        """Mean loss of one epoch."""
        rows = jnp.array(order, jnp.int32)
        self.layers, loss = train_epoch(self.layers, self.X, self.labels, rows, self.rate, **self.settings)
        jax.block_until_ready(self.layers)
        return float(loss)

    def parameters(self) -> list[np.ndarray]:
        """[W1, b1, …]."""
        return [np.asarray(array) for layer in self.layers for array in layer]


class Inference(Model):
    """One compiled call."""

    def predict(self) -> jax.Array:
        """Probabilities of all rows."""
        return probabilities(self.layers, self.X).block_until_ready()
