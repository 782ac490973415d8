"""`fastnn export`, in real processes; its files are run by ONNX Runtime."""

from pathlib import Path

import numpy as np
import pytest

import fastnn

from .process import fails, hide, succeeds

pytest.importorskip("onnx", reason="onnx is not installed")


def run_onnx(path: Path, X: np.ndarray) -> list[np.ndarray]:
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": X})


def test_export_of_images(work: Path, tmp_path: Path) -> None:
    target = tmp_path / "digits.onnx"
    result = succeeds("export", "digits.safetensors", "--onnx", target, folder=work)
    assert result.out == f"{target}: X uint8 (batch, 64) to labels, probabilities\n"
    model = fastnn.load(work / "digits.safetensors", backend="numpy")
    X, _ = fastnn.datasets.load("digits", split="test")
    labels, proba = run_onnx(target, X)
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_allclose(proba, model.predict_proba(X), atol=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == ["digits.onnx"]


def test_export_of_names_and_numbers(work: Path, tmp_path: Path) -> None:
    succeeds("export", "flowers.safetensors", "--onnx", tmp_path / "flowers.onnx", folder=work)
    X, y = fastnn.datasets.load(work / "flowers.csv")
    labels, _ = run_onnx(tmp_path / "flowers.onnx", X.astype(np.float32))
    assert set(labels) <= set(y)
    assert np.mean(labels == y) > 0.9
    result = succeeds("export", "line.safetensors", "--onnx", tmp_path / "line.onnx", folder=work)
    assert result.out.endswith("X float32 (batch, 2) to outputs\n")
    X, _ = fastnn.datasets.load(work / "line.csv")
    (outputs,) = run_onnx(tmp_path / "line.onnx", X.astype(np.float32))
    model = fastnn.load(work / "line.safetensors", backend="numpy")
    np.testing.assert_allclose(outputs[:, 0], model.predict(X), atol=1e-5)


def test_errors_are_one_line(work: Path, tmp_path: Path) -> None:
    assert "Missing option '--onnx'" in fails("export", "digits.safetensors", folder=work)
    assert "does not exist" in fails("export", "none", "--onnx", tmp_path / "a.onnx", folder=work)
    folder = fails("export", "digits.safetensors", "--onnx", tmp_path, folder=work)
    assert "is a folder; give the name of a file" in folder
    same = fails("export", "digits.safetensors", "--onnx", "digits.safetensors", folder=work)
    assert "would overwrite another file of this command" in same
    hidden = hide("onnx", tmp_path)
    message = fails("export", "digits.safetensors", "--onnx", tmp_path / "a.onnx", folder=work, **hidden)
    assert message.endswith('pip install "fastnn[onnx]"')
    assert not (tmp_path / "a.onnx").exists()


def test_help() -> None:
    text = succeeds("export", "--help").out
    assert "fastnn export digits.safetensors --onnx digits.onnx" in text
