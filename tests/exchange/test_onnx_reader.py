"""from_onnx on graphs of many forms, beside ONNX Runtime; and on what is none of them."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import InputError
from fastnn.inputs import ACTIVATIONS

from .checks import assert_near, assert_same_labels, network_of, probabilities_or_outputs, run_onnx
from .graphs import write
from .test_onnx_writer import LABELS, SCALINGS

onnx = pytest.importorskip("onnx", reason="onnx is not installed")


def assert_same_network(ours, theirs):
    assert (ours.activations, ours.loss_name) == (theirs.activations, theirs.loss_name)
    assert (ours.dtype, ours.huber_delta) == (theirs.dtype, theirs.huber_delta)
    for A, B in zip(ours.weights + ours.biases, theirs.weights + theirs.biases, strict=True):
        np.testing.assert_array_equal(A, B)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "loss", ["cross_entropy", "binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson"]
)
def test_there_and_back(loss, dtype, generator, tmp_path):
    for depth, activation in enumerate(ACTIVATIONS):
        sizes = (6, *[5] * (depth % 4), 1 if loss == "squared_error" else 3)
        options = {"dtype": dtype, "activation": activation, "loss": loss, "huber_delta": 1.25}
        network = network_of(sizes, generator, **options)
        network.to_onnx(tmp_path / "model.onnx")
        assert_same_network(fastnn.from_onnx(tmp_path / "model.onnx"), network)


@pytest.mark.parametrize("kind", SCALINGS)
def test_scaling_comes_back(kind, generator, tmp_path):
    network = network_of((4, 5, 3), generator, **SCALINGS[kind])
    network.to_onnx(tmp_path / "model.onnx")
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    if network.input_scale is None:
        X = generator.normal(network.input_mean, network.input_deviation, (300, 4)).astype(np.float32)
        assert model.input_scale is None
    else:
        X = generator.integers(0, 256, (300, 4), np.uint8)
        assert model.input_scale == pytest.approx(network.input_scale, rel=1e-7)
    assert_near(model.predict_proba(X), network.predict_proba(X), "float32")


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back(kind, generator, tmp_path):
    classes, _ = LABELS[kind]
    network = network_of((4, len(classes)), generator, classes=classes)
    network.to_onnx(tmp_path / "model.onnx")
    model = fastnn.from_onnx(tmp_path / "model.onnx")
    assert model.classes.dtype.kind == ("i" if classes.dtype.kind == "u" else classes.dtype.kind)
    assert model.classes.tolist() == classes.tolist()
    other = fastnn.from_onnx(tmp_path / "model.onnx", classes=range(10, 10 + len(classes)))
    assert other.classes.tolist() == list(range(10, 10 + len(classes)))


# Nodes from Z (the first layer's outputs) to A, for each activation in several forms.
FORMS = {
    "relu": ["A = Relu(Z)", "A = Clip(Z, none)", "N = Neg(Z) A0 = Relu(N) A = Add(Z, A0)"],
    "leaky_relu": ["A = LeakyRelu(Z)", "S = Mul(Z, small) A = Max(S, Z)", "A = PRelu(Z, small)"],
    "elu": ["A = Elu(Z)", "E = Exp(Z) E1 = Sub(E, one) P = Greater(Z, zerof) A = Where(P, Z, E1)"],
    "gelu": [
        "Z2 = Mul(Z, Z) Z3 = Mul(Z2, Z) C = Mul(cubed, Z3) S = Add(Z, C) U = Mul(root, S) T = Tanh(U) "
        "O = Add(T, one) H = Mul(half, Z) A = Mul(H, O)",
        "Z3 = Pow(Z, three) C = Mul(Z3, cubed) S = Add(C, Z) U = Mul(S, root) U2 = Mul(U, two) "
        "P = Sigmoid(U2) A = Mul(P, Z)",
    ],
    "silu": ["P = Sigmoid(Z) A = Mul(Z, P)", "N = Neg(Z) E = Exp(N) D = Add(one, E) A = Div(Z, D)"],
    "softplus": [
        "A = Softplus(Z)",
        "E = Exp(Z) D = Add(E, one) A = Log(D)",
        "T = Softplus(Z) P = Greater(Z, twenty) A = Where(P, Z, T)",
    ],
    "tanh": ["A = Tanh(Z)"],
    "logistic": ["A = Sigmoid(Z)", "N = Neg(Z) E = Exp(N) D = Add(E, one) A = Reciprocal(D)"],
    "identity": ["A = Identity(Z)", "A = Dropout(Z)"],
}
FORM_CONSTANTS = {"none": np.float32(0), "zerof": np.float32(0), "twenty": np.float32(20)}.items()


@pytest.mark.parametrize(("activation", "form"), [(name, form) for name in FORMS for form in FORMS[name]])
def test_activations_are_known_by_what_they_compute(activation, form, generator, tmp_path):
    nodes = f"Z = Gemm(X, W, b) {form} Y = Gemm(A, V, c)"
    path = write(tmp_path / "model.onnx", nodes, more=FORM_CONSTANTS)
    model = fastnn.from_onnx(path, loss="squared_error")
    assert model.activations == (activation,)
    X = (3 * generator.normal(size=(300, 4))).astype(np.float32)
    assert_near(model.predict(X), run_onnx(path, X)["Y"], "float32")


W_T = {"WT": np.arange(12, dtype=np.float32).reshape(3, 4) / 10}.items()
# Nodes that end in Y (n, 2), and how the graph's input is described.
READ = {
    "gemm with factors": ("Z = Gemm<alpha=0.5, beta=2.0>(X, W, b) Y = Gemm(Z, V, c)", {}),
    "gemm without a bias": ("Z = Gemm(X, W) Y = Gemm(Z, V, half)", {}),
    "transposed weights": ("Z = Gemm<transB=1>(X, WT, b) Y = MatMul(Z, V)", {"more": W_T}),
    "a transpose of its own": ("T = Transpose(WT) Z = MatMul(X, T) Y = MatMul(Z, V)", {"more": W_T}),
    "bias from the left": ("M = MatMul(X, W) Z = Add(b, M) N = MatMul(Z, V) Y = Add(c, N)", {}),
    "bias subtracted": ("M = MatMul(X, W) Z = Sub(M, b) Y = MatMul(Z, V)", {}),
    "two biases": ("M = Gemm(X, W, b) Z = Add(M, b) Y = MatMul(Z, V)", {}),
    "constant nodes": (
        "h = Constant<value_float=0.5>() S = Div(X, h) Z = Gemm(S, W, b) Y = Gemm(Z, V, c)",
        {},
    ),
    "scaled": ("D = Sub(X, mean) S = Div(D, deviation) Z = Gemm(S, W, b) Y = Gemm(Z, V, c)", {}),
    "scaled the other way": (
        "M = Mul(half, X) D = Add(mean, M) S = Mul(D, deviation) Z = Gemm(S, W, b) Y = Gemm(Z, V, c)",
        {},
    ),
    "images": (
        "F = Flatten(X) Z = Gemm(F, W, b) Y = Gemm(Z, V, c)",
        {"takes": "float[N,2,2] X"},
    ),
    "images scaled by channel": (
        "D = Sub(X, channel) F = Reshape(D, flat) Z = Gemm(F, W, b) Y = Gemm(Z, V, c)",
        {
            "takes": "float[N,2,2] X",
            "more": {"channel": np.array([[1], [3]], np.float32)}.items(),
        },
    ),
    "a shape computed": (
        "S = Shape(X) R = Gather(S, zero) U = Unsqueeze(R, zeros) T = Concat<axis=0>(U, column) "
        "F = Reshape(X, T) Z = Gemm(F, W, b) Y = Gemm(Z, V, c)",
        {"takes": "float[N,2,2] X"},
    ),
    "a batch of fixed size": (
        "F = Reshape(X, fixed) Z = Gemm(F, W, b) Y = Gemm(Z, V, c)",
        {
            "takes": "float[50,2,2] X",
            "gives": "float[50,2] Y",
            "more": {"fixed": np.array([50, 4])}.items(),
        },
    ),
    "whole numbers": ("F = Cast<to=1>(X) Z = Gemm(F, W, b) Y = Gemm(Z, V, c)", {"takes": "int64[N,4] X"}),
    "old opset": ("Z = Gemm(X, W, b) A = Elu(Z) Y = Gemm(A, V, c)", {"opset": 9}),
    "nodes that no output needs": ("U = Sin(X) Z = Gemm(X, W, b) Y = Gemm(Z, V, c)", {}),
}


@pytest.mark.parametrize("kind", READ)
def test_graphs_of_other_forms(kind, generator, tmp_path):
    nodes, options = READ[kind]
    shape = (2, 2) if "2,2" in options.get("takes", "") else (4,)
    path = write(tmp_path / "model.onnx", nodes, **options)
    model = fastnn.from_onnx(path, loss="squared_error")
    X = generator.normal(0, 3, size=(50, *shape)).astype(np.int64 if kind == "whole numbers" else "f")
    assert_near(model.predict(X), run_onnx(path, X)["Y"], "float32")


LAYERS = "Z = Gemm(X, W, b) A = Relu(Z) L = Gemm(A, V, c)"
ONE = "Z = Gemm(X, W, b) A = Relu(Z) L = MatMul(A, v)"
ENDS = {
    "softmax": (f"{LAYERS} Y = Softmax(L)", "float[N,2] Y", "cross_entropy"),
    "softmax of an old opset": (f"{LAYERS} Y = Softmax<axis=1>(L)", "float[N,2] Y", "cross_entropy"),
    "sigmoid": (f"{LAYERS} Y = Sigmoid(L)", "float[N,2] Y", "binary_cross_entropy"),
    "sigmoid and labels": (
        f"{LAYERS} Y = Sigmoid(L) G = Greater(Y, half) K = Cast<to=7>(G)",
        "float[N,2] Y, int64[N,2] K",
        "binary_cross_entropy",
    ),
    "exp": (f"{LAYERS} Y = Exp(L)", "float[N,2] Y", "poisson"),
    "one output": (f"{ONE} Y = Identity(L)", "float[N,1] Y", "squared_error"),
    "one output squeezed": (f"{ONE} Y = Reshape(L, column)", "float[N] Y", "squared_error"),
    "logits and probabilities": (
        f"{LAYERS} Y = Softmax(L)",
        "float[N,2] L, float[N,2] Y",
        "cross_entropy",
    ),
    "labels of names": (
        f"{LAYERS} P = Softmax(L) K = ArgMax<axis=1, keepdims=0>(P) Y = Gather(names, K)",
        "string[N] Y",
        "cross_entropy",
    ),
    "labels of logits": (f"{LAYERS} Y = ArgMax<axis=-1, keepdims=0>(L)", "int64[N] Y", "cross_entropy"),
    "one logit as a pair": (
        f"{ONE} P = Sigmoid(L) Q = Sub(one, P) Y = Concat<axis=1>(Q, P)",
        "float[N,2] Y",
        "cross_entropy",
    ),
}


@pytest.mark.parametrize("kind", ENDS)
def test_the_end_of_a_graph_says_the_loss(kind, generator, tmp_path):
    nodes, gives, loss = ENDS[kind]
    path = write(tmp_path / "model.onnx", nodes, gives=gives, opset=11 if "old" in kind else 17)
    model = fastnn.from_onnx(path)
    assert model.loss_name == loss
    X = generator.normal(size=(200, 4)).astype(np.float32)
    for values in run_onnx(path, X).values():
        if values.dtype != np.float32:
            assert_same_labels(values, model, X)
        elif "logits" not in kind or values.min() >= 0:
            assert_near(values, probabilities_or_outputs(model, X), "float32")


def test_loss_and_classes_may_be_said(tmp_path):
    path = write(tmp_path / "model.onnx", f"{LAYERS} Y = Identity(L)")
    assert fastnn.from_onnx(path).loss_name == "cross_entropy"
    assert fastnn.from_onnx(path, loss="huber").loss_name == "huber"
    assert fastnn.from_onnx(path, classes=["b", "a"]).classes.tolist() == ["b", "a"]
    with pytest.raises(InputError, match=r"model\.onnx: classes has 3 labels"):
        fastnn.from_onnx(path, classes=[1, 2, 3])
    path = write(tmp_path / "model.onnx", f"{ONE} Y = Sigmoid(L)", gives="float[N,1] Y")
    model = fastnn.from_onnx(path, classes=["no", "yes"])
    X = np.ones((2, 4), np.float32)
    assert_near(model.predict_proba(X)[:, 1:], run_onnx(path, X)["Y"], "float32")
    with pytest.raises(InputError, match="loss='huber' does not go with a model that ends in sigmoid"):
        fastnn.from_onnx(path, loss="huber")


def test_a_file_may_not_claim_a_loss_that_its_graph_denies(generator, tmp_path):
    path = tmp_path / "model.onnx"
    network_of((4, 3), generator).to_onnx(path)
    model = onnx.load(path)
    for loss in ("squared_error", "nonsense"):
        onnx.helper.set_model_props(model, {"fastnn.loss": loss})
        path.write_bytes(model.SerializeToString())
        with pytest.raises(InputError, match=f"loss='{loss}'"):
            fastnn.from_onnx(path)
    onnx.helper.set_model_props(model, {"fastnn.huber_delta": "wide"})
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="huber_delta is 'wide', which is not a number"):
        fastnn.from_onnx(path)
