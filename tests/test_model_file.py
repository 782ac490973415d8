"""Model files: same bits back, same bytes twice, and one clear error for anything that is not a model."""

import json
import os
import struct

import numpy as np
import pytest

import fastnn
from fastnn import Network
from fastnn.errors import ModelFileError
from tests.checks import case, network_of


@pytest.fixture
def X(generator):
    return generator.normal(size=(50, 6)).astype(np.float32)


LABELS = {
    "ints": np.array([3, 5, 9]),
    "int8": np.array([-1, 0, 1], np.int8),
    "strings": np.array(["a", "bé", '猫,"x"']),
    "floats": np.array([0.5, 1.0, 2.0]),
}


@pytest.mark.parametrize("labels", LABELS)
def test_round_trip_to_the_same_bits(tmp_path, X, dtype, backend_name, labels):
    y = LABELS[labels][np.arange(50) % 3]
    model = fastnn.train(
        X,
        y,
        loss="cross_entropy",
        hidden=(7, 5),
        activation="tanh",
        epochs=2,
        dtype=dtype,
        backend=backend_name,
    )
    model.save(tmp_path / "model.safetensors")
    loaded = fastnn.load(tmp_path / "model.safetensors", backend=backend_name)
    assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.predict(X).dtype == y.dtype
    assert (loaded.sizes, loaded.activation, loaded.loss_name) == ((6, 7, 5, 3), "tanh", "cross_entropy")
    assert loaded.dtype == dtype
    assert loaded.score(X, y) == model.score(X, y)


def test_bool_labels_and_uint8_input(tmp_path, generator):
    images, y = generator.integers(0, 256, (30, 4, 4), dtype=np.uint8), np.arange(30) % 2 == 0
    model = fastnn.train(images, y, epochs=1, hidden=3)
    model.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m")
    assert loaded.input_scale == model.input_scale == 1 / 255
    assert loaded.predict(images).dtype == bool
    np.testing.assert_array_equal(loaded.predict_proba(images), model.predict_proba(images))


def test_regression_round_trip(tmp_path, X):
    model = fastnn.train(X, X[:, :2] * 0.3, epochs=2)
    model.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m")
    assert loaded.classes is None
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


TARGETS = {
    "cross_entropy": np.arange(50) % 3,
    "binary_cross_entropy": np.arange(100).reshape(50, 2) % 3 % 2,
    "squared_error": np.arange(50.0),
    "absolute_error": np.arange(50.0),
    "huber": np.arange(50.0),
    "poisson": np.arange(50) % 4,
}


@pytest.mark.parametrize("loss", TARGETS)
def test_every_loss_round_trip(tmp_path, X, loss, backend_name):
    y = TARGETS[loss]
    model = fastnn.train(X, y, loss=loss, huber_delta=0.25, epochs=2, hidden=3, backend=backend_name)
    model.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m", backend=backend_name)
    assert (loaded.loss_name, loaded.huber_delta, loaded.multilabel) == (loss, 0.25, model.multilabel)
    assert (loaded.classes is None) == (model.classes is None)
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()
    assert loaded.loss(X, y) == model.loss(X, y)
    assert loaded.score(X, y) == model.score(X, y)


def test_same_seed_same_bytes(tmp_path, X, backend_name):
    for name in ("one", "two"):
        fastnn.train(X, np.arange(50) % 3, epochs=3, seed=4, backend=backend_name).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_metadata_say_what_the_model_is(tmp_path, generator):
    network = network_of((6, 4, 3), np.float32, generator, activation="tanh")
    network.save(tmp_path / "m")
    header, _ = split_file(tmp_path / "m")
    description = json.loads(header["__metadata__"]["fastnn"])
    assert description == {
        "format": 2,
        "version": fastnn.__version__,
        "sizes": [6, 4, 3],
        "activations": ["tanh"],
        "huber_delta": 1.0,
        "loss": "cross_entropy",
        "dtype": "float32",
        "input_scale": None,
        "classes": {"dtype": "<i8", "labels": [0, 1, 2]},
    }


# ---- writing ----------------------------------------------------------------------------------------------


def test_saving_replaces_and_leaves_nothing_behind(tmp_path, generator):
    path = tmp_path / "m"
    path.write_text("old")
    network_of((3, 2), np.float32, generator).save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]
    assert fastnn.load(path).sizes == (3, 2)


def test_a_failed_save_keeps_the_old_file(tmp_path, generator, monkeypatch):
    path = tmp_path / "m"
    path.write_text("old")

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ModelFileError, match=r"cannot write .*: No space left on device"):
        network_of((3, 2), np.float32, generator).save(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_saving_where_there_is_no_folder(tmp_path, generator):
    with pytest.raises(ModelFileError, match=r"cannot write .*No such file"):
        network_of((3, 2), np.float32, generator).save(tmp_path / "nowhere" / "m")


@pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")
def test_a_model_has_the_mode_of_an_ordinary_file(tmp_path, generator):
    (tmp_path / "ordinary").write_text("")
    network_of((3, 2), np.float32, generator).save(tmp_path / "m")
    assert (tmp_path / "m").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


# ---- damaged and foreign files ----------------------------------------------------------------------------


def split_file(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def join_file(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.fixture
def good(tmp_path, generator):
    path = tmp_path / "good"
    network_of((6, 4, 3), np.float32, generator).save(path)
    return path


def assert_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as caught:
        fastnn.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 100, b"\x80\x04pickle", b"{}" * 50])
def test_foreign_bytes(tmp_path, content):
    assert_refused(tmp_path / "bad", content, "damaged or not a safetensors file")


def test_every_truncation_is_refused(good, tmp_path):
    raw = good.read_bytes()
    for length in [*range(0, len(raw), 37), len(raw) - 1]:
        assert_refused(tmp_path / "bad", raw[:length], "damaged or not a safetensors file")
    assert_refused(tmp_path / "bad", raw + b"x", "damaged or not a safetensors file")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ModelFileError, match="does not exist"):
        fastnn.load(tmp_path / "nothing")
    with pytest.raises(ModelFileError, match="is a folder"):
        fastnn.load(tmp_path)


def test_a_safetensors_file_of_somebody_else(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(3)}, tmp_path / "other")
    with pytest.raises(ModelFileError, match="not one written by fastnn"):
        fastnn.load(tmp_path / "other")


DAMAGES = [
    ({"sizes": [6, 4, 4]}, "description says otherwise"),
    ({"sizes": [6, 3]}, "expected|unknown tensors"),
    ({"sizes": [6, 4, 3, 2]}, "'weights.2' is missing"),
    ({"sizes": "many"}, "whole fastnn model"),
    ({"activations": ["evil"]}, "activation='evil' is unknown"),
    ({"activations": ["relu", "relu"]}, "activation has 2 names for 1 hidden layers"),
    ({"huber_delta": 0}, "huber_delta=0 must be"),
    ({"loss": "auto"}, "needs its classes|loss='auto' is unknown"),
    ({"dtype": "float64"}, "description says otherwise"),
    ({"classes": {"dtype": "<i8", "labels": [0, 1]}}, "classes has 2 labels"),
    ({"classes": {"dtype": "<i8", "labels": ["a", 1, 2]}}, "labels are not all int"),
    ({"classes": {"dtype": "O", "labels": [0, 1, 2]}}, "labels of dtype object are not allowed"),
    ({"classes": None}, "a classifier needs its classes"),
    ({"input_scale": "big"}, "input_scale='big' must be a number"),
    ({"input_scale": -1}, "input_scale=-1 must be"),
    ({"format": 99}, "format 99, written by fastnn .*upgrade"),
    ({"format": None}, "description is not readable"),
]


@pytest.mark.parametrize(("change", "message"), DAMAGES, ids=case)
def test_descriptions_that_do_not_fit(good, tmp_path, change, message):
    header, data = split_file(good)
    description = json.loads(header["__metadata__"]["fastnn"]) | change
    header["__metadata__"]["fastnn"] = json.dumps(description)
    assert_refused(tmp_path / "bad", join_file(header, data), message)


def test_format_1_had_one_activation_for_all_layers(tmp_path, generator):
    network = network_of((6, 4, 5, 3), np.float32, generator, activation="tanh")
    network.save(tmp_path / "m")
    header, data = split_file(tmp_path / "m")
    description = json.loads(header["__metadata__"]["fastnn"])
    del description["activations"], description["huber_delta"]
    header["__metadata__"]["fastnn"] = json.dumps(description | {"format": 1, "activation": "tanh"})
    (tmp_path / "old").write_bytes(join_file(header, data))
    old = fastnn.load(tmp_path / "old")
    assert old.activations == ("tanh", "tanh")
    np.testing.assert_array_equal(old.weights[1], network.weights[1])


def test_missing_entries(good, tmp_path):
    header, data = split_file(good)
    whole = json.loads(header["__metadata__"]["fastnn"])
    for name in whole:
        if name in ("version", "huber_delta"):
            continue  # only told in messages; only some models need it
        header["__metadata__"]["fastnn"] = json.dumps({k: v for k, v in whole.items() if k != name})
        assert_refused(tmp_path / "bad", join_file(header, data), "missing|not readable")
    for text in ("not json", "[]", "3"):
        header["__metadata__"]["fastnn"] = text
        assert_refused(tmp_path / "bad", join_file(header, data), "damaged|not readable")


def test_weights_that_are_not_finite(tmp_path, generator):
    network = network_of((3, 2), np.float32, generator)
    network.weights[0][1, 1] = np.nan
    network.save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="not all finite"):
        fastnn.load(tmp_path / "m")


def test_loading_with_an_unknown_backend_is_the_callers_mistake(good):
    with pytest.raises(fastnn.errors.InputError, match="backend='cuda' is unknown"):
        fastnn.load(good, backend="cuda")


def test_a_network_needs_layers_that_fit():
    with pytest.raises(fastnn.errors.InputError, match=r"layer 1 has W \(5, 2\)"):
        Network([np.zeros((3, 4)), np.zeros((5, 2))], [np.zeros(4), np.zeros(2)])


# ---- standardised models ----------------------------------------------------------------------------------


def change_tensors(path, change):
    """Write the file again with its tensors as `change` leaves them."""
    from safetensors.numpy import load_file, save_file

    header, _ = split_file(path)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata=header["__metadata__"])


@pytest.fixture
def standardised(tmp_path, generator):
    path = tmp_path / "standardised"
    X = generator.normal(5, 3, size=(40, 6))
    fastnn.train(X, np.arange(40) % 3, hidden=4, epochs=1, standardize=True).save(path)
    return path


def test_standardisation_is_two_tensors_of_float64(standardised):
    header, _ = split_file(standardised)
    for name in ("input_mean", "input_deviation"):
        assert (header[name]["dtype"], header[name]["shape"]) == ("F64", [6])


STANDARDISATION_DAMAGES = [
    (lambda tensors: tensors.pop("input_mean"), "input_mean and input_deviation go together"),
    (lambda tensors: tensors.pop("input_deviation"), "input_mean and input_deviation go together"),
    (lambda tensors: tensors.update(input_mean=np.zeros(5)), r"input_mean has shape \(5,\)"),
    (lambda tensors: tensors.update(input_mean=np.full(6, np.nan)), "input_mean has shape"),
    (lambda tensors: tensors.update(input_deviation=np.zeros(6)), "input_deviation must be above 0"),
    (lambda tensors: tensors.update(input_median=np.zeros(6)), "unknown tensors input_median"),
]


@pytest.mark.parametrize(("change", "message"), STANDARDISATION_DAMAGES, ids=case)
def test_damaged_standardisation_is_refused(standardised, change, message):
    change_tensors(standardised, change)
    assert_refused(standardised, standardised.read_bytes(), message)


def test_models_without_it_are_as_before(good):
    header, _ = split_file(good)
    assert set(header) - {"__metadata__"} == {"weights.0", "weights.1", "biases.0", "biases.1"}
    assert fastnn.load(good).input_mean is None
