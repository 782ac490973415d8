"""What may be passed as X and y: everything that holds numbers, in whatever type, order and container."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn import inputs
from fastnn.errors import InputError
from tests import odd
from tests.fuzzing import assert_one_clear_line, examples, repeatable
from tests.odd_training import SMALL, predict_or_refuse, train_or_refuse

# Whole numbers, which every type holds without rounding.
X = np.random.default_rng(5).integers(0, 9, (40, 4)).astype(np.float64)
Y = np.arange(40) % 3
F32 = np.dtype(np.float32)


def same_bits(one, other):
    return all(
        a.tobytes() == b.tobytes()
        for a, b in zip([*one.weights, *one.biases], [*other.weights, *other.biases], strict=True)
    )


# ---- what is the same -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["f2", ">f2", "f4", ">f4", "f8", ">f8", "g", "i1", "i2", ">i4", "i8", ">i8", "u4"]
)
@pytest.mark.parametrize("layout", odd.SAME_NUMBERS)
def test_every_type_and_layout_is_the_same_table(dtype, layout):
    given = odd.SAME_NUMBERS[layout](X.astype(dtype))
    found = inputs.features(given, dtype=F32)
    assert found.dtype == F32
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    assert found.flags.aligned
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize("layout", odd.SAME_NUMBERS)
def test_uint8_stays_what_it_is_in_every_layout(layout):
    found = inputs.features(odd.SAME_NUMBERS[layout](X.astype(np.uint8)), dtype=F32)
    assert found.dtype == (np.uint8 if layout not in ("list", "tuple") else F32)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize("layout", odd.SAME_NUMBERS)
def test_a_training_does_not_depend_on_the_container(layout, backend_name):
    expected = fastnn.train(X.astype(np.float32), Y, backend=backend_name, **SMALL)
    other = odd.SAME_NUMBERS[layout]
    model = fastnn.train(other(X.astype(np.float32)), other(Y.copy()), backend=backend_name, **SMALL)
    assert same_bits(model, expected)
    np.testing.assert_array_equal(model.predict(other(X.astype(np.float32))), expected.predict(X))


FRAMES = {
    "pandas": (pd.DataFrame(X), pd.Series(Y)),
    "pandas nullable": (pd.DataFrame(X).astype("Float64"), pd.Series(Y, dtype="Int64")),
    "pandas sparse": (pd.DataFrame(X).astype(pd.SparseDtype(float)), Y),
    "polars": (pl.DataFrame(X), pl.Series(Y)),
    "polars decimals": (pl.DataFrame(X).cast(pl.Decimal(10, 2)), Y),
}


@pytest.mark.parametrize("name", FRAMES)
def test_data_frames(name):
    frame, column = FRAMES[name]
    model = fastnn.train(frame, column, backend="numpy", **SMALL)
    assert same_bits(model, fastnn.train(X, Y, backend="numpy", **SMALL))
    assert model.score(frame, column) == model.score(X, Y)


NAMES = np.array(["a", "bé", "猫"])[Y]
TEXTS = {
    "pandas text": pd.Series(NAMES),
    "pandas category": pd.Series(NAMES, dtype="category"),
    "polars text": pl.Series(NAMES.tolist()),
    "polars category": pl.Series(NAMES.tolist(), dtype=pl.Categorical),
    "polars enum": pl.Series(NAMES.tolist(), dtype=pl.Enum(["猫", "bé", "a"])),
    "variable width": NAMES.astype(np.dtypes.StringDType()),
    "objects": NAMES.astype(object),
    "NumPy's own": np.array([np.str_(name) for name in NAMES], object),
}


@pytest.mark.parametrize("name", TEXTS)
def test_words_as_labels(name, tmp_path):
    model = fastnn.train(X, TEXTS[name], backend="numpy", **SMALL)
    assert model.classes.tolist() == ["a", "bé", "猫"]
    assert model.score(X, TEXTS[name]) == model.score(X, NAMES)
    model.save(tmp_path / "m")
    assert fastnn.load(tmp_path / "m").predict(X).tolist() == model.predict(X).tolist()


WIDTHS = ["i1", "u1", ">i2", "u4", ">i8", "u8", "?"]


@pytest.mark.parametrize("dtype", WIDTHS)
def test_labels_of_every_width_come_back(dtype, tmp_path):
    y = (Y % 2 if dtype == "?" else Y).astype(dtype)
    model = fastnn.train(X, y, backend="numpy", **SMALL)
    model.save(tmp_path / "m")
    answers = fastnn.load(tmp_path / "m").predict(X)
    assert answers.dtype == y.dtype
    assert set(answers.tolist()) <= set(y.tolist())


def test_a_wide_float_is_a_label_that_a_file_can_hold(tmp_path):
    model = fastnn.train(X, Y.astype(np.longdouble), loss="cross_entropy", backend="numpy", **SMALL)
    model.save(tmp_path / "m")
    assert fastnn.load(tmp_path / "m").classes.tolist() == [0.0, 1.0, 2.0]


# ---- what is refused --------------------------------------------------------------------------------------


class Fails:
    """Something like a tensor that cannot become an array just now."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first\nand more")


class FailsToShow:
    def __repr__(self):
        raise RuntimeError("no")


MASKED = np.ma.masked_array(X, mask=X > 7)
MISTAKES = [
    ({"X": Fails()}, r"X is not a table of numbers .*: call detach\(\) first$"),
    ({"y": Fails()}, "y is not an array of labels: call detach"),
    ({"sample_weight": Fails()}, "sample_weight is not an array of numbers: call detach"),
    ({"X": MASKED}, r"X has masked entries; fill them"),
    ({"y": np.ma.masked_array(Y, mask=Y > 1)}, "y has masked entries"),
    ({"X": [[10**400, 1]] * 40}, "X is not all numbers: int too large"),
    ({"X": np.array([[1j, 2]] * 40, object)}, "X is not all numbers"),
    ({"X": pd.DataFrame(X).astype("Float64").mask(X > 7)}, "X is not all numbers|X holds nan"),
    ({"X": pl.DataFrame({"a": [1, None] * 20})}, "X holds nan at row 1, column 0"),
    ({"X": pl.DataFrame(X).lazy()}, "X is not all numbers|X has shape"),
    ({"X": np.where(X > 7, np.nan, X), "standardize": True}, r"X holds nan at row \d+, column \d"),
    ({"X": X * 1e20}, r"X has values up to 8e\+20, and 1e\+16 is the most .* float32 .*divide"),
    ({"X": X * 1e150, "dtype": "float64"}, r"X has values up to 8e\+150, and 1e\+140"),
    ({"y": X[:, 0] * 1e30, "loss": "huber"}, r"y has values up to 8e\+30"),
    ({"y": [2**70, 2**71] * 20}, "y holds numbers too large for 64 bits"),
    ({"y": [10**400, 0.5] * 20}, "y holds numbers too large for 64 bits"),
    ({"y": np.array([b"a", b"b"] * 20)}, r"y has dtype \|S1; .*for bytes pass y.astype\(str\)"),
    ({"y": np.array([1j, 2] * 20, object)}, "y mixes values of type complex, int"),
    ({"y": pd.Series([1, None] * 20, dtype="Int64")}, "y holds nan at row 1|y mixes values of type NAType"),
    ({"y": np.zeros(40, "m8[s]")}, "y has dtype timedelta64"),
    ({"learning_rate": 10**400}, "learning_rate=10+… must be a finite number"),
    ({"learning_rate": np.complex64(1)}, "learning_rate=.* must be a number above 0"),
    ({"learning_rate": np.timedelta64(1)}, "learning_rate=.* must be a number above 0"),
    ({"learning_rate": np.ones((30, 30))}, r"learning_rate=array\(\[\[1., .*… must be a number"),
    ({"dropout": np.complex128(0.5)}, "dropout=.* must be a number from 0 to below 1"),
    ({"epochs": -(10**5000)}, "epochs=<int> must be a whole number, 1 or more"),
    ({"epochs": 10**30}, r"epochs=10+ must be a whole number, 9.22e\+18 at most"),
    ({"epochs": FailsToShow()}, "epochs=<FailsToShow> must be a whole number"),
    (
        {"hidden": 10**12},
        r"hidden=\(1000000000000,\) with 4 features and 3 outputs makes .* take fewer units",
    ),
    ({"hidden": 10**30}, "hidden=10+ must be a whole number, .* at most"),
    ({"hidden": (10**5, 10**7)}, "which need .* GiB in training, and this machine has"),
    ({"hidden": range(1, 10**9)}, r"hidden=range\(1, 1000000000\) has more than 1000 layers"),
    ({"hidden": np.ones((30, 30))}, "hidden=array.* must be a whole number"),
    ({"loss": pd.DataFrame(X)}, "loss=.* is unknown; use 'auto'"),
    ({"optimizer": pd.Series([1])}, "optimizer=.* is unknown; use 'sgd'"),
    ({"backend": X}, "backend is of type ndarray; use 'auto'"),
    ({"standardize": "no"}, "standardize='no' must be True or False"),
    ({"dtype": None}, "dtype=None must be 'float32' or 'float64'"),
    ({"dtype": "{"}, "dtype='{' must be"),
    ({"seed": 10**1000}, "seed=10+… must be a whole number, .* at most"),
    ({"initial": X}, "initial=array.* must be a model"),
    ({"checkpoint": "a\0b"}, "checkpoint='a.x00b' has a null character"),
    (
        {"optimizer": "lbfgs", "batch_size": np.ones((2, 2))},
        "batch_size=.* does not go with optimizer='lbfgs'",
    ),
]


@pytest.mark.parametrize(
    ("wrong", "message"), MISTAKES, ids=[f"{', '.join(wrong)}-{message[:30]}" for wrong, message in MISTAKES]
)
def test_mistakes_get_one_clear_line(wrong, message):
    arguments = {"X": X, "y": Y, **SMALL, "backend": "numpy"} | wrong
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(arguments.pop("X"), arguments.pop("y"), **arguments)
    assert_one_clear_line(caught.value)


def test_weights_that_are_not_finite_are_noticed_before_and_after(backend_name):
    broken = fastnn.train(X.astype(np.uint8), Y, backend=backend_name, **SMALL)
    broken.weights[0][0, 0] = np.nan
    with pytest.raises(InputError, match="initial has weights that are not finite"):
        fastnn.train(X, Y, initial=broken)
    with pytest.raises(InputError, match="the model has weights that are not finite"):
        broken.partial_train(X.astype(np.uint8), Y)
    with pytest.raises(InputError, match="outputs for X are not finite"):
        broken.predict_proba(X.astype(np.uint8) + 1)


def test_classes_of_a_model_made_by_hand_may_have_any_order():
    network = fastnn.Network([np.eye(2)], [np.zeros(2)], classes=["z", "a"])
    assert network.score([[1.0, 0.0], [0.0, 1.0]], ["z", "a"]) == 1


# ---- anything at all --------------------------------------------------------------------------------------


def test_anything_trains_or_is_refused():
    outcomes = Counter()

    @examples(200)
    @given(case=st.data())
    def each(case):
        table = case.draw(odd.tables())
        y, options = case.draw(odd.labels(table)), case.draw(odd.settings())
        with repeatable():
            outcomes[train_or_refuse(table, y, options, "numpy")] += 1

    each()
    assert outcomes["trained"] > 20
    assert outcomes["InputError"] > 50


MODEL = fastnn.train(X, Y, backend="numpy", **SMALL)


@examples(100)
@given(table=odd.tables(n_columns=4))
def test_anything_is_predicted_or_refused(table):
    with repeatable():
        predict_or_refuse(MODEL, table)
