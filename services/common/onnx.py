"""ONNX Runtime on a machine with other work to do: its options, and Silero's voice activity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_SPIN_US = 20
_SPINS_BRIEFLY = (1, 31)  # the first version with that limit
_PROBE_SIZE = 64  # rows, columns and depth of the matrices
_PROBE_OPSET = 17
_PROBE_IR = 8  # read by every onnxruntime since 1.15
_UINT8_MAX = 255
_INT8_MAX = 127


SILERO_FILE = "silero_vad_16k.onnx"
"""Of the model store."""
SILERO_FRAME = 512  # samples of one call at 16 kHz: 32 ms
SILERO_CONTEXT = 64  # samples of the previous frame before them


class Silero:
    """One stream through a model (snakers4/silero-vad v5, MIT), whose session others may share.

    The file is the one for 16 kHz and one stream at a time: the same probabilities to the last bit, in 0.6 of the time.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self._state = np.zeros((2, 1, 128), np.float32)

    def __call__(self, window: npt.NDArray[np.float32]) -> float:
        """Probability 0..1 that a frame is speech: float32 in [-1, 1], shape (576,), the context and the frame."""
        out, self._state = self.session.run(None, {"input": window[None], "state": self._state})
        return float(out[0, 0])


def open_model(model: Path | bytes, threads: int = 1) -> Any:
    """A session on `threads` cores; one is enough for small models. `model`: a file, or what is in one."""
    import onnxruntime

    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, session_options(threads), providers=["CPUExecutionProvider"])


def with_output(model: bytes, name: str) -> bytes:
    """`model` with one more output: the float tensor `name` within it.

    Two protobuf messages, one after the other, are read as one whose lists are joined (protobuf.dev, Encoding, "Last
    One Wins"). So this needs no package that knows ONNX: a ModelProto follows whose graph (field 7) has one output
    (field 12), a ValueInfoProto: its name (1), and its type (2), a tensor (1) of elements (1) of type 1, float.
    """
    value = _field(1, name.encode()) + _field(2, _field(1, b"\x08\x01"))
    return model + _field(7, _field(12, value))


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field of bytes: shorter than 128, whose length is one byte."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def session_options(threads: int) -> Any:
    """Session options for `threads` cores and one operator at a time.

    A waiting thread spins for 20 us and then sleeps. Spinning without an end, the default, takes the cores from all
    other programs: 2-11 s for 1 s of audio beside one of them. Sleeping at once costs a wake-up for each operator:
    a second of sound then takes SenseVoice a third longer (docs/performance.md).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    briefly = threads > 1 and _version(onnxruntime.__version__) >= _SPINS_BRIEFLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if briefly else "0")
    if briefly:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN_US))
    return options


def has_exact_int8() -> bool:
    """Whether unsigned times signed 8-bit products are summed without overflow here.

    x86 processors without VNNI add two products in 16 bits, where 2 x 255 x 127 saturates. This multiplies matrices of
    the largest values and checks the sums.
    """
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.full((_PROBE_SIZE, _PROBE_SIZE), _INT8_MAX, np.int8), "weights")
    shape = [_PROBE_SIZE, _PROBE_SIZE]
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["data", "weights"], ["sums"])],
        "probe",
        [helper.make_tensor_value_info("data", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, shape)],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _PROBE_OPSET)], ir_version=_PROBE_IR)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    sums = session.run(None, {"data": np.full(shape, _UINT8_MAX, np.uint8)})[0]
    return bool((sums == _PROBE_SIZE * _UINT8_MAX * _INT8_MAX).all())


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
