"""SenseVoice's network as an ONNX graph, written straight from the weights that FunASR loads.

What the stock model computes (arXiv 2407.04051; SAN-M layers: arXiv 2006.01713), for one recording at a time: no
padding, so no masks; attention in one node; the memory block's residual folded into its filter; the head's
probabilities only for frames with a token. It needs neither PyTorch nor tracing: the weights are mapped, transposed,
and written one after the other to a file beside the graph, from which onnxruntime maps them. What
that saves over tracing: docs/performance.md.

Inputs: ``features`` float32 (1, T, 560), T >= 1; ``queries`` int64 (1, 4), rows of the embedding that ask for
language, emotion, event and style. Outputs: ``tokens`` int64 (4 + T,), the likeliest token of each of the four
answers and of each 60 ms frame; ``probabilities`` float32 (4 + T,), of that token where it is not blank, else 0;
``tags`` float32 (4, vocabulary), logits of the four answers.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, helper

from huiyin.services.asr.graph_builder import GraphBuilder
from huiyin.services.asr.sensevoice.checkpoint import Weights
from huiyin.services.asr.sensevoice.tags import QUERIES

_EPSILON = 1e-5  # of torch.nn.LayerNorm
_POSITION_BASE = 10_000.0
_BLANK = 0


def build_graph(weights: Weights, heads: int, levels: int, data: BinaryIO, data_name: str) -> onnx.ModelProto:
    """The graph, for a file beside `data_name`; the large constants go to `data`, which is empty and open.

    `heads`: attention heads (``attention_heads`` in the model's config). `levels`: 0 keeps float32; 127 or 63 gives
    int8 weights with that many steps each way. Raises KeyError naming a missing tensor.
    """
    return _Builder(weights, heads, levels, data, data_name).build()


class _Builder(GraphBuilder):
    def __init__(self, weights: Weights, heads: int, levels: int, data: BinaryIO, data_name: str) -> None:
        super().__init__(data, data_name)
        self._weights, self._heads, self._levels = weights, heads, levels
        self._size = len(weights["encoder.after_norm.weight"])

    def build(self) -> onnx.ModelProto:
        last = self._encoder(self._input())
        self._head(last)
        vocabulary = len(self._weights["ctc.ctc_lo.bias"])
        features = len(self._weights["embed.weight"][0])
        return self.model(
            "sensevoice",
            [
                helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "T", features]),
                helper.make_tensor_value_info("queries", TensorProto.INT64, [1, QUERIES]),
            ],
            [
                helper.make_tensor_value_info("tokens", TensorProto.INT64, ["T + 4"]),
                helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["T + 4"]),
                helper.make_tensor_value_info("tags", TensorProto.FLOAT, [QUERIES, vocabulary]),
            ],
        )

    def _input(self) -> str:
        """Query embeddings before the features, scaled, with sinusoidal positions from 1 added."""
        table = self._weights["embed.weight"]
        queries = self.node("Gather", [self.constant(table), "queries"])
        joined = self.node("Concat", [queries, "features"], axis=1)
        scaled = self.node("Mul", [joined, self.constant(np.float32(self._size**0.5))])
        half = table.shape[1] // 2
        rates = np.exp(np.arange(half) * -(np.log(_POSITION_BASE) / (half - 1))).astype(np.float32)
        length = self.node("Gather", [self.node("Shape", [joined]), self.constant(np.int64(1))])
        one = self.constant(np.int64(1))
        counted = self.node("Range", [one, self.node("Add", [length, one]), one])
        positions = self.node("Cast", [counted], to=TensorProto.FLOAT)
        column = self.node("Unsqueeze", [positions, self.constant(np.array([0, 2]))])
        angles = self.node("Mul", [column, self.constant(rates.reshape(1, 1, -1))])
        waves = self.node("Concat", [self.node("Sin", [angles]), self.node("Cos", [angles])], axis=2)
        return self.node("Add", [scaled, waves])

    def _encoder(self, x: str) -> str:
        """All blocks and both norms. Each residual sum is made by the norm that follows it."""
        name = "encoder.encoders0.0"
        first, values = self._attention(name, self._layer_norm(x, f"{name}.norm1"))
        # The first block changes the width: there is nothing to add its attention to.
        normed, residual = self._add_norm(values, first, f"{name}.norm2")
        x = self._feed_forward(name, normed)
        for name in self._blocks("encoder.encoders"):
            x, residual = self._block(name, x, residual)
        normed, _ = self._add_norm(x, residual, "encoder.after_norm")
        x, residual = "", normed  # begins anew from the norm
        for name in self._blocks("encoder.tp_encoders"):
            x, residual = self._block(name, x, residual)
        return self._add_norm(x, residual, "encoder.tp_norm")[0]

    def _block(self, name: str, x: str, residual: str) -> tuple[str, str]:
        """(output still to be added, residual) of one SAN-M block."""
        normed, residual = self._add_norm(x, residual, f"{name}.norm1")
        attended, memory = self._attention(name, normed)
        normed, residual = self._add_norm(self.node("Add", [attended, memory]), residual, f"{name}.norm2")
        return self._feed_forward(name, normed), residual

    def _attention(self, name: str, x: str) -> tuple[str, str]:
        """(self-attention, its memory block): each (1, T, size)."""
        joined = self._linear(x, f"{name}.self_attn.linear_q_k_v")
        sizes = self.constant(np.full(3, self._size))
        query, key, value = self.node_many("Split", [joined, sizes], 3, axis=-1)
        attended = self.node("MultiHeadAttention", [query, key, value], "com.microsoft", num_heads=self._heads)
        taps = np.array(self._weights[f"{name}.self_attn.fsmn_block.weight"])
        taps[:, 0, taps.shape[2] // 2] += 1.0  # the block adds its input to its output
        side = taps.shape[2] // 2
        # As a picture one point high: onnxruntime filters all its channels in one call. Short sound takes 10 % less.
        height = self.constant(np.array([2]))
        turned = self.node("Transpose", [self.node("Unsqueeze", [value, height])], perm=[0, 3, 1, 2])
        taps = taps[:, :, :, None]
        filtered = self.node("Conv", [turned, self.constant(taps)], group=self._size, pads=[side, 0, side, 0])
        memory = self.node("Squeeze", [self.node("Transpose", [filtered], perm=[0, 2, 3, 1]), height])
        return self._linear(attended, f"{name}.self_attn.linear_out"), memory

    def _feed_forward(self, name: str, x: str) -> str:
        hidden = self.node("Relu", [self._linear(x, f"{name}.feed_forward.w_1")])
        return self._linear(hidden, f"{name}.feed_forward.w_2")

    def _head(self, x: str) -> None:
        """Tokens and tags from the last layer."""
        logits = self.node("Squeeze", [self._linear(x, "ctc.ctc_lo"), self.constant(np.array([0]))])
        zero, four = (self.constant(np.array([n])) for n in (0, QUERIES))
        self.node_many("Slice", [logits, zero, four], ["tags"])
        self.node_many("ArgMax", [logits], ["tokens"], axis=1, keepdims=0)
        # exp() over 25,000 tokens a frame costs as much as a layer: only for the frames that hold a token.
        spoken = self.node("Not", [self.node("Equal", ["tokens", self.constant(np.int64(_BLANK))])])
        rows = self.node("Transpose", [self.node("NonZero", [spoken])], perm=[1, 0])
        likely = self.node("Softmax", [self.node("GatherND", [logits, rows])], axis=1)
        best = self.node("ReduceMax", [likely], axes=[1], keepdims=0)
        blank = self.node("ConstantOfShape", [self.node("Shape", ["tokens"])])
        self.node_many("ScatterND", [blank, rows, best], ["probabilities"])

    def _linear(self, x: str, name: str) -> str:
        """x W^T + b. With int8 weights: one scale for each output, the input rounded to 8 bits by its own range."""
        weight, bias = self._weights[f"{name}.weight"], self.constant(self._weights[f"{name}.bias"])
        if not self._levels:
            return self.node("Add", [self.node("MatMul", [x, self.constant(weight.T)]), bias])
        scale = np.maximum(np.abs(weight).max(axis=1), np.finfo(np.float32).tiny) / self._levels
        whole = np.rint(weight / scale[:, None]).astype(np.int8)
        inputs = [x, self.constant(whole.T), self.constant(scale.astype(np.float32)), "", bias]
        return self.node("DynamicQuantizeMatMul", inputs, "com.microsoft")

    def _layer_norm(self, x: str, name: str) -> str:
        scale, bias = (self.constant(self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.node("LayerNormalization", [x, scale, bias], epsilon=_EPSILON)

    def _add_norm(self, x: str, residual: str, name: str) -> tuple[str, str]:
        """(norm of x + residual, x + residual); '' for `x` adds nothing."""
        total = self.node("Add", [x, residual]) if x else residual
        return self._layer_norm(total, name), total

    def _blocks(self, prefix: str) -> list[str]:
        count = 0
        while f"{prefix}.{count}.norm1.weight" in self._weights:
            count += 1
        return [f"{prefix}.{index}" for index in range(count)]
