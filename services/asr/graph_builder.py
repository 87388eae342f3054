"""An ONNX graph written node by node, with the weights of a checkpoint: neither PyTorch nor tracing is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import onnx
from onnx import StringStringEntryProto, TensorProto, helper, numpy_helper

_OPSET = 17  # this and the next two: read by every onnxruntime since 1.15
_MICROSOFT_OPSET = 1
_IR_VERSION = 8
_INLINE_BYTES = 1024  # constants from this size on are in the file beside the graph ...
_ALIGN_BYTES = 4096  # ... where each begins on a page of memory, to be mapped


class GraphBuilder:
    """Nodes and constants, in order; a value is known by its name."""

    def __init__(self, data: BinaryIO | None = None, data_name: str = "") -> None:
        """`data`, empty and open, gets the large constants, for a file `data_name`; None: they stay in the graph."""
        self._data, self._data_name = data, data_name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._count = 0

    def model(
        self, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """What was built so far."""
        graph = helper.make_graph(self._nodes, name, list(inputs), list(outputs), self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", _MICROSOFT_OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="huiyin")

    def node(self, kind: str, inputs: Sequence[str], domain: str = "", **attributes: Any) -> str:
        """A node with one output: its name."""
        return self.node_many(kind, inputs, 1, domain, **attributes)[0]

    def node_many(
        self, kind: str, inputs: Sequence[str], outputs: int | list[str], domain: str = "", **attributes: Any
    ) -> list[str]:
        """A node with so many outputs, or with outputs of these names: their names."""
        names = outputs if isinstance(outputs, list) else [self._name(kind) for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def constant(self, value: npt.ArrayLike) -> str:
        """A constant of any shape: its name."""
        array, name = np.ascontiguousarray(value), self._name("constant")
        if self._data is None or array.nbytes < _INLINE_BYTES:
            self._constants.append(numpy_helper.from_array(array, name))
            return name
        self._data.write(b"\0" * (-self._data.tell() % _ALIGN_BYTES))
        tensor = TensorProto(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            dims=array.shape,
            data_location=TensorProto.EXTERNAL,
        )
        place = {"location": self._data_name, "offset": self._data.tell(), "length": array.nbytes}
        tensor.external_data.extend(StringStringEntryProto(key=k, value=str(v)) for k, v in place.items())
        self._data.write(array.data)
        self._constants.append(tensor)
        return name

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"
