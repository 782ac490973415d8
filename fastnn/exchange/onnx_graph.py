"""Builds an ONNX graph node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.backends import Array

if TYPE_CHECKING:
    import onnx

BATCH = "batch"


class Graph:
    """An ONNX graph that grows node by node; its tensors are known by their names."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, dtype: Any, width: int) -> str:
        """An input (batch, width)."""
        self._inputs.append(_described(name, dtype, (BATCH, width)))
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """A node more; returns the name of its output."""
        from onnx import helper

        name = output or f"{operator.lower()}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name=f"node.{name}", **attributes))
        return name

    def constant(self, value: Array, name: str) -> str:
        """An array as an initializer; a name that is there already is taken to hold the same."""
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(value, name)
        return name

    def number(self, value: float) -> str:
        """A scalar of the network's dtype as an initializer."""
        return self.constant(np.array(value, self.dtype), f"number.{value!r}")

    def output(self, name: str, dtype: Any, *width: int) -> None:
        """Make the tensor `name` an output, (batch, *width)."""
        self._outputs.append(_described(name, dtype, (BATCH, *width)))

    def finished(self, name: str) -> onnx.GraphProto:
        """The graph."""
        from onnx import helper

        return helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._constants.values())
        )


def _described(name: str, dtype: Any, shape: tuple[str | int, ...]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, element(dtype), shape)


def element(dtype: Any) -> int:
    """ONNX's number of a NumPy dtype."""
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
