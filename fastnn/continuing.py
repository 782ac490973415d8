"""One more pass over data, in place: what it needs to know of the training before, and the pass itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn import backends, inputs
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.network import Network
from fastnn.optimizers import LBFGS, Optimizer
from fastnn.run_settings import RunSettings
from fastnn.schedules import Constant
from fastnn.trainer import fingerprint, lbfgs, resolving
from fastnn.trainer.loop import Data, Training


@dataclass(frozen=True, eq=False)
class Continuation:
    """How a training ended, for a pass that goes on from there.

    settings       of the training
    batch_size     rows an update, also where a pass has fewer; or "full", "auto"
    learning_rate  without a schedule's factor; or "auto"
    generator      shuffles the next pass
    run_state      see `backends.Run.state`; None: begin anew
    data           digest of what L-BFGS was trained on
    n_passes       passes since the last whole training
    """

    settings: RunSettings
    batch_size: int | str
    learning_rate: float | str
    generator: np.random.Generator
    run_state: Mapping[str, Array] | None = None
    data: str = ""
    n_passes: int = 0

    @classmethod
    def of(
        cls,
        training: Training,
        settings: RunSettings,
        batch_size: int | str | None,
        generator: np.random.Generator,
        data: Data,
    ) -> Continuation:
        """What a training leaves behind; where an earlier epoch's weights came back, no optimizer's state."""
        earlier = training.history.best_epoch not in (None, training.epoch)
        return cls(
            settings,
            "full" if batch_size in (None, "full") else settings.batch_size,
            training.learning_rate,
            _copied(generator),  # the caller's own may be in use elsewhere
            None if earlier else training.run.state(),
            _digest(settings, data),
        )


def _copied(generator: np.random.Generator) -> np.random.Generator:
    # copy.deepcopy takes 0.2 ms, as much as some epochs.
    bit_generator = type(generator.bit_generator)(0)
    bit_generator.state = generator.bit_generator.state
    return np.random.Generator(bit_generator)


def partial_train(
    network: Network,
    X: Any,
    y: Any,
    *,
    optimizer: str | Optimizer | None = None,
    learning_rate: float | str | None = None,
    batch_size: int | str | None = None,
    sample_weight: Any = None,
    shuffle: bool = True,
    seed: int | np.random.Generator | None = None,
    threads: int | None = None,
) -> Network:
    """See Network.partial_train."""
    if not inputs.all_finite(*network.weights, *network.biases):
        raise InputError("the model has weights that are not finite numbers; take the model as it was before")
    data = _checked_data(network, X, y, sample_weight)
    backend_name, arithmetic = backends.get(network.backend)
    now = _now(network, data, optimizer, learning_rate, batch_size, seed)
    settings = replace(
        now.settings,
        batch_size=resolving.batch_size(now.batch_size, now.settings.optimizer, len(data.rows)),
        threads=now.settings.threads if threads is None else resolving.threads(threads, backend_name),
    )
    rate = float(now.learning_rate)
    kept, network.history = network.history, History()
    try:
        with Training(
            network,
            arithmetic,
            data,
            None,
            settings,
            epochs=1,
            learning_rate=rate,
            schedule=Constant(),
            generator=now.generator,
            shuffle=shuffle,
        ) as training:
            if _carries_on(now, training.run.state(), network, data):
                training.run.set_state(now.run_state or {})
            training.fit([])
            state = training.run.state()
    finally:
        this_pass, network.history = network.history, kept
    if not now.n_passes:
        network.history = History({"backend": backend_name})
    network.history.append(this_pass)
    network.history.settings |= {"batch_size": settings.batch_size, "learning_rate": rate}
    network.continuation = replace(
        now, run_state=state, data=_digest(settings, data), n_passes=now.n_passes + 1
    )
    return network


def _checked_data(network: Network, X: Any, y: Any, sample_weight: Any) -> Data:
    """X, y and weights as this network trains on them, or InputError."""
    features = network.checked_features(X)
    values = network.checked_targets(y, len(features))
    targets = inputs.Targets(network.loss_name, values, network.classes, network.sizes[-1])
    return Data.whole(features, values, inputs.row_weights(sample_weight, None, targets, dtype=network.dtype))


def _now(
    network: Network,
    data: Data,
    optimizer: str | Optimizer | None,
    learning_rate: float | str | None,
    batch_size: int | str | None,
    seed: int | np.random.Generator | None,
) -> Continuation:
    """The network's continuation, or a new one, with what the caller asks for; InputError if it cannot be."""
    now = network.continuation or Continuation(RunSettings(1), "auto", "auto", inputs.generator(seed))
    if seed is not None:
        now = replace(now, generator=inputs.generator(seed))
    if optimizer is None and network.continuation is not None:
        wanted = now.settings.optimizer
    else:
        wanted = resolving.optimizer(
            "auto" if optimizer is None else optimizer,
            "auto" if learning_rate is None else learning_rate,
            data.X,
        )
    if wanted != now.settings.optimizer:
        settings = replace(now.settings, optimizer=wanted)
        now = replace(now, settings=settings, learning_rate="auto", run_state=None)
    if isinstance(wanted, LBFGS):
        lbfgs.check_options(
            batch_size=batch_size,
            learning_rate="auto" if learning_rate is None else learning_rate,
            schedule=Constant(),
            regularisation=now.settings.regularisation,
        )
    if learning_rate is None:
        learning_rate = now.learning_rate
    if batch_size is None:
        batch_size = now.batch_size
    n_rows = resolving.batch_size(batch_size, wanted, len(data.rows))
    return replace(
        now,
        batch_size=n_rows if batch_size == "auto" else batch_size,
        learning_rate=resolving.learning_rate(learning_rate, wanted, network, data, n_rows),
    )


def _carries_on(now: Continuation, fresh: Mapping[str, Array], network: Network, data: Data) -> bool:
    """Whether the state kept fits the network as it is now; L-BFGS's only these weights and data, too."""
    kept = now.run_state
    if kept is None or kept.keys() != fresh.keys():
        return False
    if any(kept[name].shape != fresh[name].shape or kept[name].dtype != fresh[name].dtype for name in fresh):
        return False
    if not isinstance(now.settings.optimizer, LBFGS):
        return True
    weights = np.concatenate([array.reshape(-1) for array in (*network.weights, *network.biases)])
    same_weights = np.array_equal(kept["parameters"].astype(network.dtype), weights)
    return same_weights and now.data == _digest(now.settings, data)


def _digest(settings: RunSettings, data: Data) -> str:
    if not isinstance(settings.optimizer, LBFGS):
        return ""
    rows = (data.X[data.rows], data.y[data.rows])
    return " ".join(str(fingerprint.digest(array)) for array in (*rows, data.weights))
