"""from_onnx on what scikit-learn (skl2onnx) and PyTorch (torch.onnx) write."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError
from fastnn.inputs import ACTIVATIONS

from .checks import assert_near, network_of, quietly, run_onnx
from .test_scikit import REGRESSIONS, TARGETS, X, assert_equal, fitted
from .test_torch_modules import SCALINGS, modules

pytest.importorskip("onnx", reason="onnx is not installed")


@pytest.fixture
def torch():
    found = pytest.importorskip("torch", reason="PyTorch is not installed")
    found.manual_seed(0)
    return found


def write_sklearn(estimator, path, dtype, **options):
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    model = quietly(skl2onnx.to_onnx, estimator, X[:1].astype(dtype), **options)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", TARGETS)
def test_scikit_learn(kind, dtype, tmp_path):
    estimator = fitted(kind, activation="tanh")
    write_sklearn(estimator, tmp_path / "model.onnx", dtype)
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    assert model.dtype == np.dtype(dtype)
    rows = X.astype(dtype)
    if kind == "bools":  # skl2onnx writes them as 0 and 1
        np.testing.assert_array_equal(model.predict(rows), estimator.predict(rows).astype(int))
        model = fastnn.from_onnx(tmp_path / "model.onnx", classes=[False, True])
    # The estimator computes in the float64 it was trained in, and skl2onnx stores float32.
    if dtype == "float64":
        np.testing.assert_allclose(model.weights[0], estimator.coefs_[0], rtol=1e-6)
    model = fastnn.from_arrays(
        model.weights, model.biases, "tanh", loss=model.loss_name, classes=model.classes, dtype="float32"
    )
    assert_equal(model, estimator)


@pytest.mark.parametrize("kind", [kind for kind in TARGETS if kind not in REGRESSIONS])
def test_scikit_learn_with_probabilities_as_a_tensor(kind, tmp_path):
    estimator = fitted(kind)
    options = {id(estimator): {"zipmap": False}}
    write_sklearn(estimator, tmp_path / "model.onnx", "float32", options=options)
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    found = run_onnx(tmp_path / "model.onnx", X.astype(np.float32))
    assert_near(model.predict_proba(X), found["probabilities"], "float32")
    np.testing.assert_array_equal(model.predict(X), found["label"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("opset", [12, 18])
def test_scikit_learn_pipeline(dtype, opset, tmp_path):
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier(hidden_layer_sizes=(7,), max_iter=10, random_state=0)
    pipeline = quietly(make_pipeline(StandardScaler(), network).fit, X, TARGETS["classes"])
    write_sklearn(pipeline, tmp_path / "model.onnx", dtype, target_opset=opset)
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    np.testing.assert_allclose(model.input_mean, pipeline[0].mean_, rtol=1e-6)
    np.testing.assert_allclose(model.input_deviation, pipeline[0].scale_, rtol=1e-6)
    assert_near(model.predict_proba(X), pipeline.predict_proba(X).astype(dtype), "float32")
    np.testing.assert_array_equal(model.predict(X), pipeline.predict(X))


def write_torch(torch, module, example, path, dynamo, **options):
    if dynamo:
        pytest.importorskip("onnxscript", reason="onnxscript, which dynamo=True needs, is not installed")
        options = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "verbose": False}
    else:
        options = {"input_names": ["X"], "dynamic_axes": {"X": {0: "batch"}}} | options
    quietly(torch.onnx.export, module.eval(), (example,), str(path), dynamo=dynamo, **options)


WAYS = [
    {"dynamo": False, "opset_version": 13},
    {"dynamo": False, "opset_version": 20},
    pytest.param({"dynamo": True}, marks=pytest.mark.slow),  # the new exporter takes seconds
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_pytorch(torch, way, generator, tmp_path):
    nn, layers = torch.nn, [torch.nn.Flatten(), torch.nn.Linear(6, 4)]
    for module in modules(nn).values():
        layers += [module, nn.Linear(4, 4), nn.Dropout(0.1)]
    module = nn.Sequential(*layers, nn.Softmax(dim=1))
    write_torch(torch, module, torch.zeros(2, 2, 3), tmp_path / "model.onnx", **way)
    model = fastnn.from_onnx(tmp_path / "model.onnx", classes=list("abcd"))
    assert model.activations == ACTIVATIONS
    images = (2 * generator.normal(size=(300, 2, 3))).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(images)).numpy()
    assert_near(model.predict_proba(images), expected, "float32")
    assert set(model.predict(images)) <= set("abcd")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_pytorch_of_bytes(torch, way, generator, tmp_path):
    class Pixels(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(6, 3)

        def forward(self, X):
            X = X.float() / 255
            return torch.log_softmax(self.linear(X.view(X.size(0), -1)), 1)

    module = Pixels()
    write_torch(torch, module, torch.zeros((2, 2, 3), dtype=torch.uint8), tmp_path / "model.onnx", **way)
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    assert model.input_scale == pytest.approx(1 / 255)
    images = generator.integers(0, 256, (300, 2, 3), np.uint8)
    with torch.no_grad():
        expected = module(torch.from_numpy(images)).exp().numpy()
    assert_near(model.predict_proba(images), expected, "float32")


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("kind", ["uint8", "standardised", "far from 0"])
def test_to_torch_to_onnx_and_back(torch, kind, way, generator, tmp_path):
    network = network_of((4, 5, 3), generator, activation="gelu", **SCALINGS[kind])
    if network.input_scale is None:
        rows = generator.normal(network.input_mean, network.input_deviation, (300, 4)).astype(np.float32)
    else:
        rows = generator.integers(0, 256, (300, 4), np.uint8)
    write_torch(torch, network.to_torch(), torch.from_numpy(rows[:2]), tmp_path / "model.onnx", **way)
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    assert_near(model.predict_proba(rows), network.predict_proba(rows), "float32")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_pytorch_modules_that_fastnn_has_not(torch, way, tmp_path):
    nn = torch.nn
    for module, message in {
        nn.GELU(): "makes GELU by erf; fastnn's is the tanh form",
        nn.LeakyReLU(0.2): "is fed by a function of the layer before that is none of relu",
        nn.LayerNorm(4): "has no equal in fastnn's networks|joins different|treats the units",
    }.items():
        sequential = nn.Sequential(nn.Linear(6, 4), module, nn.Linear(4, 2))
        write_torch(torch, sequential, torch.zeros(2, 6), tmp_path / "model.onnx", **way)
        with pytest.raises(InputError, match=message):
            fastnn.from_onnx(tmp_path / "model.onnx")
