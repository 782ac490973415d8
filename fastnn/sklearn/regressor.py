"""MLPRegressor."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d, validate_data

from fastnn.backends import Array
from fastnn.inputs import REGRESSION_LOSSES
from fastnn.sklearn.base import MultilayerPerceptron
from fastnn.sklearn.parameters import CONSTRAINTS, has_partial_fit, set_parameters
from fastnn.sklearn.rows import SPARSE


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """A multilayer perceptron that predicts numbers, by its squared error or another loss.

    Parameters, attributes and results are those of scikit-learn's MLPRegressor, whose documentation holds
    here too (README lists the differences). Beside them:

    Parameters
    ----------
    loss : also "absolute_error" and "huber"
    huber_delta : where the Huber loss turns from a parabola into a line
    activation : also any other activation of fastnn, or a list with one for each hidden layer
    dropout : share of the hidden units dropped in training, one number or one for each hidden layer
    standardize : learn each feature's mean and deviation in the first fit; `network_` keeps and applies them,
        and `coefs_` are those of the standardised features
    callbacks : list of `fastnn.callbacks.Callback`, called after every epoch
    backend : "auto", "numba" or "numpy"
    threads : of the Numba backend; the result does not depend on it

    Attributes
    ----------
    network_ : the `fastnn.Network`, to save, draw or export
    validation_scores_, best_validation_score_ : also with a validation set of one's own, see `fit`
    validation_loss_curve_ : loss on the validation data at each iteration, without penalty, or None

    Sparse X is made dense for training, all at once, and block by block for prediction.
    """

    loss: str
    huber_delta: float

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        huber_delta: float = 1.0,
        dropout: Any = 0.0,
        standardize: bool = False,
        callbacks: Any = None,
        backend: str = "auto",
        threads: int | None = None,
    ) -> None:
        set_parameters(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:
        """Train on X and y, anew unless `warm_start`.

        X               (n_samples, n_features), dense or sparse
        y               (n_samples,) or (n_samples, n_outputs)
        sample_weight   (n_samples,) how much each row counts
        X_val, y_val    validation data: measured after every epoch, and with `early_stopping` used instead of
                        a part of X
        sample_weight_val   their weights
        """
        validation_data = None if X_val is None else (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on X and y, from where the training is now."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Predictions for the rows of X, (n_samples,) or (n_samples, n_outputs)."""
        return self._outputs(X)

    def _checked(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=SPARSE,
            multi_output=True,
            y_numeric=True,
            dtype=self._input_dtype(first),
            reset=first,
        )
        y = y.toarray() if issparse(y) else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and np.min(y) < 0:
            raise ValueError(
                f"y holds {np.min(y):g}, but loss='poisson' is for counts and other numbers of 0 and more"
            )
        return X, y

    def _targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        return np.ascontiguousarray(y.reshape(len(y), -1), dtype)

    def _network_options(self) -> dict[str, Any]:
        return {"loss": self.loss, "huber_delta": self.huber_delta}

    def _n_outputs(self, y: Any) -> int:
        return 1 if y.ndim == 1 else y.shape[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
