"""Graphs that from_onnx cannot read, and files that are no graphs: one line for each."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import FastnnError, InputError, ModelFileError

from .checks import network_of
from .graphs import write

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

LAYERS = "Z = Gemm(X, W, b) A = Relu(Z) L = Gemm(A, V, c)"
TWO = "Z = Gemm(X, W, b)"
REFUSED = {
    "conv": ("Y = Conv(X, W)", r"node 'Y' \(Conv\) has no equal in fastnn's networks; fastnn reads"),
    "another activation": (f"{TWO} A = Sin(Z) Y = Gemm(A, V, c)", r"node 'A' \(Sin\) has no equal"),
    "gelu by erf": (f"{TWO} A = Gelu(Z) Y = Gemm(A, V, c)", r"'A' \(Gelu\) makes GELU by erf"),
    "another leak": (
        f"{TWO} A = LeakyRelu<alpha=0.02>(Z) Y = Gemm(A, V, c)",
        r"node 'Y' \(Gemm\) is fed by a function of the layer before that is none of relu, leaky_relu",
    ),
    "another elu": (f"{TWO} A = Elu<alpha=1.01>(Z) Y = Gemm(A, V, c)", "is fed by a function"),
    "nearly relu": (f"{TWO} R = Relu(Z) A = Mul(R, near) Y = Gemm(A, V, c)", "is fed by a function"),
    "not a number": (f"{TWO} A = Log(Z) Y = Gemm(A, V, c)", "is fed by a function"),
    "a skip": (
        f"{TWO} A = Relu(Z) U = MatMul(A, square) R = Add(U, Z) Y = Gemm(R, V, c)",
        "joins different lay",
    ),
    "units treated differently": (f"{TWO} A = Mul(Z, b) Y = Gemm(A, V, c)", "treats the units of a layer"),
    "a product of layers": (f"{TWO} T = Gemm(X, W, b) A = Mul(Z, T) Y = Gemm(A, V, c)", "joins different"),
    "rows turned": ("Z = Gemm<transA=1>(X, W, b) Y = Gemm(Z, V, c)", "does not multiply rows"),
    "weights from the left": ("Z = MatMul(W, X) Y = MatMul(Z, V)", "does not multiply rows"),
    "two tensors": ("Y = MatMul(X, X)", "does not multiply rows by a constant matrix"),
    "no chain": (
        "Z = MatMul(X, V) Y = MatMul(Z, V)",
        r"node 'Z' \(MatMul\) multiplies 4 columns by a matrix",
    ),
    "no chain later": (f"{TWO} Y = MatMul(Z, W)", "multiplies 3 columns by a matrix"),
    "a bias of another size": (f"{TWO} A = Relu(Z) Y = Gemm(A, V, mean)", "adds something else than a bias"),
    "weights of bytes": ("Y = MatMulInteger(X, bytes)", "MatMulInteger"),
    "empty weights": ("Z = MatMul(X, empty) Y = MatMul(Z, V)", r"has weights of shape \(4, 0\)"),
    "poisoned weights": (f"{TWO} Y = MatMul(Z, poisoned)", r"weights\[1\] holds nan"),
    "features upside down": ("N = Neg(X) Y = MatMul(N, across)", r"node 'N' \(Neg\) has no equal"),
    "features negated": ("N = Mul(X, minus) Y = MatMul(N, across)", "not above 0"),
    "divided by nothing": ("N = Div(X, nothing) Y = MatMul(N, across)", "not above 0"),
    "scaled by three numbers": ("N = Sub(X, b) Y = MatMul(N, across)", "which is not one number a feature"),
    "truncated": ("N = Cast<to=7>(X) M = Cast<to=1>(N) Y = MatMul(M, across)", "casts to int64, which loses"),
    "activated features": ("N = Relu(X) Y = MatMul(N, across)", r"node 'N' \(Relu\) has no equal"),
    "rows mixed": ("N = Flatten<axis=0>(X) Y = MatMul(N, across)", "does not keep the rows apart"),
    "rows cut": ("N = Reshape(X, cut) M = Reshape(N, flat) Y = MatMul(M, across)", "of rows of shape"),
    "outputs mixed": (f"{TWO} R = Reshape(Z, column) Y = Identity(R)", r"makes \(-1,\) of 3 outputs"),
    "softmax of rows": (f"{TWO} L = Gemm(Z, V, c) Y = Softmax<axis=0>(L)", "along axis 1"),
    "softmax in the middle": (f"{TWO} A = Softmax(Z) Y = Gemm(A, V, c)", "does not multiply rows"),
    "ends in relu": (f"{TWO} L = Gemm(Z, V, c) Y = Relu(L)", "the output 'Y' is no function of the last lay"),
    "no layer": ("Y = Identity(X)", "the output 'Y' is not that of a dense network"),
    "a constant": ("Y = Identity(V)", "the output 'Y' is not that of a dense network"),
    "rows and columns": ("S = Mul(wide, tall) Y = MatMul(X, S)", "makes one constant of shapes"),
    "argmax of rows": (f"{TWO} L = Gemm(Z, V, c) Y = ArgMax<axis=0>(L)", "along axis 1"),
    "p twice": (f"{TWO} L = MatMul(Z, v) P = Sigmoid(L) Y = Concat<axis=1>(P, P)", "joins something else"),
    "two inputs": ("Z = Gemm(X, W, b) Y = Gemm(Z, V, X2)", "the graph has 2 inputs"),
    "a branch": (
        f"{TWO} T = Constant<value_int=1>() C = Cast<to=9>(T) "
        "A = If(C) <then_branch = g1 () => (float[N,3] p) { p = Identity(Z) }, "
        "else_branch = g2 () => (float[N,3] q) { q = Relu(Z) }> Y = Gemm(A, V, c)",
        r"node 'A' \(If\)",
    ),
}
REFUSED_CONSTANTS = {
    "across": np.ones((4, 2), np.float32),
    "square": np.eye(3, dtype=np.float32),
    "near": np.float32(1.0001),
    "minus": np.float32(-1),
    "nothing": np.float32(0),
    "cut": np.array([-1, 2]),
}.items()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_one_line(kind, tmp_path):
    nodes, message = REFUSED[kind]
    takes = "float[N,4] X, float[2] X2" if kind == "two inputs" else "float[N,4] X"
    opset = 20 if "Gelu" in nodes else 17
    path = write(tmp_path / "model.onnx", nodes, takes=takes, opset=opset, more=REFUSED_CONSTANTS)
    with pytest.raises(InputError, match=message) as caught:
        fastnn.from_onnx(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("takes", "gives", "nodes", "message"),
    [
        ("float[4] X", "float[2] Y", "Y = MatMul(X, across)", "has 1 axes, it must be rows of features"),
        ("float[N,4] X", "float[N,3] Z, float[N,2] Y", f"{LAYERS} Y = Identity(L)", "of different layers"),
        (
            "float[N,4] X",
            "float[N,2] Y, float[N,2] P",
            f"{LAYERS} Y = Softmax(L) P = Sigmoid(L)",
            "are sigmoid and softmax of the same layer",
        ),
        ("float[N,K] X", "float[N,2] Y", "S = Sub(X, b) Y = MatMul(S, across)", "multiplies 3 columns by"),
        ("float[N,2,2] X", "float[N,2,2] Y", "Y = MatMul(X, S2)", "must be flattened first"),
        (
            "float[N,100000,1000] X",
            "float[N,2] Y",
            "F = Flatten(X) Y = MatMul(F, across)",
            "100000000 features",
        ),
    ],
)
def test_inputs_and_outputs_that_cannot_be_read(takes, gives, nodes, message, tmp_path):
    more = {"S2": np.ones((2, 2), np.float32), **dict(REFUSED_CONSTANTS)}.items()
    path = write(tmp_path / "model.onnx", nodes, takes=takes, gives=gives, more=more)
    with pytest.raises(InputError, match=message):
        fastnn.from_onnx(path)


def test_files_that_are_none(tmp_path):
    with pytest.raises(ModelFileError, match="does not exist"):
        fastnn.from_onnx(tmp_path / "missing.onnx")
    with pytest.raises(ModelFileError, match="is a folder"):
        fastnn.from_onnx(tmp_path)
    for content in (b"", b"not a model", bytes(1000)):
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(ModelFileError, match="is damaged or not an ONNX file"):
            fastnn.from_onnx(tmp_path / "model.onnx")
    with pytest.raises(InputError, match="path=None must be the name of a file"):
        fastnn.from_onnx(None)


def test_weights_outside_of_the_folder_are_not_read(generator, tmp_path):
    (tmp_path / "inside").mkdir()
    path = tmp_path / "inside" / "model.onnx"
    network_of((40, 30), generator).to_onnx(path)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    assert fastnn.from_onnx(path).sizes == (40, 30)
    (tmp_path / "inside" / "weights").rename(tmp_path / "weights")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../weights"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match="is damaged"):
        fastnn.from_onnx(path)


def test_damaged_files_end_in_one_line(generator, tmp_path):
    path = tmp_path / "model.onnx"
    network_of(
        (3, 4, 2), generator, activation="gelu", input_mean=[1e6, 0, 0], input_deviation=[1, 1, 2]
    ).to_onnx(path)
    whole = path.read_bytes()
    outcomes, messages = set(), []
    for _ in range(400):
        content = bytearray(whole)
        for place in generator.integers(0, len(whole), generator.integers(1, 4)):
            content[place] = generator.integers(0, 256)
        path.write_bytes(content if generator.random() < 0.8 else content[: generator.integers(len(content))])
        try:
            outcomes.add(type(fastnn.from_onnx(path)))
        except FastnnError as error:
            outcomes.add(type(error))
            messages.append(str(error))
    assert outcomes == {fastnn.Network, InputError, ModelFileError}
    assert not [message for message in messages if "\n" in message]
