"""CAM++'s network as an ONNX graph, written straight from the weights that 3D-Speaker publishes.

Dense time-delay layers whose outputs are weighted by what surrounds them (arXiv 2303.00332), behind a small
convolutional front in time and frequency; mean and deviation over time; one linear layer.

Input: ``features`` float32 (N, T, 80), T >= 4, log-mel energies less their mean over T. Output: ``embeddings`` float32
(N, 192): the cosine of two of them tells how alike two voices are.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from huiyin.services.asr.graph_builder import GraphBuilder
from huiyin.services.asr.sensevoice.checkpoint import Weights
from huiyin.services.asr.signal.kaldi import MELS

_EPSILON = 1e-5  # of torch.nn.BatchNorm
_SURROUNDINGS = 100  # frames of 20 ms that are averaged for a layer's weights
_DILATIONS = {"block1": 1, "block2": 2, "block3": 2}
_STRIDES = (2, 1)  # in frequency, of a stage's two residual blocks
_FIRST_STRIDE = 2  # in time: from 10 ms to 20 ms


def build_graph(weights: Weights) -> onnx.ModelProto:
    """The graph, weights included. Raises KeyError naming a missing tensor."""
    return _Builder(weights).build()


class _Builder(GraphBuilder):
    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self._weights = weights

    def build(self) -> onnx.ModelProto:
        x = self._front("features")
        x = self._conv(x, "xvector.tdnn.linear", strides=[_FIRST_STRIDE])
        x = self._norm_relu(x, "xvector.tdnn.nonlinear.batchnorm")
        for block, dilation in _DILATIONS.items():
            x = self._dense_block(x, f"xvector.{block}", dilation)
            transit = f"xvector.{block.replace('block', 'transit')}"
            x = self._conv(self._norm_relu(x, f"{transit}.nonlinear.batchnorm"), f"{transit}.linear")
        x = self._statistics(self._norm_relu(x, "xvector.out_nonlinear.batchnorm"))
        x = self._conv(x, "xvector.dense.linear")
        x = self._norm(x, "xvector.dense.nonlinear.batchnorm")
        self.node_many("Squeeze", [x, self.constant(np.array([2]))], ["embeddings"])
        size = len(self._weights["xvector.dense.linear.weight"])
        return self.model(
            "campplus",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", "T", MELS])],
            [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["N", size])],
        )

    def _front(self, features: str) -> str:
        """Features as a picture, (N, 1, 80, T), through residual blocks: (N, channels, T)."""
        picture = self.node("Transpose", [features], perm=[0, 2, 1])
        picture = self.node("Unsqueeze", [picture, self.constant(np.array([1]))])
        x = self._norm_relu(self._conv(picture, "head.conv1"), "head.bn1")
        for stage in ("head.layer1", "head.layer2"):
            for number, stride in enumerate(_STRIDES):
                x = self._residual(x, f"{stage}.{number}", stride)
        x = self._norm_relu(self._conv(x, "head.conv2", strides=[2, 1]), "head.bn2")
        channels = len(self._weights["head.conv2.weight"]) * (MELS // 8)
        return self.node("Reshape", [x, self.constant(np.array([0, channels, -1]))])

    def _residual(self, x: str, name: str, stride: int) -> str:
        y = self._norm_relu(self._conv(x, f"{name}.conv1", strides=[stride, 1]), f"{name}.bn1")
        y = self._norm(self._conv(y, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.shortcut.0.weight" in self._weights:
            x = self._norm(self._conv(x, f"{name}.shortcut.0", strides=[stride, 1]), f"{name}.shortcut.1")
        return self.node("Relu", [self.node("Add", [y, x])])

    def _dense_block(self, x: str, name: str, dilation: int) -> str:
        """Each layer's output is joined to its input."""
        number = 1
        while f"{name}.tdnnd{number}.linear1.weight" in self._weights:
            layer = f"{name}.tdnnd{number}"
            y = self._conv(self._norm_relu(x, f"{layer}.nonlinear1.batchnorm"), f"{layer}.linear1")
            y = self._masked(self._norm_relu(y, f"{layer}.nonlinear2.batchnorm"), f"{layer}.cam_layer", dilation)
            x = self.node("Concat", [x, y], axis=1)
            number += 1
        return x

    def _masked(self, x: str, name: str, dilation: int) -> str:
        """A convolution, weighted by the mean of all of `x` and of its surroundings: the context-aware mask."""
        local = self._conv(x, f"{name}.linear_local", dilations=[dilation])
        whole = self.node("ReduceMean", [x], axes=[2], keepdims=1)
        context = self.node("Add", [whole, self._surroundings(x)])
        hidden = self.node("Relu", [self._conv(context, f"{name}.linear1")])
        return self.node("Mul", [local, self.node("Sigmoid", [self._conv(hidden, f"{name}.linear2")])])

    def _surroundings(self, x: str) -> str:
        """The mean of every 100 frames in place of each of them; the last are as many as there are."""
        span = [_SURROUNDINGS]
        means = self.node("AveragePool", [x], kernel_shape=span, strides=span, ceil_mode=1, count_include_pad=0)
        column = self.node("Unsqueeze", [means, self.constant(np.array([3]))])
        spread = self.node("Expand", [column, self.constant(np.array([1, 1, 1, _SURROUNDINGS]))])
        long = self.node("Reshape", [spread, self.constant(np.array([0, 0, -1]))])
        frames = self.node("Shape", [x], start=2, end=3)
        return self.node("Slice", [long, self.constant(np.array([0])), frames, self.constant(np.array([2]))])

    def _statistics(self, x: str) -> str:
        """(N, C, T) -> (N, 2C, 1): mean and standard deviation over time."""
        mean = self.node("ReduceMean", [x], axes=[2], keepdims=1)
        apart = self.node("Sub", [x, mean])
        squares = self.node("ReduceSum", [self.node("Mul", [apart, apart]), self.constant(np.array([2]))], keepdims=1)
        frames = self.node("Cast", [self.node("Shape", [x], start=2, end=3)], to=TensorProto.FLOAT)
        variance = self.node("Div", [squares, self.node("Sub", [frames, self.constant(np.float32(1))])])
        return self.node("Concat", [mean, self.node("Sqrt", [variance])], axis=1)

    def _conv(self, x: str, name: str, strides: list[int] | None = None, dilations: list[int] | None = None) -> str:
        """A convolution that keeps the length, but for its stride."""
        weight = self._weights[f"{name}.weight"]
        inputs = [x, self.constant(weight)]
        if f"{name}.bias" in self._weights:
            inputs.append(self.constant(self._weights[f"{name}.bias"]))
        dilations = dilations or [1] * (weight.ndim - 2)
        sides = [size // 2 * dilation for size, dilation in zip(weight.shape[2:], dilations, strict=True)]
        strides = strides or [1] * len(sides)
        return self.node("Conv", inputs, strides=strides, dilations=dilations, pads=[*sides, *sides])

    def _norm(self, x: str, name: str) -> str:
        mean, variance = (self._weights[f"{name}.running_{part}"] for part in ("mean", "var"))
        scale = self._weights.get(f"{name}.weight", np.ones_like(mean))
        bias = self._weights.get(f"{name}.bias", np.zeros_like(mean))
        inputs = [self.constant(np.array(value)) for value in (scale, bias, mean, variance)]
        return self.node("BatchNormalization", [x, *inputs], epsilon=_EPSILON)

    def _norm_relu(self, x: str, name: str) -> str:
        return self.node("Relu", [self._norm(x, name)])
