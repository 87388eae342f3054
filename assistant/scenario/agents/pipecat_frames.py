"""The messages of pipecat's WebSocket transports: protocol buffers, by pipecat's `frames.proto`.

Only what a caller needs: sound both ways, interruptions, messages of its client protocol (RTVI) as JSON. What else an
agent sends is left out when it is read.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_TYPES = descriptor_pb2.FieldDescriptorProto
# message: field: (number, type)
_FIELDS = {
    "AudioRawFrame": {
        "audio": (3, _TYPES.TYPE_BYTES),
        "sample_rate": (4, _TYPES.TYPE_UINT32),
        "num_channels": (5, _TYPES.TYPE_UINT32),
    },
    "MessageFrame": {"data": (1, _TYPES.TYPE_STRING)},
    "InterruptionFrame": {},
}
# field of `Frame`, which has one of them: (number, message)
_KINDS = {"audio": (2, "AudioRawFrame"), "message": (4, "MessageFrame"), "interruption": (5, "InterruptionFrame")}


def encode(kind: str, **fields: Any) -> bytes:
    """A frame: `audio` with audio, sample_rate, num_channels; `message` with data."""
    frame = _frame_class()()
    part = getattr(frame, kind)
    part.SetInParent()
    for name, value in fields.items():
        setattr(part, name, value)
    data: bytes = frame.SerializeToString()
    return data


def decode(data: bytes) -> tuple[str, Any]:
    """(kind, the message of that kind); ('', None) for a frame of another kind. Raises ValueError for anything else."""
    from google.protobuf.message import DecodeError

    try:
        frame = _frame_class().FromString(data)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    kind = frame.WhichOneof("frame")
    return (kind, getattr(frame, kind)) if kind else ("", None)


@cache
def _frame_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="huiyin/pipecat_frames.proto", package="pipecat", syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            message.field.add(name=field, number=number, type=kind, label=_TYPES.LABEL_OPTIONAL)
    frame = file.message_type.add(name="Frame")
    frame.oneof_decl.add(name="frame")
    for field, (number, name) in _KINDS.items():
        frame.field.add(
            name=field, number=number, type=_TYPES.TYPE_MESSAGE, type_name=f".pipecat.{name}",
            label=_TYPES.LABEL_OPTIONAL, oneof_index=0,
        )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pipecat.Frame"))
