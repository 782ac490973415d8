"""to_onnx, checked by onnx.checker and run by ONNX Runtime."""

import sys

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError, MissingDependencyError, ModelFileError
from fastnn.inputs import ACTIVATIONS, CLASSIFIER_LOSSES, LOSS_NAMES

from .checks import N_ROWS, assert_near, assert_same_labels, network_of, probabilities_or_outputs, run_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed")


def exported(network, folder):
    path = folder / "model.onnx"
    network.to_onnx(path)
    onnx.checker.check_model(str(path), full_check=True)
    return path


def assert_same_answers(network, path, X):
    found = run_onnx(path, X)
    if network.classes is None:
        assert list(found) == ["outputs"]
        values = found["outputs"]
    else:
        assert list(found) == ["labels", "probabilities"]
        values = found["probabilities"]
        assert_same_labels(found["labels"], network, X)
    assert values.dtype == network.dtype
    assert values.shape == (len(X), network.sizes[-1])
    assert_near(values, probabilities_or_outputs(network, X), network.dtype)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSS_NAMES[1:])
def test_every_activation_loss_and_depth(activation, loss, generator, tmp_path):
    # Small weights keep the means of poisson where 1e-5 of them can be told in float32.
    X = generator.normal(size=(N_ROWS, 6)).astype(np.float32)
    for hidden in ((), (9,), (7, 8, 5, 6)):
        network = network_of((6, *hidden, 4), generator, activation=activation, loss=loss)
        assert_same_answers(network, exported(network, tmp_path), X)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "poisson"])
def test_float64(loss, generator, tmp_path):
    X = generator.normal(size=(N_ROWS, 6))
    for activation in ACTIVATIONS:
        options = {"dtype": "float64", "activation": activation, "loss": loss}
        network = network_of((6, 5, 4), generator, **options)
        assert_same_answers(network, exported(network, tmp_path), X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_far_out(activation, dtype, generator, tmp_path):
    network = network_of((1, 1, 1), generator, dtype=dtype, activation=activation, loss="squared_error")
    network.weights[0][...] = network.weights[1][...] = 1
    network.biases[0][...] = network.biases[1][...] = 0
    X = np.concatenate([[0.0], *[[-x, x] for x in np.geomspace(1e-8, 1e15, 200)]]).astype(dtype)[:, None]
    assert_same_answers(network, exported(network, tmp_path), X)


SCALINGS = {
    "uint8": {"input_scale": 1 / 255},
    "standardised": {"input_mean": [1, 0, -2, 4.5], "input_deviation": [1, 0.5, 2, 3]},
    "standardised uint8": {"input_scale": 1.0, "input_mean": [99.5] * 4, "input_deviation": [50, 60, 70, 40]},
    "far from 0": {"input_mean": [1e6, 0, -2, 4.5], "input_deviation": [0.25, 0.5, 2, 3]},
    "uint8 far from 0": {"input_scale": 1.0, "input_mean": [200] * 4, "input_deviation": [0.5, 60, 70, 1]},
}


@pytest.mark.parametrize("kind", SCALINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaling_is_in_the_graph(kind, dtype, generator, tmp_path):
    network = network_of((4, 5, 3), generator, dtype=dtype, **SCALINGS[kind])
    if network.standardisation is not None:
        assert network.standardisation.folds == ("far" not in kind)
    if network.input_scale is None:
        X = generator.normal(network.input_mean, network.input_deviation, (N_ROWS, 4)).astype(dtype)
    else:
        X = generator.integers(0, 256, (N_ROWS, 4), np.uint8)
    path = exported(network, tmp_path)
    assert_same_answers(network, path, X)
    (entry,) = onnx.load(path).graph.input
    element = entry.type.tensor_type.elem_type
    assert onnx.helper.tensor_dtype_to_np_dtype(element) == X.dtype


LABELS = {
    "ints": (np.array([3, -1, 12]), np.int64),
    "small ints": (np.array([3, 5, 200], np.uint8), np.int64),
    "strings": (np.array(["zwölf", "ü", "a, b"]), object),
    "bools": (np.array([False, True]), np.bool_),
    "floats": (np.array([0.5, 1.5, 2.5]), np.float64),
    "float32": (np.array([0.5, 1.5, 2.5], np.float32), np.float32),
    "float16": (np.array([0.5, 1.5, 2.5], np.float16), np.float32),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_the_callers(kind, generator, tmp_path):
    classes, dtype = LABELS[kind]
    network = network_of((4, len(classes)), generator, classes=classes)
    X = generator.normal(size=(N_ROWS, 4)).astype(np.float32)
    path = exported(network, tmp_path)
    labels = run_onnx(path, X)["labels"]
    assert labels.dtype == dtype
    assert labels.shape == (N_ROWS,)
    assert_same_labels(labels, network, X)
    assert set(labels.tolist()) == set(classes.tolist())


def test_labels_beyond_int64(generator, tmp_path):
    network = network_of((4, 2), generator, classes=np.array([1, 2**63], np.uint64))
    with pytest.raises(InputError, match="9223372036854775808 does not fit"):
        network.to_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_batch_is_symbolic(generator, tmp_path):
    path = exported(network_of((4, 3), generator), tmp_path)
    graph = onnx.load(path).graph
    for entry in (*graph.input, *graph.output):
        assert entry.type.tensor_type.shape.dim[0].dim_param == "batch"
    for n_rows in (1, 7):
        found = run_onnx(path, np.zeros((n_rows, 4), np.float32))
        assert [len(values) for values in found.values()] == [n_rows, n_rows]


def test_real_digits(tmp_path):
    X, y = fastnn.datasets.load("digits", split="train")
    X_test, y_test = fastnn.datasets.load("digits", split="test")
    model = fastnn.train(X, y, hidden=(32,), epochs=5, seed=0)
    path = exported(model, tmp_path)
    assert_same_answers(model, path, X_test)
    right = run_onnx(path, X_test)["labels"] == y_test
    assert right.mean() == pytest.approx(model.score(X_test, y_test), abs=1 / len(y_test))
    assert right.mean() > 0.85


def test_what_the_file_says_of_itself(generator, tmp_path):
    network = network_of((4, 5, 3), generator, loss="huber", huber_delta=2.5)
    model = onnx.load(exported(network, tmp_path))
    assert (model.producer_name, model.producer_version) == ("fastnn", fastnn.__version__)
    assert model.doc_string == "multilayer perceptron 4-5-3 relu, huber"
    assert (model.ir_version, model.opset_import[0].version) == (7, 13)
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "fastnn.loss": "huber",
        "fastnn.huber_delta": "2.5",
    }


def test_the_same_model_gives_the_same_bytes(generator, tmp_path):
    network = network_of((4, 5, 3), generator, activation="gelu")
    first = exported(network, tmp_path).read_bytes()
    assert exported(network, tmp_path).read_bytes() == first


def test_the_file_is_written_whole_or_not_at_all(generator, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"older")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ModelFileError, match=r"cannot write .*: No space left on device"):
        network_of((4, 3), generator).to_onnx(path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_where_it_cannot_be_written(generator, tmp_path):
    network = network_of((4, 3), generator)
    with pytest.raises(ModelFileError, match=r"cannot write .*missing"):
        network.to_onnx(tmp_path / "missing" / "model.onnx")
    with pytest.raises(ModelFileError, match="not an ordinary file"):
        network.to_onnx(tmp_path)
    with pytest.raises(InputError, match="path=3 must be the name of a file"):
        network.to_onnx(3)


def test_too_large_for_the_format(generator, tmp_path, monkeypatch):
    monkeypatch.setattr("fastnn.exchange.onnx_writer.LARGEST", 10)
    with pytest.raises(InputError, match="the weights take 60 bytes; an ONNX file holds 10 at most"):
        network_of((4, 3), generator).to_onnx(tmp_path / "model.onnx")


def test_without_onnx(generator, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "fastnn\[onnx\]"'):
        network_of((4, 3), generator).to_onnx(tmp_path / "model.onnx")
    with pytest.raises(MissingDependencyError, match=r'pip install "fastnn\[onnx\]"'):
        fastnn.from_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_comparison_can_fail(generator, tmp_path):
    network = network_of((4, 5, 3), generator)
    path = exported(network, tmp_path)
    X = generator.normal(size=(N_ROWS, 4)).astype(np.float32)
    network.weights[1][2, 1] *= 1.001
    with pytest.raises(AssertionError):
        assert_near(run_onnx(path, X)["probabilities"], network.predict_proba(X), "float32")
    network.weights[1][2, 1] *= 1.2
    with pytest.raises(AssertionError):
        assert_same_labels(run_onnx(path, X)["labels"], network, X)
    assert set(CLASSIFIER_LOSSES) < set(LOSS_NAMES)
