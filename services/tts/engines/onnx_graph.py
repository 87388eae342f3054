"""Reading and writing ONNX graphs: what the rewriting of a model needs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

END = 2**40
"""Stands for the end of an axis in a Slice."""


class View:
    """The maker and the readers of each value of a graph."""

    def __init__(self, graph: Any) -> None:
        self.initial = {i.name: i for i in graph.initializer}
        self.maker = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.readers[name].append(node)

    def value(self, name: str) -> Any:
        """The array of an initializer. Raises KeyError."""
        return numpy_helper.to_array(self.initial[name])

    def only_reader(self, node: Any, op_type: str) -> Any:
        """The one node behind `node`. Raises KeyError where it is of another type, ValueError where there are more."""
        (reader,) = self.readers[node.output[0]]
        if reader.op_type != op_type:
            raise KeyError(f"no {op_type} after {node.name}")
        return reader


class Constants:
    """New initializers, one for each name."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self._names: set[str] = set()

    def add(self, name: str, value: Any) -> str:
        """The name; the first value of a name stays."""
        if name not in self._names:
            self._names.add(name)
            self.tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def vector(self, *values: int) -> str:
        """int64 [n]."""
        return self.add(f"int64/{values}", np.array(values, np.int64))

    def scalar(self, value: int) -> str:
        """int64 []."""
        return self.add(f"int64/{value}", np.array(value, np.int64))


def node_of(op_type: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    """A node named for its output."""
    return helper.make_node(op_type, inputs, [output], name=f"{output}/{op_type}", **attributes)


def other_input(node: Any, name: str) -> str:
    """The first input of `node` that is not `name`. Raises KeyError."""
    for each in node.input:
        if each != name:
            return str(each)
    raise KeyError(f"{node.name} has no other input than {name}")


def set_nodes(graph: Any, nodes: list[Any]) -> None:
    """Replace the nodes of `graph`, in topological order."""
    del graph.node[:]
    graph.node.extend(nodes)
