"""The record of a training: what was called, as text; in a file and back; and refused where it is none."""

import json
import math
import struct

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import Callback, StopAfter
from fastnn.errors import ModelFileError
from fastnn.history import History
from fastnn.optimizers import SGD, Adam
from fastnn.schedules import Cosine
from fastnn.trainer import record_of_training as record
from tests.checks import case, network_of

X = np.random.default_rng(0).normal(size=(60, 4))
Y = np.arange(60) % 3
SETTINGS = {"hidden": 5, "epochs": 3, "seed": 4, "backend": "numpy"}


class Own(Callback):
    pass


def train(**options):
    return fastnn.train(X, Y, **(SETTINGS | options))


def loaded(model, path):
    model.save(path)
    return fastnn.load(path, backend="numpy")


# ---- calls as text ----------------------------------------------------------------------------------------


def a_metric(true, predicted):
    return 0.5


TEXTS = [
    (None, "None"),
    (True, "True"),
    (0.1, "0.1"),
    (np.float32(0.5), "0.5"),
    (np.int64(3), "3"),
    (float("inf"), "float('inf')"),
    ("a'b", '"a\'b"'),
    (np.float64, "'float64'"),
    (np.dtype("float32"), "'float32'"),
    ([64, 32], "(64, 32)"),
    ((64,), "(64,)"),
    ((), "()"),
    (range(3), "range(0, 3)"),
    ({"a": 1, 2: 0.5}, "{'a': 1, 2: 0.5}"),
    (SGD(momentum=0.5), f"fastnn.optimizers.{SGD(momentum=0.5)!r}"),
    (np.zeros((60, 4), np.uint8), "<array uint8 (60, 4)>"),
    ((X, Y), "<array float64 (60, 4), array int64 (60,)>"),
    ([0.5] * 1000, "<list of 1000>"),
    ("x" * 300, "<str>"),
    (a_metric, "<function a_metric>"),
    (["f1", a_metric], "<'f1', function a_metric>"),
    ([Own(), StopAfter(3)], "<Own, StopAfter>"),
    (np.random.default_rng(0), "<Generator>"),
    ({"a": a_metric}, "<dict of 1>"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=case)
def test_values_as_python(value, text):
    assert record.as_python(value) == text


@pytest.mark.parametrize(("value", "text"), [pair for pair in TEXTS if not pair[1].startswith("<")])
def test_what_is_no_description_is_python(value, text):
    again = eval(text, {"fastnn": fastnn})
    if value is np.float64 or isinstance(value, np.dtype):
        assert np.dtype(again) == np.dtype(value)
    else:
        assert again == (tuple(value) if isinstance(value, list) else value)


def test_only_what_differs_from_the_defaults_is_told():
    assert fastnn.train(X, Y, backend="numpy").history.origin.arguments == {"backend": "'numpy'"}
    options = {"activation": "relu", "callbacks": [], "metrics": [], "threads": None, "verbose": 0}
    assert train(**options).history.origin.arguments == {
        "hidden": "5",
        "epochs": "3",
        "seed": "4",
        "backend": "'numpy'",
    }
    assert train(hidden=[]).history.origin.arguments["hidden"] == "()"


def test_numba_is_what_auto_means_and_threads_decide_nothing():
    pytest.importorskip("numba")
    origin = train(backend="numba", threads=2).history.origin
    assert origin.arguments.keys() == {"hidden", "epochs", "seed"}
    assert origin.versions.keys() == {"fastnn", "Python", "NumPy", "Numba"}


def test_the_call_repeats_the_training():
    options = {
        "optimizer": Adam(beta_1=0.8),
        "schedule": Cosine(),
        "class_weight": {0: 2.0},
        "dtype": np.float64,
    }
    model = train(**options)
    assert model.history.origin.whole
    again = eval(model.history.origin.call, {"fastnn": fastnn, "X": X, "y": Y})
    for W, V in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(W, V)
    assert again.history.origin == model.history.origin
    described = train(sample_weight=np.ones(60)).history.origin
    assert not described.whole


def test_data_are_told_by_their_digests():
    data = train().history.origin.data
    assert (data["rows"], data["features"], data["dtype"]) == (60, 4, "float64")
    assert train(epochs=1).history.origin.data == data
    other = X.copy()
    other[7, 2] += 1
    changed = fastnn.train(other, Y, **SETTINGS).history.origin.data
    assert changed["X"] != data["X"]
    assert changed["y"] == data["y"]
    assert record.data_digests(X, Y) == {"X": data["X"], "y": data["y"]}


def test_parts_of_train_many_are_told():
    models = fastnn.train_many(
        X, Y, [{"rows": np.arange(40), "seed": 1}, {"seed": 2}], epochs=1, backend="numpy"
    )
    first, second = (model.history.origin for model in models)
    assert (first.data["rows"], first.data["part"]) == (40, "40 of 60 rows")
    assert "part" not in second.data
    assert second.call == "fastnn.train(X, y, epochs=1, seed=2, backend='numpy')"


def test_another_pass_is_no_longer_that_training():
    model = train()
    model.partial_train(X, Y)
    assert model.history.origin is None
    assert model.history.n_epochs == 1


# ---- in a file and back -----------------------------------------------------------------------------------


def test_a_loaded_model_has_the_history_without_its_times(tmp_path):
    model = train(validation=0.3, early_stopping=1, epochs=20, metrics=["f1"], learning_rate=3.0)
    again = loaded(model, tmp_path / "m").history
    assert dict(again) == {name: column for name, column in model.history.items() if name != "seconds"}
    for name in ("settings", "stop_reason", "best_epoch", "origin", "epochs", "n_epochs"):
        assert getattr(again, name) == getattr(model.history, name), name
    assert again.best_epoch is not None


def test_saving_again_gives_the_same_bytes(tmp_path):
    loaded(train(class_weight="balanced"), tmp_path / "one").save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_neither_threads_nor_time_change_the_file(tmp_path):
    pytest.importorskip("numba")
    for name, threads in (("one", 1), ("two", 2)):
        train(backend="numba", threads=threads, verbose=0).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert b"seconds" not in (tmp_path / "one").read_bytes()


def test_a_checkpoint_has_all_of_the_history(tmp_path):
    model = train(checkpoint=tmp_path / "run", validation=0.3, early_stopping=5)
    again = fastnn.load(tmp_path / "run", backend="numpy").history
    assert dict(again) == dict(model.history)
    assert again.origin == model.history.origin
    assert again.settings == model.history.settings
    assert again.best_epoch == model.history.best_epoch
    assert "checkpoint" not in again.origin.arguments


def test_models_made_by_hand_have_no_record(tmp_path, generator):
    network = network_of((4, 3), np.float32, generator)
    assert record.to_json(network.history) is None
    history = loaded(network, tmp_path / "m").history
    assert (len(history), history.settings, history.origin, history.epochs) == (0, {}, None, [])


def long_history(n_epochs, best_epoch=None):
    history = History({"epochs": n_epochs})
    for epoch in range(1, n_epochs + 1):
        history.record(loss=1 / epoch, accuracy=0.5, seconds=0.1)
    history.best_epoch = best_epoch
    return history


def test_long_histories_are_bounded_and_keep_the_epochs_that_count(monkeypatch):
    monkeypatch.setattr(record, "MOST_VALUES", 300)
    history = long_history(5000, best_epoch=1234)
    stored = json.loads(json.dumps(record.to_json(history)))
    assert len(stored["columns"]["loss"]) <= 100
    again = record.from_json(stored)
    assert {1, 1234, 5000} <= set(again.epochs)
    assert max(np.diff(again.epochs)) < 60
    assert again["loss"] == [1 / epoch for epoch in again.epochs]
    assert record.to_json(again) == stored
    assert record.to_json(long_history(100))["epochs"] is None


def test_numbers_that_are_not_finite_come_back():
    history = History()
    history.record(loss=math.inf, penalty=-math.inf)
    history.record(loss=math.nan, penalty=1e-300)
    text = json.dumps(record.to_json(history), allow_nan=False)
    again = record.from_json(json.loads(text))
    assert again["loss"][0] == math.inf
    assert math.isnan(again["loss"][1])
    assert again["penalty"] == [-math.inf, 1e-300]


# ---- hostile records --------------------------------------------------------------------------------------

HOSTILE = [
    ("training", [], "training is .*, not a dict"),
    ("training", "x", "training is 'x', not a dict"),
    ("settings", [1], "settings is .*, not a dict"),
    ("settings", {"backend": [1]}, "setting 'backend' is .* no number or text"),
    ("stop_reason", 3, "stop_reason is 3, not a str"),
    ("best_epoch", 0, "best_epoch is 0 instead of the number of an epoch"),
    ("best_epoch", True, "best_epoch is True instead"),
    ("best_epoch", 1.0, "best_epoch is 1.0 instead"),
    ("columns", [[1.0]], "columns is .*, not a dict"),
    ("columns", {"loss": 3}, "loss is 3, not a list"),
    ("columns", {"loss": [None]}, "has None in 'loss', which is no number"),
    ("columns", {"loss": ["1e5"]}, "has '1e5' in 'loss'"),
    ("columns", {"loss": [True]}, "has True in 'loss'"),
    ("columns", {"loss": [10**400]}, "int too large"),
    ("columns", {"loss": [1.0], "accuracy": []}, "differ in length"),
    ("epochs", [1, 2], "do not fit the columns"),
    ("epochs", [3, 2, 1], "do not fit the columns"),
    ("epochs", [1, 2, "3"], "epochs is '3' instead"),
    ("epochs", "123", "epochs is '123', not a list"),
    ("command", "rm -rf", "command is 'rm -rf', not a list"),
    ("command", [1], "command is 1, not a str"),
    ("arguments", ["hidden"], "arguments is .*, not a dict"),
    ("arguments", {"hidden": 3}, "arguments has 3 for 'hidden'"),
    ("data", {"rows": 1.5}, "data has 1.5 for 'rows'"),
    ("data", {"rows": {"a": 1}}, "data has .* for 'rows'"),
    ("versions", {"fastnn": None}, "versions has None for 'fastnn'"),
]


def change_record(path, name, value):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    description = json.loads(header["__metadata__"]["fastnn"])
    if name == "training":
        description["training"] = value
    else:
        description["training"][name] = value
    header["__metadata__"]["fastnn"] = json.dumps(description)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])


@pytest.mark.parametrize(("name", "value", "message"), HOSTILE, ids=case)
def test_records_that_are_none_are_refused_in_one_line(tmp_path, name, value, message):
    path = tmp_path / "m"
    train().save(path)
    change_record(path, name, value)
    with pytest.raises(ModelFileError, match=message) as caught:
        fastnn.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_record_may_know_less_or_more(tmp_path):
    path = tmp_path / "m"
    train().save(path)
    change_record(path, "training", {"columns": {"loss": [1.0]}, "later": {"x": 1}})
    history = fastnn.load(path).history
    assert history["loss"] == [1.0]
    assert history.origin is None
    change_record(path, "training", None)
    assert fastnn.load(path).history.n_epochs == 0
