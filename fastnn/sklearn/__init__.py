"""scikit-learn's MLPClassifier and MLPRegressor on fastnn (optional: `pip install "fastnn[sklearn]"`).

from fastnn.sklearn import MLPClassifier, MLPRegressor

The import line is all that changes. With the same random_state they start from the same weights and see the
same batches, so they find the same coefficients, several times faster; README lists where they differ.
"""

from fastnn.errors import MissingDependencyError

try:
    import sklearn  # noqa: F401 - scikit-learn: imports are absolute
except ImportError as error:
    raise MissingDependencyError(
        f'fastnn.sklearn needs scikit-learn ({str(error).splitlines()[0]}): pip install "fastnn[sklearn]"'
    ) from None

from fastnn.sklearn.classifier import MLPClassifier
from fastnn.sklearn.regressor import MLPRegressor
from fastnn.sklearn.wrapping import from_network

__all__ = ["MLPClassifier", "MLPRegressor", "from_network"]
