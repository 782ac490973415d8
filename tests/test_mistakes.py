"""train(): what a user gets wrong ends in one line that says what came and what would work."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError

GOOD_X, GOOD_Y = np.linspace(0, 1, 40).reshape(10, 4), np.arange(10) % 2

MISTAKES = [
    ({"X": np.zeros(10)}, r"X has shape \(10,\); it must be \(n_rows, n_features\)"),
    ({"X": np.zeros((0, 4)), "y": []}, "X is empty"),
    ({"X": np.zeros((10, 0))}, "X is empty"),
    ({"X": [[1, 2], [3]]}, "X is not a table of numbers"),
    ({"X": [["a", "b"]] * 10}, "X has dtype <U1"),
    ({"X": [[None, 1]] * 10}, "X holds nan at row 0, column 0"),
    ({"X": np.full((10, 4), np.nan)}, "X holds nan at row 0, column 0"),
    ({"X": np.where(np.arange(40).reshape(10, 4) == 13, np.inf, 0)}, "X holds inf at row 3, column 1"),
    ({"X": np.full((10, 4), 1e300)}, "X as float32 holds inf"),
    ({"X": GOOD_X.astype(complex)}, "X has dtype complex128"),
    ({"y": GOOD_Y[:9]}, "y has 9 rows but X has 10"),
    ({"y": []}, "y is empty"),
    ({"y": np.zeros(10, int)}, r"y has one class only \(0\)"),
    ({"y": ["a"] * 10}, r"y has one class only \('a'\)"),
    ({"y": [0.5, np.nan] * 5}, "y holds nan at row 1"),
    ({"y": [1, "a"] * 5}, None),
    ({"y": np.array([1, "a", None] * 3 + [1], object)}, "y mixes values of type NoneType, int, str"),
    ({"y": np.zeros((10, 2, 2))}, r"y has shape \(10, 2, 2\)"),
    ({"y": np.full((10, 2), 2)}, "not one-hot"),
    ({"sample_weight": np.ones(9)}, r"sample_weight has shape \(9,\); it must be \(10,\)"),
    ({"class_weight": {2: 1.0}}, "class_weight names the label 2, but y has 0, 1"),
    ({"loss": "poisson", "y": -np.ones(10)}, r"y holds -1\.0; poisson needs counts, 0 or more"),
    ({"loss": "binary_cross_entropy", "y": np.arange(10)}, "y holds 2; binary_cross_entropy needs 0 or 1"),
    ({"loss": "huber", "huber_delta": 0, "y": np.arange(10)}, "huber_delta=0 must be a finite number"),
    ({"y": np.full(10, 1j)}, "y has dtype complex128"),
    ({"y": ["a", "b"] * 5, "loss": "squared_error"}, "y holds strings"),
    ({"loss": "hinge"}, "loss='hinge' is unknown; use 'auto', 'cross_entropy'"),
    ({"activation": "swish"}, "activation='swish' is unknown; use 'relu', 'leaky_relu', 'elu'"),
    ({"activation": None}, "activation=None is unknown"),
    ({"hidden": 0}, "hidden=0 must be a whole number, 1 or more"),
    ({"hidden": (5, -1)}, "hidden=-1 must be a whole number"),
    ({"hidden": 2.5}, "hidden=2.5 must be the widths"),
    ({"hidden": "128"}, "hidden='128' must be the widths"),
    ({"epochs": 0}, "epochs=0 must be a whole number, 1 or more"),
    ({"epochs": 1.5}, "epochs=1.5 must be a whole number"),
    ({"epochs": True}, "epochs=True must be a whole number"),
    ({"batch_size": 0}, "batch_size=0 must be a whole number"),
    ({"batch_size": "large"}, "batch_size='large' must be a whole number, None or 'full'"),
    ({"learning_rate": 0}, "learning_rate=0 must be a finite number above 0"),
    ({"learning_rate": float("nan")}, "learning_rate=nan must be a finite number above 0"),
    ({"learning_rate": "fast"}, "learning_rate='fast' must be a number above 0, or 'auto'"),
    ({"learning_rate": None}, "learning_rate=None must be a number above 0"),
    ({"validation": 1.5}, "validation=1.5 must be a fraction"),
    ({"validation": -0.5}, "validation=-0.5 must be a finite number above 0"),
    ({"validation": "some"}, "validation='some' must be a number"),
    ({"validation": (GOOD_X,)}, "validation has 1 parts"),
    ({"validation": (GOOD_X[:, :3], GOOD_Y)}, "validation X has 3 features"),
    ({"validation": (GOOD_X, GOOD_Y[:4])}, "validation y has 4 rows"),
    ({"validation": (GOOD_X, GOOD_Y + 1)}, "validation y holds the label 2, which the model does not know"),
    ({"validation": (GOOD_X, ["a", "b"] * 5)}, "validation y has labels of dtype"),
    ({"early_stopping": 3}, "early_stopping=3 needs validation data"),
    ({"early_stopping": 0, "validation": 0.5}, "early_stopping=0 must be a whole number"),
    ({"early_stopping": 3, "validation": 0.5, "monitor": "f1"}, "monitor='f1' is unknown"),
    ({"validation": 0.5, "monitor": "validation_f1"}, "monitor='validation_f1' is not measured"),
    ({"monitor": "validation_loss"}, "monitor='validation_loss' needs validation data"),
    ({"early_stopping": 3, "monitor": "validation_loss"}, "monitor='validation_loss' needs validation data"),
    ({"min_improvement": -1}, "min_improvement=-1 must be a finite number, 0 or more"),
    ({"min_improvement": "small"}, "min_improvement='small' must be a number, 0 or more"),
    ({"metrics": "f1"}, r"metrics=\('f1',\) need validation data"),
    ({"validation": (GOOD_X, GOOD_Y, np.ones(3))}, r"validation weights has shape \(3,\)"),
    ({"validation": (GOOD_X, GOOD_Y, None, 1)}, "validation has 4 parts"),
    (
        {
            "early_stopping": 3,
            "validation": 0.5,
            "monitor": "validation_accuracy",
            "y": np.linspace(0, 1, 10),
        },
        "needs a classifier",
    ),
    ({"backend": "cuda"}, "backend='cuda' is unknown; use 'auto', 'numba' or 'numpy'"),
    ({"threads": 0, "backend": "numba"}, "threads=0 must be a whole number"),
    ({"threads": 10**6, "backend": "numba"}, "threads=1000000 is too many; use 256 at most"),
    ({"dtype": "float16"}, "dtype='float16' must be 'float32' or 'float64'"),
    ({"dtype": "nonsense"}, "dtype='nonsense' must be"),
    ({"seed": -1}, "seed=-1 must be a whole number, 0 or more"),
    ({"seed": "lucky"}, "seed='lucky' must be a whole number"),
    ({"verbose": -2}, "verbose=-2 must be a whole number"),
    ({"callbacks": 3}, "callbacks=3 must be a list"),
    ({"callbacks": [print]}, "is not a fastnn.callbacks.Callback"),
]


@pytest.mark.parametrize(
    ("wrong", "message"), MISTAKES, ids=lambda v: ",".join(v) if isinstance(v, dict) else ""
)
def test_mistakes_get_one_clear_line(wrong, message):
    arguments = {"X": GOOD_X, "y": GOOD_Y, "epochs": 1} | wrong
    X, y = arguments.pop("X"), arguments.pop("y")
    if message is None:  # numpy itself turns [1, "a"] into strings, which are good labels
        assert fastnn.train(X, y, **arguments).classes.dtype.kind == "U"
        return
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(X, y, **arguments)
    assert "\n" not in str(caught.value)


def test_sparse_input_is_named():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(InputError, match=r"X is a sparse matrix; pass X.toarray\(\)"):
        fastnn.train(sparse.csr_matrix(GOOD_X), GOOD_Y)


def test_backend_from_the_environment(monkeypatch):
    monkeypatch.setenv("FASTNN_BACKEND", "numpy")
    assert fastnn.train(GOOD_X, GOOD_Y, epochs=1).backend == "numpy"
    monkeypatch.setenv("FASTNN_BACKEND", "fortran")
    with pytest.raises(InputError, match="FASTNN_BACKEND='fortran' is unknown"):
        fastnn.train(GOOD_X, GOOD_Y, epochs=1)


def test_threads_with_numpy_is_not_silent():
    with pytest.warns(UserWarning, match="threads has no effect with backend='numpy'"):
        fastnn.train(GOOD_X, GOOD_Y, epochs=1, backend="numpy", threads=2)
