"""Checkpoints that cannot be used: damaged, foreign, of another training; and arguments that cannot work."""

import json
import os
import pickle
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import fastnn
from fastnn import model_file
from fastnn.errors import CheckpointError, InputError, ModelFileError
from tests.resuming import SETTINGS, WEIGHTS, X, Y, assert_same, train


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.fastnn"


# ---- files that cannot be used ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a good checkpoint with everything in it, and the settings of its training."""
    path = tmp_path_factory.mktemp("checkpoint") / "whole"
    settings = {"optimizer": "adam", "validation": 0.3, "early_stopping": 3, "epochs": 2}
    train(path, **settings)
    return path.read_bytes(), settings


def assert_refused(path, content, settings, message="damaged"):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        train(path, resume=True, **settings)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_every_damage_is_noticed(whole, path):
    content, settings = whole
    for length in range(0, len(content), 211):
        assert_refused(path, content[:length], settings)
    assert_refused(path, content + b"x", settings)
    for position in [*range(0, 400, 7), *range(400, len(content), 97)]:
        changed = bytearray(content)
        changed[position] ^= 1 << (position % 8)
        path.write_bytes(changed)
        with pytest.raises(ModelFileError) as caught:
            fastnn.load(path)
        assert "\n" not in str(caught.value)
        assert_refused(path, bytes(changed), settings, message="cannot|damaged|whole|not")


def test_every_byte_of_the_header_matters(whole, path):
    content, _ = whole
    (length,) = struct.unpack("<Q", content[:8])
    for position in range(8, 8 + length, 5):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(CheckpointError):
            fastnn.trainer.checkpoint.read(path)


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def test_foreign_files(path, whole, tmp_path):
    _, settings = whole
    for content in (b"", b"PK\x03\x04", pickle.dumps(Bomb()), b"{}" * 50, b"\xff" * 100):
        assert_refused(path, content, settings, "damaged or not a safetensors file")
    save_file({"x": np.zeros(3)}, path)
    assert_refused(path, path.read_bytes(), settings, "not one written by fastnn")
    train().save(path)
    assert_refused(path, path.read_bytes(), settings, "is not a checkpoint; it may be a model")


def rewrite(path, content, change):
    """A checkpoint with other values, whose checksum is right again: what somebody may do on purpose."""
    path.write_bytes(content)
    arrays = load_file(path)
    (length,) = struct.unpack("<Q", content[:8])
    description = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["fastnn"])
    change(description["checkpoint"], arrays)
    text = json.dumps(description)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(arrays, path, {"fastnn": text, "digest": model_file.digest(text, arrays)})
    return path.read_bytes()


def put(*keys, value):
    def change(values, arrays):
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


def array(name, value):
    def change(values, arrays):
        arrays[name] = value

    return change


def drop(name):
    return lambda values, arrays: arrays.pop(name)


TAMPERINGS = {
    "future format": (put("format", value=99), "format 99.*upgrade"),
    "no format": (put("format", value=None), "is not a checkpoint"),
    "no training": (put("training", value=None), "not a whole checkpoint"),
    "negative epoch": (put("training", "epoch", value=-1), "epoch=-1"),
    "other epoch": (put("training", "epoch", value=1), "an array is float64"),
    "text for an epoch": (put("training", "epoch", value="two"), "epoch='two'"),
    "random": (put("training", "random", value={}), "random state has not the parts"),
    "random kind": (
        put("training", "random", "bit_generator", value="os.system"),
        "random bit_generator is of",
    ),
    "random number": (put("training", "random", "state", "state", value=-1), "out of range"),
    "first random": (put("first_random", value=None), "seed is other"),
    "rate": (put("training", "learning_rate", value=float("nan")), "learning_rate=nan"),
    "columns": (put("training", "columns", value=["loss", "__class__"]), "'history.__class__' is missing"),
    "no settings": (put("settings", value=None), "not a whole checkpoint"),
    "callbacks": (put("callbacks", value=[{"name": "EarlyStopping"}]), "'values' is missing"),
    "callback without its state": (put("callbacks", 0, "values", value={}), "'best' is missing"),
    "no weights": (drop("weights.0"), "'weights.0' is missing"),
    "weights of another shape": (array("weights.0", np.zeros((1, 1), np.float32)), "instead of float32"),
    "weights of another type": (array("weights.0", np.zeros((5, 6))), "weights.0 is float64"),
    "no slot": (drop("training.run.mean.weights.1"), "'run.mean.weights.1' is missing"),
    "slot": (array("training.run.mean.weights.1", np.zeros((1, 1), np.float32)), "an array is float32"),
    "step": (array("training.run.step", np.array([1, 2])), "an array is int64"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_values_that_do_not_fit(path, whole, name):
    content, settings = whole
    change, message = TAMPERINGS[name]
    assert_refused(path, rewrite(path, content, change), settings, message)


@pytest.mark.parametrize(
    ("kind", "keys", "value"),
    [("MT19937", ("state", "pos"), 10**6), ("Philox", ("buffer_pos",), 100), ("Philox", ("buffer",), [1])],
)
def test_random_states_that_numpy_itself_would_believe(path, kind, keys, value):
    settings = {"seed": np.random.Generator(getattr(np.random, kind)(1)), "epochs": 1}
    train(path, **settings)
    content = rewrite(path, path.read_bytes(), put("training", "random", *keys, value=value))
    settings["seed"] = np.random.Generator(getattr(np.random, kind)(1))
    assert_refused(path, content, settings, "random")
    content = rewrite(path, content, put("first_random", *keys, value=value))
    assert_refused(path, content, {"seed": None, "epochs": 1}, "random")


# ---- trainings that are others ----------------------------------------------------------------------------

MISMATCHES = [
    ({"hidden": (6, 5)}, r"layers was \[5, 6, 4, 4\] and is \[5, 6, 5, 4\]"),
    ({"activation": "tanh"}, r"activation was \['relu', 'relu'\] and is \['tanh', 'tanh'\]"),
    (
        {"loss": "binary_cross_entropy", "y": np.eye(4, dtype=int)[Y]},
        "loss was cross_entropy and is binary_cross_entropy",
    ),
    ({"dtype": "float64"}, "dtype was float32 and is float64; .*X is other"),
    ({"optimizer": "momentum"}, r"optimizer was Adam\(beta_1=0.9, .*\) and is SGD\(momentum=0.9, "),
    ({"l2": 0.1}, "l2 was 0.0 and is 0.1"),
    ({"dropout": 0.5}, "dropout was"),
    ({"clip_norm": 1}, "clip_norm was None and is 1.0"),
    ({"batch_size": 9}, "batch_size was 8 and is 9"),
    ({"learning_rate": 0.125}, "learning_rate was .* and is 0.125"),
    ({"schedule": "cosine"}, r"schedule was Constant\(\) and is Cosine"),
    ({"monitor": "accuracy"}, "monitor was loss and is accuracy"),
    ({"validation": 0.5}, "measured was .*rows was 90 and is"),
    ({"X": X[:80], "y": Y[:80]}, "rows was 90 and is 80; X is other; y is other"),
    ({"X": X + np.eye(90, 5) * 1e-6}, "another: X is other; train as before"),
    ({"y": np.roll(Y, 1)}, "another: y is other; train as before"),
    ({"y": Y + 1}, "another: classes is other; train as before"),
    ({"sample_weight": WEIGHTS}, "another: sample_weight is other; train"),
    ({"standardize": True}, "another: standardize was False and is True; X is other"),
    (
        {"initial": fastnn.train(X, Y, hidden=(6, 4), epochs=1, seed=1, backend="numpy")},
        "another: initial is other; train",
    ),
    ({"seed": 4}, "another: seed was 3 and is 4; train"),
    ({"seed": np.random.default_rng(4)}, "another: seed was 3 and is a generator; train"),
]


@pytest.mark.parametrize(
    ("change", "message"), MISMATCHES, ids=lambda v: ",".join(v) if isinstance(v, dict) else ""
)
def test_a_training_that_differs_is_refused_by_name(path, change, message):
    train(path, epochs=1)
    content = path.read_bytes()
    with pytest.raises(CheckpointError, match=message) as caught:
        train(path, resume=True, **change)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_another_generator(path):
    train(path, seed=np.random.default_rng(1), epochs=1)
    with pytest.raises(CheckpointError, match="another: seed is other; train"):
        train(path, seed=np.random.default_rng(2), resume=True)
    with pytest.raises(CheckpointError, match="another: seed was a generator and is 2; train"):
        train(path, seed=2, resume=True)
    assert_same(train(path, seed=1, resume=True), train(path, seed=None, resume=True))


def test_other_validation_data(path):
    train(path, epochs=1, validation=(X[:9], Y[:9]))
    with pytest.raises(CheckpointError, match="another: validation is other; train"):
        train(path, resume=True, validation=(X[:9], Y[1:10]))


def test_of_large_data_a_part_is_looked_at(path):
    large = np.random.default_rng(0).normal(size=(60_000, 40)).astype(np.float32)
    labels = np.arange(60_000) % 2
    settings = {"hidden": (), "epochs": 1, "batch_size": 5000, "backend": "numpy"}
    train(path, X=large, y=labels, **settings)
    train(path, X=large, y=labels, resume=True, **settings)
    with pytest.raises(CheckpointError, match="X is other"):
        train(path, X=large[::-1].copy(), y=labels, resume=True, **settings)


# ---- arguments --------------------------------------------------------------------------------------------

MISTAKES = [
    ({"checkpoint": 3}, "checkpoint=3 must be the name of a file"),
    ({"checkpoint": "."}, r"checkpoint='\.' cannot be written: it is a folder"),
    ({"checkpoint": "nowhere/run"}, "checkpoint='nowhere/run' cannot be written: No such file or directory"),
    ({"checkpoint": os.devnull}, "cannot be written: it is not an ordinary file"),
    ({"checkpoint": "run", "checkpoint_every": 0}, "checkpoint_every=0 must be a whole number"),
    ({"checkpoint_every": 5}, "checkpoint_every=5 needs checkpoint="),
    ({"resume": True}, "resume=True needs checkpoint="),
    ({"checkpoint": "run", "resume": "yes"}, "resume='yes' must be True or False"),
]


@pytest.mark.parametrize(("wrong", "message"), MISTAKES, ids=str)
def test_mistakes_are_told_before_training(wrong, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        fastnn.train(X, Y, **(SETTINGS | wrong))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b""])
def test_a_file_that_is_no_checkpoint_is_not_replaced(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="no whole checkpoint, and is not replaced"):
        train(path)
    assert path.read_bytes() == content


def test_a_generator_that_cannot_be_kept(path):
    class Own(np.random.PCG64):
        pass

    with pytest.raises(InputError, match="Own is none of NumPy's bit generators"):
        train(path, seed=np.random.Generator(Own(1)))


def test_reading_a_checkpoint_needs_one(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        fastnn.trainer.checkpoint.read(tmp_path / "nothing")


def test_a_schedule_that_stretches_over_all_epochs_needs_as_many(tmp_path):
    settings = {"schedule": "cosine", "checkpoint": tmp_path / "run", "seed": 0, "resume": True}
    fastnn.train(X, Y, epochs=3, **settings)
    with pytest.raises(CheckpointError, match="epochs was 3 and is 5"):
        fastnn.train(X, Y, epochs=5, **settings)
    settings |= {"schedule": "step", "checkpoint": tmp_path / "other"}
    fastnn.train(X, Y, epochs=3, **settings)
    assert fastnn.train(X, Y, epochs=5, **settings).history.n_epochs == 5
