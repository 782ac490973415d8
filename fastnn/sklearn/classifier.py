"""MLPClassifier."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import column_or_1d, validate_data

from fastnn.backends import Array
from fastnn.sklearn.base import MultilayerPerceptron
from fastnn.sklearn.labels import Labels
from fastnn.sklearn.parameters import CONSTRAINTS, has_partial_fit, set_parameters
from fastnn.sklearn.rows import SPARSE


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """A multilayer perceptron that tells classes apart, by its log loss.

    Parameters, attributes and results are those of scikit-learn's MLPClassifier, whose documentation holds
    here too (README lists the differences). Beside them:

    Parameters
    ----------
    activation : also any other activation of fastnn, or a list with one for each hidden layer
    dropout : share of the hidden units dropped in training, one number or one for each hidden layer
    class_weight : {class: weight} or "balanced"; multiplies sample_weight, in training only
    standardize : learn each feature's mean and deviation in the first fit; `network_` keeps and applies them,
        and `coefs_` are those of the standardised features
    callbacks : list of `fastnn.callbacks.Callback`, called after every epoch
    backend : "auto", "numba" or "numpy"
    threads : of the Numba backend; the result does not depend on it

    Attributes
    ----------
    network_ : the `fastnn.Network`, to save, draw or export. Of two classes it has one output.
    validation_scores_, best_validation_score_ : also with a validation set of one's own, see `fit`
    validation_loss_curve_ : loss on the validation data at each iteration, without penalty, or None

    Sparse X is made dense for training, all at once, and block by block for prediction.
    """

    class_weight: Any

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
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
        dropout: Any = 0.0,
        class_weight: Any = None,
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
    ) -> MLPClassifier:
        """Train on X and y, anew unless `warm_start`.

        X               (n_samples, n_features), dense or sparse
        y               (n_samples,) classes, or (n_samples, n_labels) of 0 and 1
        sample_weight   (n_samples,) how much each row counts
        X_val, y_val    validation data: measured after every epoch, and with `early_stopping` used instead of
                        a part of X
        sample_weight_val   their weights
        """
        validation_data = None if X_val is None else (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(has_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Train for one epoch on X and y, from where the training is now.

        classes   (n_classes,) all there will ever be; needed in the first call
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} does not go with partial_fit, which sees a part of the "
                "rows; pass {class: weight}"
            )
        if _check_partial_fit_first_call(self, classes):
            self._labels = Labels.of(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Any:
        """The classes of the rows of X: (n_samples,), or (n_samples, n_labels) of 0 and 1."""
        outputs = self._outputs(X)
        return self._labels.decoded(outputs)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class, (n_samples, n_classes), columns in the order of `classes_`."""
        outputs = self._outputs(X)
        return self._labels.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`; -inf where that is 0."""
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(probabilities, out=probabilities)

    def _checked(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self, X, y, accept_sparse=SPARSE, multi_output=True, dtype=self._input_dtype(first), reset=first
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "_labels") or (first and not incremental):
            self._labels = Labels.of(y)
            self.classes_ = self._labels.classes
        else:
            self._labels.check(y, all_of_them=not incremental)
        return X, y

    def _targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        return self._labels.encoded(y, dtype)

    def _network_options(self) -> dict[str, Any]:
        labels = self._labels
        classes = labels.names if labels.kind == "multiclass" else None
        return {"loss": labels.loss_name, "classes": classes}

    def _n_outputs(self, y: Any) -> int:
        return self._labels.n_outputs

    def _class_weights(self, y: Any) -> Array | None:
        if self.class_weight is None:
            return None
        if self._labels.kind == "multilabel":
            return compute_sample_weight(self.class_weight, y)
        by_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return by_class[self._labels.indices(y)]

    def _strata(self, y: Any) -> Array | None:
        return None if self._labels.kind == "multilabel" else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
