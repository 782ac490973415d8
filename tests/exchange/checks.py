"""Models and comparisons that the tests of the exchange with other programs share."""

import warnings

import numpy as np
import pytest

from fastnn.network import Network

N_ROWS = 10_000
# Of float64 results near 1; float32's allow for another program's order of sums.
NEAR = {"float32": 1e-5, "float64": 1e-10}


def network_of(sizes, generator, *, dtype="float32", **options):
    """A random network with biases that are not zero."""
    network = Network.initialise(sizes, generator=generator, dtype=np.dtype(dtype), **options)
    for b in network.biases:
        b[...] = generator.normal(0, 0.3, b.shape)
    return network


def probabilities_or_outputs(network, X):
    return network.predict(X) if network.classes is None else network.predict_proba(X)


def assert_near(actual, expected, dtype):
    """Within 1e-5 (float64: 1e-10), of numbers above 1 relatively."""
    actual = np.asarray(actual).reshape(expected.shape)
    np.testing.assert_allclose(actual, expected, rtol=NEAR[str(dtype)], atol=NEAR[str(dtype)])


def assert_same_labels(labels, network, X):
    """The labels are those of `network`, but where two classes are as likely, to rounding."""
    proba = network.predict_proba(X)
    undecided = np.abs(proba - 0.5).min(axis=1) if network.multilabel else np.diff(np.sort(proba))[:, -1]
    sure = undecided > 2e-6
    assert sure.mean() > 0.999
    np.testing.assert_array_equal(np.asarray(labels)[sure], network.predict(X)[sure])


def run_onnx(path, X):
    """What ONNX Runtime makes of X: outputs by name."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {entry.name: X}), strict=True))


def quietly(function, *arguments, **options):
    """Call another program's exporter, which warns of its own affairs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)
