"""ONNX graphs written by hand, as text."""

import numpy as np

# A layer of 4 to 3 and one of 3 to 2, and what the graphs do with them.
_GENERATOR = np.random.default_rng(7)
CONSTANTS = {
    "W": _GENERATOR.normal(size=(4, 3)).astype(np.float32),
    "b": _GENERATOR.normal(size=3).astype(np.float32),
    "V": _GENERATOR.normal(size=(3, 2)).astype(np.float32),
    "c": _GENERATOR.normal(size=2).astype(np.float32),
    "v": _GENERATOR.normal(size=(3, 1)).astype(np.float32),
    "half": np.float32(0.5),
    "one": np.float32(1),
    "two": np.float32(2),
    "three": np.float32(3),
    "cubed": np.float32(0.044715),
    "root": np.float32(np.sqrt(2 / np.pi)),
    "small": np.float32(0.01),
    "mean": np.array([1, -1, 2, 0.5], np.float32),
    "deviation": np.array([2, 0.5, 1, 3], np.float32),
    "flat": np.array([-1, 4]),
    "column": np.array([-1]),
    "names": np.array(["no", "yes"], object),
    "zero": np.array(0),
    "zeros": np.array([0]),
    "poisoned": np.full((3, 2), np.nan, np.float32),
    "empty": np.zeros((4, 0), np.float32),
    "bytes": np.ones((4, 2), np.uint8),
    "wide": np.ones((1, 3000), np.float32),
    "tall": np.ones((3000, 1), np.float32),
}


def write(path, nodes, *, takes="float[N,4] X", gives="float[N,2] Y", opset=17, producer="", more=()):
    """An ONNX file of `nodes`, with those of CONSTANTS that they name, and `more` ones."""
    import onnx

    text = f"fastnn_test ({takes}) => ({gives}) {{ {nodes} }}"
    graph = onnx.parser.parse_graph(text)
    named = {name for node in graph.node for name in node.input}
    constants = CONSTANTS | dict(more)
    for name in sorted(named & set(constants)):
        graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(constants[name]), name))
    imports = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=8, producer_name=producer)
    path.write_bytes(model.SerializeToString())
    return path
