"""Kokoro's ONNX graph, rewritten when it is loaded so that it speaks sooner. No weight changes its value.

What the int8 export (kokoro-v1.0.int8.onnx) leaves on the table, measured on 2 cores, "你好，很高兴。":

* 70 % of the time is in `ConvInteger`, which ONNX Runtime computes with 16-bit multiplications, since both sides
  are unsigned: 70 GMAC/s a core. The same sums as `MatMulIntegerToFloat` on gathered columns, with the weights
  moved from 0..255 to -128..127, use the processor's 8-bit dot products: 100-190 GMAC/s. 1.12 -> 0.63 s of processor
  time. Integer sums are exact either way; the bias, which was rounded to the sums' scale, is now added as it is.
* Half of the sound is silence: 0.45 s before the first phoneme, up to 0.7 s after the last. A new input caps each
  token's length in frames, so that silence is neither computed nor waited for. 2.3 -> 1.4 s of sound.

Together 0.65 -> 0.25 s to the first sound. The lengths come out as a second output: they are the words' timings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

MAX_FRAMES_INPUT = "max_frames"  # float32 [tokens]: no token lasts longer than this
FRAMES_OUTPUT = "frames"  # int64 [tokens]: how long each lasts

_DURATION_NODE = "/encoder/Clip"  # frames of each token, float, at least 1
_DURATION_ROW = "/encoder/Gather"  # the same as integers, batch taken off
_MIN_CHANNELS = 16  # smaller convolutions are not worth the gathering
_UNSIGNED_MIDDLE = 128  # 0..255 -> -128..127
_PROBE_OPSET, _PROBE_IR = 20, 9
_END = 2**40  # "to the end" of an axis


class UnexpectedGraph(ValueError):
    """The model is not the export this module knows; it can be used as it is."""


def exact_int8() -> bool:
    """Whether unsigned times signed 8-bit products are summed without overflow here.

    x86 processors without VNNI add two products in 16 bits and saturate; those are better off with the model as it is.
    """
    import onnxruntime

    depth, width, large, largest = 64, 16, 255, 127
    weights = numpy_helper.from_array(np.full((depth, width), largest, np.int8), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["data", "weights"], ["sums"])],
        "probe",
        [helper.make_tensor_value_info("data", onnx.TensorProto.UINT8, [width, depth])],
        [helper.make_tensor_value_info("sums", onnx.TensorProto.INT32, [width, width])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _PROBE_OPSET)], ir_version=_PROBE_IR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    sums = session.run(None, {"data": np.full((width, depth), large, np.uint8)})[0]
    return bool((sums == depth * large * largest).all())


def rewrite(path: Path) -> bytes:
    """The model at `path`, rewritten and serialised. Raises UnexpectedGraph when its structure is not as expected."""
    model = onnx.load(str(path))
    try:
        _rewrite_graph(model.graph)
    except (KeyError, IndexError, StopIteration) as error:
        raise UnexpectedGraph(f"{path.name} has another structure: {error!r}") from error
    return bytes(model.SerializeToString())


def _rewrite_graph(graph: Any) -> None:
    view = _View.of(graph)
    constants = _Constants()
    new: dict[int, list[Any]] = {}  # by position of the node that is replaced
    gone: set[int] = set()
    for node in graph.node:
        if node.op_type == "ConvInteger" and (conv := _Conv.read(node, view)):
            new[view.position[conv.chain[-1].output[0]]] = list(conv.as_matmul(constants))
            gone.update(view.position[n.output[0]] for n in conv.chain)
        elif node.op_type == "Pow" and node.input[1] in view.initial and view.value(node.input[1]) == 2:
            node.op_type, node.input[1] = "Mul", node.input[0]
    if not new:
        raise UnexpectedGraph("no integer convolution in it")
    _cap_lengths(graph, view, new)
    nodes: list[Any] = []
    for position, node in enumerate(graph.node):
        nodes += new.get(position, [] if position in gone else [node])
    nodes = _needed(nodes, {o.name for o in graph.output})
    used = {name for node in nodes for name in node.input}
    initial = [i for i in [*graph.initializer, *constants.tensors] if i.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(initial)


@dataclass
class _View:
    """Who makes and who reads each value of a graph."""

    initial: dict[str, Any]
    maker: dict[str, Any]
    readers: dict[str, list[Any]]
    position: dict[str, int]  # of the node that makes a value

    @classmethod
    def of(cls, graph: Any) -> _View:
        readers: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                readers[name].append(node)
        return cls(
            initial={i.name: i for i in graph.initializer},
            maker={name: node for node in graph.node for name in node.output},
            readers=readers,
            position={name: k for k, node in enumerate(graph.node) for name in node.output},
        )

    def value(self, name: str) -> Any:
        return numpy_helper.to_array(self.initial[name])

    def only_reader(self, node: Any, op_type: str) -> Any:
        (reader,) = self.readers[node.output[0]] or [None]
        if reader is None or reader.op_type != op_type:
            raise KeyError(f"no {op_type} after {node.name}")
        return reader

    def other_input(self, node: Any, name: str) -> str:
        return next(str(i) for i in node.input if i != name)


class _Constants:
    """New initializers, each name once."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self._names: set[str] = set()

    def add(self, name: str, value: Any) -> str:
        if name not in self._names:
            self._names.add(name)
            self.tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name


@dataclass
class _Conv:
    """One quantised convolution: ConvInteger [+ bias], cast to float, times the scale."""

    chain: list[Any]  # the nodes that are replaced, first to last
    weights: np.ndarray  # uint8 [out, in, taps]
    weights_zero: int
    weights_scale: str
    data: str  # uint8 [1, in, time]
    data_zero: str
    data_scale: str
    bias: str | None  # float32 [out]
    dilation: int
    padding: int

    @classmethod
    def read(cls, node: Any, view: _View) -> _Conv | None:
        """The convolution that `node` belongs to; None when it is better left alone."""
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        weights = view.value(node.input[1])
        if weights.dtype != np.uint8 or attributes["strides"] != [1] or min(weights.shape[:2]) < _MIN_CHANNELS:
            return None
        chain, bias = [node], None
        after = view.readers[node.output[0]][0]
        if after.op_type == "Add":  # the bias, rounded on its way: Div by the scale, Floor, Cast, Reshape
            chain.append(after)
            source = view.maker[view.other_input(after, node.output[0])]
            while source.op_type != "Div":
                source = view.maker[source.input[0]]
            bias = source.input[0]
        cast = view.only_reader(chain[-1], "Cast")
        scaled = view.only_reader(cast, "Mul")
        scale = view.maker[view.other_input(scaled, cast.output[0])]
        if scale.op_type != "Mul":
            raise KeyError(f"scale of {node.name}")
        return cls(
            chain=[*chain, cast, scaled],
            weights=weights,
            weights_zero=int(view.value(node.input[3])),
            weights_scale=scale.input[1],
            data=node.input[0],
            data_zero=node.input[2],
            data_scale=scale.input[0],
            bias=bias,
            dilation=attributes["dilations"][0],
            padding=attributes["pads"][0],
        )

    def as_matmul(self, constants: _Constants) -> Iterator[Any]:
        """Nodes with the same result: columns [time, taps x in] gathered, times weights [taps x in, out]."""
        name = self.chain[0].name
        n_out, n_in, taps = self.weights.shape
        columns = f"{name}/rows"
        yield _node("Transpose", [self.data], columns, perm=[0, 2, 1])
        if taps > 1:
            pads = constants.add(f"pads/{self.padding}", np.array([0, self.padding, 0, 0, self.padding, 0], np.int64))
            yield _node("Pad", [columns, pads, self.data_zero], f"{name}/padded")
            shifted = []
            for tap in range(taps):
                first, cut = tap * self.dilation, (taps - 1 - tap) * self.dilation
                bounds = [
                    constants.add(f"from/{first}", np.array([first], np.int64)),
                    constants.add(f"to/-{cut}", np.array([-cut if cut else _END], np.int64)),
                    constants.add("axis/1", np.array([1], np.int64)),
                ]
                shifted.append(f"{name}/tap{tap}")
                yield _node("Slice", [f"{name}/padded", *bounds], shifted[-1])
            columns = f"{name}/columns"
            yield _node("Concat", shifted, columns, axis=2)
        signed = (self.weights.astype(np.int16) - _UNSIGNED_MIDDLE).astype(np.int8)
        matrix = np.ascontiguousarray(signed.transpose(2, 1, 0).reshape(taps * n_in, n_out))
        zero = self.weights_zero - _UNSIGNED_MIDDLE
        inputs = [
            columns,
            constants.add(f"{name}/weights", matrix),
            self.data_scale,
            self.weights_scale,
            self.data_zero,
            constants.add(f"zero/{zero}", np.int8(zero)),
        ]
        if self.bias:
            inputs.append(self.bias)
        yield _node("MatMulIntegerToFloat", inputs, f"{name}/sums", domain="com.microsoft")
        yield _node("Transpose", [f"{name}/sums"], self.chain[-1].output[0], perm=[0, 2, 1])


def _node(op_type: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return helper.make_node(op_type, inputs, [output], name=f"{output}/{op_type}", **attributes)


def _cap_lengths(graph: Any, view: _View, new: dict[int, list[Any]]) -> None:
    """Add the input that caps each token's length, and the output that tells it."""
    clip, row = (next(n for n in graph.node if n.name == name) for name in (_DURATION_NODE, _DURATION_ROW))
    capped = f"{clip.output[0]}/capped"
    for reader in view.readers[clip.output[0]]:
        for k, name in enumerate(reader.input):
            if name == clip.output[0]:
                reader.input[k] = capped
    new[view.position[clip.output[0]]] = [clip, _node("Min", [clip.output[0], MAX_FRAMES_INPUT], capped)]
    new[view.position[row.output[0]]] = [row, _node("Identity", [row.output[0]], FRAMES_OUTPUT)]
    tokens = graph.input[0].type.tensor_type.shape.dim[1].dim_param
    graph.input.append(helper.make_tensor_value_info(MAX_FRAMES_INPUT, onnx.TensorProto.FLOAT, [tokens]))
    graph.output.append(helper.make_tensor_value_info(FRAMES_OUTPUT, onnx.TensorProto.INT64, [tokens]))


def _needed(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """`nodes` without those whose results nobody reads, in the same order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):  # nodes are in topological order: readers come after makers
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]
