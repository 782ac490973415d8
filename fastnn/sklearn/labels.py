"""What y of a classifier holds, and its way into a network and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels

from fastnn.backends import Array


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels that were there when training began.

    classes   (n_classes,); of several labels a row, the numbers of the labels
    kind      "binary": one output, the probability of classes[1]; "multiclass": one for each class, which
              sum to 1; "multilabel": one for each label
    sparse    whether y is a sparse matrix, and predictions shall be
    """

    classes: Array
    kind: str
    sparse: bool = False

    @classmethod
    def of(cls, y: Any) -> Labels:
        """Labels as scikit-learn finds them in y; ValueError for what is none."""
        binarizer = LabelBinarizer().fit(y)
        kind = "multilabel" if binarizer.y_type_.startswith("multilabel") else binarizer.y_type_
        return cls(binarizer.classes_, kind, bool(binarizer.sparse_input_))

    @property
    def n_outputs(self) -> int:
        """Width of the last layer."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def loss_name(self) -> str:
        """The network's."""
        return "cross_entropy" if self.kind == "multiclass" else "binary_cross_entropy"

    @property
    def names(self) -> Array:
        """The classes without Python objects: texts as NumPy's own."""
        return np.array(self.classes.tolist()) if self.classes.dtype == object else self.classes

    def check(self, y: Any, *, all_of_them: bool) -> None:
        """ValueError for labels in y that are new, or with `all_of_them` for some that are missing."""
        if self._has_only_these(y, all_of_them=all_of_them):
            return
        found = unique_labels(y)
        if all_of_them and set(found) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes}, `y` has {found}"
            )
        if len(np.setdiff1d(found, self.classes, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. 'y' has "
                f"{found}."
            )

    def _has_only_these(self, y: Any, *, all_of_them: bool) -> bool:
        """Whether a quick look at y tells that there is nothing to complain about."""
        if self.kind == "multilabel" or y.ndim != 1 or y.dtype.kind != self.classes.dtype.kind:
            return False
        if y.dtype.kind == "O":  # what cannot be compared has messages of its own
            return False
        places = np.minimum(np.searchsorted(self.classes, y), len(self.classes) - 1)
        known = np.array_equal(self.classes[places], y)
        return known and (not all_of_them or bool(np.bincount(places, minlength=len(self.classes)).all()))

    def encoded(self, y: Any, dtype: np.dtype[Any]) -> Array:
        """y, all of known labels, as a network's targets: class indices (n,), or 0 and 1 (n, n_outputs)."""
        if self.kind == "multilabel":
            dense = y.toarray() if hasattr(y, "toarray") else y
            return np.ascontiguousarray(dense, dtype)
        indices = self.indices(y)
        return indices if self.kind == "multiclass" else indices.astype(dtype)[:, None]

    def indices(self, y: Any) -> Array:
        """Place of each row's class among `classes`, (n,)."""
        order = np.argsort(self.classes, kind="stable")
        return order[np.searchsorted(self.classes, y, sorter=order)]

    def decoded(self, probabilities: Array) -> Any:
        """Predicted labels, from what the network gives: (n,), or (n, n_labels) of 0 and 1."""
        if self.kind == "multiclass":
            return self.classes[probabilities.argmax(axis=1)]
        likely = probabilities > 0.5
        if self.kind == "binary":
            return self.classes[likely[:, 0].astype(np.intp) if len(self.classes) > 1 else likely[:, 0] * 0]
        if not self.sparse:
            return likely.astype(int)
        from scipy.sparse import csr_matrix

        return csr_matrix(likely.astype(int))

    def probabilities(self, outputs: Array) -> Array:
        """One column for each class, from what the network gives."""
        if self.kind != "binary":
            return outputs
        if len(self.classes) == 1:
            return np.ones_like(outputs)
        both = np.empty((len(outputs), 2), outputs.dtype)
        np.subtract(1, outputs[:, 0], out=both[:, 0])
        both[:, 1] = outputs[:, 0]
        return both
