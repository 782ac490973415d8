"""A fit by mini-batches: one training, with a callback that does what scikit-learn does between epochs."""

from __future__ import annotations

import warnings
from typing import cast

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastnn import backends
from fastnn.callbacks.base import checked
from fastnn.errors import DivergedError
from fastnn.history import History
from fastnn.network import Network
from fastnn.regularisation import Regularisation
from fastnn.run_settings import RunSettings
from fastnn.schedules import Constant
from fastnn.sklearn import solvers
from fastnn.sklearn.conventions import score_metrics
from fastnn.sklearn.random_stream import Shuffler
from fastnn.sklearn.solvers import Carried, Rate
from fastnn.sklearn.stopping import Progress
from fastnn.sklearn.watch import Task, Watch
from fastnn.trainer import resolving
from fastnn.trainer.loop import Training


def fit(task: Task, progress: Progress, carried: Carried | None) -> tuple[Carried, int]:
    """Train `task.network` in place and add to `progress`: (what the next call carries on with, epochs)."""
    options, network = task.options, task.network
    backend_name, arithmetic = backends.get(options["backend"])
    settings = _settings(task, backend_name)
    rate = Rate.of(options)
    if carried is not None:
        rate = carried.rate_for(rate, new_fit=not task.once)
    shuffler = Shuffler(task.stream, task.data.rows)
    kept, network.history = (
        network.history,
        History(
            {
                "backend": backend_name,
                "batch_size": settings.batch_size,
                "learning_rate": rate.now,
                "epochs": 1 if task.once else options["max_iter"],
                "seed": options["random_state"] if isinstance(options["random_state"], int) else None,
            }
        ),
    )
    with Training(
        network,
        arithmetic,
        task.data,
        task.held_out,
        settings,
        epochs=network.history.settings["epochs"],
        learning_rate=rate.now,
        schedule=Constant(),
        generator=cast(np.random.Generator, shuffler),
        shuffle=options["shuffle"],
        metrics=[] if task.held_out is None else score_metrics(network, task.held_out.weights),
    ) as training:
        if carried is not None:
            carried.go_on(training.run, settings.optimizer, network, rate)
        watch = Watch(task, settings, shuffler, progress, rate)
        try:
            training.fit([watch, *checked(options["callbacks"] or ())])
        except DivergedError as error:
            watch.diverged(error)
        if network.history.stop_reason == "epochs" and not task.once:
            _warn_of_the_end(training.epochs)
        _prepend(kept, network)
        return Carried(watch.state_to_carry(training), rate), watch.epoch


def _settings(task: Task, backend_name: str) -> RunSettings:
    options, n_rows = task.options, len(task.data.rows)
    regularisation = Regularisation.checked(
        n_hidden=len(task.network.weights) - 1, dropout=options["dropout"], l2=options["alpha"]
    )
    return RunSettings(
        batch_size=_batch_size(options["batch_size"], n_rows),
        threads=resolving.threads(options["threads"], backend_name),
        optimizer=solvers.optimizer(options),
        regularisation=regularisation,
        dropout_seed=int(task.stream.randint(2**31)) if regularisation.drops else 0,
        by_batch=True,
    )


def _batch_size(wanted: int | str, n_rows: int) -> int:
    if isinstance(wanted, str):
        return min(200, n_rows)
    if wanted > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return min(int(wanted), n_rows)


def _warn_of_the_end(max_iter: int) -> None:
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization hasn't "
        "converged yet.",
        ConvergenceWarning,
        stacklevel=2,
    )


def _prepend(earlier: History, network: Network) -> None:
    """Let the network's history begin with what was recorded before, if that was the same values."""
    if earlier.n_epochs and set(earlier) == set(network.history):
        later, n_before = network.history, earlier.n_epochs
        earlier.append(later)
        earlier.settings = later.settings
        if later.best_epoch is not None:
            earlier.best_epoch = n_before + later.best_epoch
        network.history = earlier
