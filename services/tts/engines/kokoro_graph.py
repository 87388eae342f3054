"""Kokoro's ONNX graph (kokoro-v1.0.int8.onnx), rewritten for speed when it is loaded. No weight changes its value.

* The integer convolutions become matrix products (`_multiply_in_8_bits`).
* Some steps take fewer passes over the samples (`kokoro_passes`).
* The graph is cut in two before the generator, which does 90 % of the work: there the caller leaves out most silent
  frames and weights the others to stand for them in the generator's normalisation (`_weigh_frames`).

Why, and what was measured: docs/speech.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.onnx_ml_pb2 import TensorProto

from huiyin.services.common.errors import ModelError
from huiyin.services.tts.engines.kokoro_passes import scale_channels_at_once, transform_by_multiplying
from huiyin.services.tts.engines.onnx_graph import Constants, View, node_of, other_input, set_nodes

# The values between the two halves, their inputs and outputs.
FEATURES = "features"  # float32 [1, 512, frames] of 12.5 ms
PITCH = "pitch"  # float32 [1, frames]: F0 in hertz
ENERGY = "energy"  # float32 [1, frames]: log energy; below -6 nothing is audible
TOKENS = "tokens"
STYLE = "style"
SPEED = "speed"
AUDIO = "audio"
PITCH_FACTOR = "pitch_factor"  # float32 [1]: 1.0 is the voice's own pitch
ENDS = "ends"  # int64 [n]: where each token ends, in steps of two frames
FRAMES_PER_STEP = 2
WEIGHTS = "weights"  # float32 [frames]: how often each frame counts in the generator's statistics

_OWN_PITCH = "own_pitch"
_EXPORTED = {
    "/decoder/decoder/decode.3/Div_4_output_0": FEATURES,
    "/encoder/Reshape_output_0": _OWN_PITCH,
    "/encoder/Reshape_1_output_0": ENERGY,
    "/encoder/CumSum_output_0": ENDS,
}

_FEATURE_SIZE = 512  # numbers a frame
_STYLE_SIZE = 256  # numbers a voice
_GENERATOR_NORM = re.compile(r"(?P<block>.*/generator/.*?)/adain.*")
_TIME_AXIS = 2
_MIN_CHANNELS = 16  # smaller convolutions are no faster as matrix products
_UNSIGNED_MIDDLE = 128  # 0..255 -> -128..127


class UnexpectedGraph(ModelError):
    """The model is not the export that this module rewrites."""


@dataclass(frozen=True)
class Halves:
    """Two serialised models."""

    reader: bytes
    """TOKENS int64 [1, n], STYLE float32 [1, 256], SPEED, PITCH_FACTOR float32 [1] -> FEATURES, PITCH, ENERGY, ENDS."""
    generator: bytes
    """FEATURES, PITCH, STYLE, WEIGHTS -> AUDIO float32 [300 * frames], 24 kHz."""


def split(path: Path, int8_products: bool) -> Halves:
    """The model at `path` in two; `int8_products`: with the convolutions as matrix products. Raises UnexpectedGraph."""
    model = onnx.load(str(path))
    graph = model.graph
    try:
        constants = Constants()
        _square_by_multiplying(graph)
        scale_channels_at_once(graph, _GENERATOR_NORM)
        transform_by_multiplying(graph, constants)
        if int8_products:
            _multiply_in_8_bits(graph, constants)
        _weigh_frames(graph, constants)
        graph.initializer.extend(constants.tensors)
        _rename(graph)
        _scale_pitch(graph)
        number = TensorProto.FLOAT
        style = {STYLE: (number, [1, _STYLE_SIZE])}
        text = {TOKENS: (TensorProto.INT64, [1, "tokens"]), SPEED: (number, [1]), PITCH_FACTOR: (number, [1]), **style}
        between = {FEATURES: (number, [1, _FEATURE_SIZE, "frames"]), PITCH: (number, [1, "frames"])}
        known = {ENERGY: (number, [1, "frames"]), ENDS: (TensorProto.INT64, ["tokens"])}
        weights = {WEIGHTS: (number, ["frames"])}
        sound = {AUDIO: (number, ["samples"])}
        return Halves(
            _part(model, text, {**between, **known}),
            _part(model, {**between, **style, **weights}, sound),
        )
    except (KeyError, IndexError, ValueError) as error:
        raise UnexpectedGraph("tts.unexpected_graph", model=path.name, error=error) from error


# --- faster arithmetic --------------------------------------------------------------------------------------------


def _square_by_multiplying(graph: Any) -> None:
    view = View(graph)
    for node in graph.node:
        if node.op_type == "Pow" and node.input[1] in view.initial and view.value(node.input[1]) == 2:
            node.op_type, node.input[1] = "Mul", node.input[0]


def _multiply_in_8_bits(graph: Any, constants: Constants) -> None:
    view = View(graph)
    replacements: dict[str, list[Any]] = {}  # output of a replaced node -> the new nodes
    for node in graph.node:
        if node.op_type == "ConvInteger" and (conv := _Conv.read(node, view)):
            replacements |= {replaced.output[0]: [] for replaced in conv.chain}
            replacements[conv.chain[-1].output[0]] = list(conv.as_matmul(constants))
    if not replacements:
        raise KeyError("no integer convolution")
    nodes: list[Any] = []
    for node in graph.node:
        nodes += replacements.get(node.output[0], [node])
    set_nodes(graph, nodes)


@dataclass
class _Conv:
    """One quantised convolution: ConvInteger [+ bias], cast to float, times the scale."""

    chain: list[Any]  # the nodes that are replaced, first to last
    weights: Any  # uint8 [out, in, taps]
    weights_zero: int
    weights_scale: str
    data: str  # uint8 [1, in, time]
    data_zero: str
    data_scale: str
    bias: str | None  # float32 [out]
    dilation: int
    padding: int

    @classmethod
    def read(cls, node: Any, view: View) -> _Conv | None:
        """The convolution that begins with `node`; None for one that stays as it is."""
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        weights = view.value(node.input[1])
        if weights.dtype != np.uint8 or attributes["strides"] != [1] or min(weights.shape[:2]) < _MIN_CHANNELS:
            return None
        chain = [node]
        bias = None
        after = view.readers[node.output[0]][0]
        if after.op_type == "Add":  # the bias, rounded on its way: Div by the scale, Floor, Cast, Reshape
            chain.append(after)
            source = view.maker[other_input(after, node.output[0])]
            while source.op_type != "Div":
                source = view.maker[source.input[0]]
            bias = source.input[0]
        cast = view.only_reader(chain[-1], "Cast")
        scaled = view.only_reader(cast, "Mul")
        scale = view.maker[other_input(scaled, cast.output[0])]
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

    def as_matmul(self, constants: Constants) -> Iterator[Any]:
        """Nodes with the same result: rows [time, taps x in] times weights [taps x in, out]."""
        name = self.chain[0].name
        n_out, n_in, taps = self.weights.shape
        rows = f"{name}/rows"
        yield node_of("Transpose", [self.data], rows, perm=[0, 2, 1])
        if taps > 1:
            pads = constants.vector(0, self.padding, 0, 0, self.padding, 0)
            yield node_of("Pad", [rows, pads, self.data_zero], f"{name}/padded")
            # The rows of all taps in one copy: output row t is made of the padded rows t, t + dilation, ...
            padding = constants.scalar(2 * self.padding - (taps - 1) * self.dilation)
            shifts = constants.vector(*range(0, taps * self.dilation, self.dilation))
            yield node_of("Shape", [rows], f"{name}/shape", start=1, end=2)
            yield node_of("Squeeze", [f"{name}/shape"], f"{name}/time")
            yield node_of("Add", [f"{name}/time", padding], f"{name}/steps")
            yield node_of("Range", [constants.scalar(0), f"{name}/steps", constants.scalar(1)], f"{name}/step")
            yield node_of("Unsqueeze", [f"{name}/step", constants.vector(1)], f"{name}/first")
            yield node_of("Add", [f"{name}/first", shifts], f"{name}/places")
            yield node_of("Gather", [f"{name}/padded", f"{name}/places"], f"{name}/taps", axis=1)
            yield node_of("Reshape", [f"{name}/taps", constants.vector(1, -1, taps * n_in)], f"{name}/all_rows")
            rows = f"{name}/all_rows"
        signed = (self.weights.astype(np.int16) - _UNSIGNED_MIDDLE).astype(np.int8)
        matrix = np.ascontiguousarray(signed.transpose(2, 1, 0).reshape(taps * n_in, n_out))
        zero = self.weights_zero - _UNSIGNED_MIDDLE
        inputs = [
            rows,
            constants.add(f"{name}/matrix", matrix),
            self.data_scale,
            self.weights_scale,
            self.data_zero,
            constants.add(f"int8/{zero}", np.int8(zero)),
            *([self.bias] if self.bias else []),
        ]
        yield node_of("MatMulIntegerToFloat", inputs, f"{name}/sums", domain="com.microsoft")
        yield node_of("Transpose", [f"{name}/sums"], self.chain[-1].output[0], perm=[0, 2, 1])


# --- weights for the silence that is left out ----------------------------------------------------------------------


def _weigh_frames(graph: Any, constants: Constants) -> None:
    """Weight every mean over time in the generator: [1, channels, time] times weights [time, 1]."""
    view = View(graph)
    nodes: list[Any] = []
    known: set[str] = set()
    for node in graph.node:
        norm = _GENERATOR_NORM.fullmatch(node.name)
        if node.op_type != "ReduceMean" or not norm or view.value(node.input[1]) != _TIME_AXIS:
            nodes.append(node)
            continue
        weights = f"weights/{norm['block']}"  # all norms of a block have the same time resolution
        if weights not in known:
            known.add(weights)
            nodes += _resampled_weights(node.input[0], weights, constants)
        nodes.append(node_of("MatMul", [node.input[0], weights], node.output[0]))
    if not known:
        raise KeyError("no normalisation over time")
    set_nodes(graph, nodes)


def _resampled_weights(like: str, name: str, constants: Constants) -> Iterator[Any]:
    """Nodes that compute `name` [time of `like`, 1] from WEIGHTS: each repeated, their sum 1."""

    def part(what: str) -> str:
        return f"{name}/{what}"

    yield node_of("Shape", [like], part("time"), start=_TIME_AXIS, end=_TIME_AXIS + 1)
    yield node_of("Shape", [WEIGHTS], part("frames"))
    yield node_of("Squeeze", [part("time")], part("steps"))
    yield node_of("Range", [constants.scalar(0), part("steps"), constants.scalar(1)], part("step"))
    yield node_of("Mul", [part("step"), part("frames")], part("scaled"))
    yield node_of("Div", [part("scaled"), part("time")], part("frame"))
    yield node_of("Gather", [WEIGHTS, part("frame")], part("each"))
    yield node_of("ReduceSum", [part("each")], part("sum"), keepdims=1)
    yield node_of("Div", [part("each"), part("sum")], part("share"))
    yield node_of("Unsqueeze", [part("share"), constants.vector(1)], name)


# --- cutting ------------------------------------------------------------------------------------------------------


def _rename(graph: Any) -> None:
    """Rename the values at the cut."""
    missing = set(_EXPORTED).difference(name for node in graph.node for name in node.output)
    if missing:
        raise KeyError(f"no {', '.join(sorted(missing))}")
    for node in graph.node:
        for names in (node.input, node.output):
            for k, name in enumerate(names):
                names[k] = _EXPORTED.get(name, name)


def _scale_pitch(graph: Any) -> None:
    """Multiply the voice's pitch by PITCH_FACTOR for all its readers."""
    nodes: list[Any] = []
    for node in graph.node:
        for k, name in enumerate(node.input):
            if name == _OWN_PITCH:
                node.input[k] = PITCH
        nodes.append(node)
        if _OWN_PITCH in node.output:
            nodes.append(node_of("Mul", [_OWN_PITCH, PITCH_FACTOR], PITCH))
    set_nodes(graph, nodes)


def _part(model: Any, inputs: dict[str, Any], outputs: dict[str, Any]) -> bytes:
    """The part of `model` from `inputs` to `outputs` (name -> type, shape), serialised."""
    needed = set(outputs)
    nodes: list[Any] = []
    for node in reversed(model.graph.node):  # in topological order: readers of a value come after its maker
        if needed.intersection(node.output) and not set(inputs).intersection(node.output):
            nodes.insert(0, node)
            needed.update(node.input)
    graph = helper.make_graph(
        nodes,
        model.graph.name,
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [helper.make_tensor_value_info(name, *kind) for name, kind in outputs.items()],
        [i for i in model.graph.initializer if i.name in needed],
    )
    part = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return bytes(part.SerializeToString())
