"""What both estimators share: fitting step by step, and predicting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn import backends, inputs
from fastnn.backends import Array
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.sklearn import epochs, lbfgs
from fastnn.sklearn.conventions import OUT_ACTIVATIONS
from fastnn.sklearn.parameters import check_for_lbfgs, hidden_widths, parameters_of
from fastnn.sklearn.random_stream import first_parameters, split_rows
from fastnn.sklearn.rows import SPARSE, Given, dense, dense_blocks
from fastnn.sklearn.solvers import Carried
from fastnn.sklearn.stopping import Progress
from fastnn.sklearn.watch import NOT_FINITE, Task
from fastnn.standardisation import Standardisation
from fastnn.trainer.loop import Data


class MultilayerPerceptron(BaseEstimator):
    """Base of MLPClassifier and MLPRegressor, which say what y is.

    network_   the fastnn.Network; coefs_ and intercepts_ are its arrays
    """

    network_: Network
    _progress: Progress
    _carried: Carried | None
    hidden_layer_sizes: Any
    activation: Any
    solver: str
    random_state: Any
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    standardize: bool
    backend: str

    # ---- what an estimator adds -------------------------------------------------------------------------

    def _checked(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        """X and y as scikit-learn validates them; `first`: they may be anything that can be learned."""
        raise NotImplementedError

    def _targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        """y as the network's targets."""
        raise NotImplementedError

    def _network_options(self) -> dict[str, Any]:
        """Loss and classes of a new network."""
        raise NotImplementedError

    def _n_outputs(self, y: Any) -> int:
        """Width of the last layer of a new network."""
        raise NotImplementedError

    def _class_weights(self, y: Any) -> Array | None:
        """How much each row counts because of its class."""
        return None

    def _strata(self, y: Any) -> Array | None:
        """What each row is, for validation rows to be as mixed as all rows; None: not to be seen to."""
        return None

    # ---- fitting ----------------------------------------------------------------------------------------

    @property
    def coefs_(self) -> list[Array]:
        """W of each layer, (fan_in, fan_out): the arrays of `network_`."""
        return self.network_.weights

    @coefs_.setter
    def coefs_(self, arrays: Sequence[Array]) -> None:
        self.network_.weights = [np.ascontiguousarray(array, self.network_.dtype) for array in arrays]

    @property
    def intercepts_(self) -> list[Array]:
        """b of each layer, (fan_out,): the arrays of `network_`."""
        return self.network_.biases

    @intercepts_.setter
    def intercepts_(self, arrays: Sequence[Array]) -> None:
        self.network_.biases = [np.ascontiguousarray(array, self.network_.dtype) for array in arrays]

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: tuple[Any, Any, Any] | None = None,
        *,
        incremental: bool = False,
    ) -> Any:
        options = parameters_of(self)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.solver == "lbfgs":
            check_for_lbfgs(options, validation_data)
        hidden = hidden_widths(self.hidden_layer_sizes)
        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        given = self._given(X, y, sample_weight, first=first, incremental=incremental)
        sizes = given.X.shape[1], *hidden, self._n_outputs(given.y)
        stream = check_random_state(self.random_state)
        # Drawn in this order: parameters, split, and then dropout's seed and the shuffles.
        parameters = first_parameters(sizes, self.activation, stream, given.X.dtype) if first else None
        rows, chosen = self._split(given, stream, wanted=validation_data is None)
        if parameters is not None:
            self._begin(parameters, given.X, rows)
        else:
            self._go_on(sizes)
        network = self.network_
        whole = replace(given, X=network.checked_features(given.X))
        targets = self._targets(whole.y, network.dtype)
        data = Data(whole.X, targets, rows, self._weights(whole))
        if self.solver == "lbfgs":
            self.loss_, self.n_iter_ = lbfgs.fit(options, network, data)
        else:
            if chosen is None:
                held_out = None if validation_data is None else self._held_out(*validation_data)
            else:
                weights = None if whole.weights is None else whole.weights[chosen]
                held_out = Data.whole(whole.X[chosen], targets[chosen], weights)
            task = Task(options, network, data, held_out, stream, incremental)
            self._carried, self.n_iter_ = epochs.fit(task, self._progress, self._carried)
            self._publish(validated=held_out is not None)
        if not inputs.all_finite(*network.weights, *network.biases):
            raise ValueError(NOT_FINITE)
        return self

    def _given(self, X: Any, y: Any, sample_weight: Any, *, first: bool, incremental: bool) -> Given:
        X, y = self._checked(X, y, first=first, incremental=incremental)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X)
            if not weights.any():  # newer versions of scikit-learn see to that themselves
                raise ValueError("Sample weights must contain at least one non-zero number.")
        return Given(dense(X), y, weights)

    def _split(
        self, given: Given, stream: np.random.RandomState, *, wanted: bool
    ) -> tuple[Array, Array | None]:
        """(rows to train on, rows to validate on or None)."""
        if not self.early_stopping or not wanted or self.solver == "lbfgs":
            return np.arange(len(given.X)), None
        return split_rows(len(given.X), self.validation_fraction, stream, self._strata(given.y))

    def _held_out(self, X: Any, y: Any, sample_weight: Any) -> Data:
        """The user's own validation data."""
        if y is None:
            raise ValueError("X_val needs y_val, its labels or targets")
        given = self._given(X, y, sample_weight, first=False, incremental=True)
        if len(given.X) < 2:
            raise ValueError("X_val has 1 row; it must have 2 or more")
        network = self.network_
        features, targets = network.checked_features(given.X), self._targets(given.y, network.dtype)
        return Data.whole(features, targets, given.weights)

    def _weights(self, given: Given) -> Array | None:
        """How much each row counts in training."""
        factors = [w for w in (given.weights, self._class_weights(given.y)) if w is not None]
        return np.prod(factors, axis=0).astype(self.network_.dtype) if factors else None

    def _go_on(self, sizes: tuple[int, ...]) -> None:
        """Keep the network of the fit before; ValueError where the layers asked for are others."""
        network = self.network_
        if network.sizes != sizes:
            raise ValueError(
                f"the layers are {sizes} wide now, but were {network.sizes} in the fit before; warm_start "
                "and partial_fit need the same"
            )
        network.activations = inputs.hidden_activations(self.activation, len(sizes) - 2)
        network.backend = backends.get(self.backend)[0]

    def _input_dtype(self, first: bool) -> Any:
        """What X is converted to: a new network takes the type of X, an old one keeps its own."""
        if first:
            return np.float64, np.float32
        return "numeric" if self.network_.input_scale is not None else self.network_.dtype

    def _begin(self, parameters: tuple[list[Array], list[Array]], X: Array, rows: Array) -> None:
        """A new network, and nothing learned yet."""
        measured = None
        if self.standardize:
            measured = Standardisation.measured(X, None if len(rows) == len(X) else rows)
        self.network_ = Network(
            *parameters,
            activation=self.activation,
            input_mean=None if measured is None else measured.mean,
            input_deviation=None if measured is None else measured.deviation,
            backend=self.backend,
            **self._network_options(),
        )
        self._forget()

    def _forget(self) -> None:
        """The attributes of an estimator whose network has not been trained by it."""
        network = self.network_
        self.n_layers_, self.n_outputs_ = len(network.sizes), network.sizes[-1]
        self.out_activation_ = OUT_ACTIVATIONS.get(network.loss_name, "identity")
        self.n_iter_ = self.t_ = 0
        self._progress = Progress()
        self._carried = None
        for name in ("loss_", "best_loss_", "loss_curve_"):
            self.__dict__.pop(name, None)

    def _publish(self, *, validated: bool) -> None:
        """What was measured, under scikit-learn's names."""
        progress, by_score = self._progress, self.early_stopping
        self.loss_, self.t_ = progress.losses[-1] if progress.losses else float("nan"), progress.n_seen
        self.loss_curve_ = progress.losses
        self.best_loss_ = None if by_score else progress.best_loss
        self.validation_scores_ = progress.scores if validated else None
        self.validation_loss_curve_ = progress.validation_losses if validated else None
        self.best_validation_score_ = progress.best_score if validated else None

    # ---- predicting -------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Array:
        """What the network gives for X, (n, n_outputs); a regression of one output (n,)."""
        known = self.__dict__
        if "network_" not in known:
            check_is_fitted(self)
        network: Network = known["network_"]
        # Validation would take most of the time of a single row. These rows need none but for their values,
        # and where those are not finite it will say so.
        if "feature_names_in_" not in known and inputs.is_ready(X, network.dtype, network.sizes[0]):
            try:
                return _outputs_of(network, X)
            except InputError:
                pass
        X = validate_data(self, X, accept_sparse=SPARSE, dtype=self._input_dtype(False), reset=False)
        if not issparse(X):
            return _outputs_of(network, X)
        return np.concatenate([_outputs_of(network, block) for block in dense_blocks(X)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _outputs_of(network: Network, X: Array) -> Array:
    return network.predict(X) if network.classes is None else network.predict_proba(X)
