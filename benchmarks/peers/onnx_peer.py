"""ONNX Runtime, which only predicts: a graph of Gemm, Relu and Softmax, with its own optimisations."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.peers.task import Task
from benchmarks.peers.threads import CHOICES

NAME = "ONNX Runtime"
PACKAGES = ("onnxruntime", "onnx")
INFERENCE_FORMS = tuple({"threads": threads} for threads in CHOICES)


class Inference:
    """One session."""

    def __init__(self, task: Task, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(graph(task), options, providers=["CPUExecutionProvider"])
        self.inputs = {"X": task.floats}

    def prepare(self) -> None:
        """Nothing to set: threads belong to the session."""

    def predict(self) -> np.ndarray:
        """Probabilities of all rows."""
        return self.session.run(None, self.inputs)[0]

    def close(self) -> None:
        """Free the session."""
        del self.session


def graph(task: Task) -> bytes:
    """The network as an ONNX model."""
    nodes, constants, value = [], [], "X"
    for layer, (W, b) in enumerate(zip(task.weights, task.biases, strict=True), start=1):
        constants += [numpy_helper.from_array(W, f"W{layer}"), numpy_helper.from_array(b, f"b{layer}")]
        nodes.append(helper.make_node("Gemm", [value, f"W{layer}", f"b{layer}"], [f"Z{layer}"]))
        last = layer == len(task.weights)
        kind, value_next = ("Softmax", "P") if last else ("Relu", f"A{layer}")
        nodes.append(helper.make_node(kind, [f"Z{layer}"], [value_next]))
        value = value_next
    sizes = task.net.sizes
    arguments = [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["n", sizes[0]])]
    results = [helper.make_tensor_value_info("P", TensorProto.FLOAT, ["n", sizes[-1]])]
    model = helper.make_model(
        helper.make_graph(nodes, "mlp", arguments, results, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return model.SerializeToString()
