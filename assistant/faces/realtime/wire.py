"""What is sent to the client: one small class an event, and nothing else. What it asks for: `requests.py`.

Objects inside the events (session, item, response, part) are JSON objects as the protocol has them.
"""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError
from huiyin.services.common.reader_language import in_readers_words


@dataclass(frozen=True)
class Error(ServerEvent):
    """Something was wrong; the session goes on."""

    TYPE = "error"
    error: Json


@dataclass(frozen=True)
class SessionCreated(ServerEvent):
    """The first event: the whole session as it begins."""

    TYPE = "session.created"
    session: Json


@dataclass(frozen=True)
class SessionUpdated(ServerEvent):
    """The whole session as it is now."""

    TYPE = "session.updated"
    session: Json


@dataclass(frozen=True)
class SpeechStarted(ServerEvent):
    """The user has the floor: whatever the client still plays is to be thrown away. Times are in appended sound."""

    TYPE = "input_audio_buffer.speech_started"
    item_id: str
    audio_start_ms: int


@dataclass(frozen=True)
class SpeechStopped(ServerEvent):
    """The user's turn is over."""

    TYPE = "input_audio_buffer.speech_stopped"
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True)
class BufferCommitted(ServerEvent):
    """The sound so far became a user's item."""

    TYPE = "input_audio_buffer.committed"
    item_id: str
    previous_item_id: str | None


@dataclass(frozen=True)
class BufferCleared(ServerEvent):
    """The sound so far was forgotten."""

    TYPE = "input_audio_buffer.cleared"


@dataclass(frozen=True)
class TimeoutTriggered(ServerEvent):
    """The user has been silent for `idle_timeout_ms`; a response follows."""

    TYPE = "input_audio_buffer.timeout_triggered"
    item_id: str
    audio_start_ms: int
    audio_end_ms: int


@dataclass(frozen=True)
class OutputStarted(ServerEvent):
    """A response begins to sound (WebRTC)."""

    TYPE = "output_audio_buffer.started"
    response_id: str


@dataclass(frozen=True)
class OutputStopped(ServerEvent):
    """All sound of a response has been sent in real time (WebRTC)."""

    TYPE = "output_audio_buffer.stopped"
    response_id: str


@dataclass(frozen=True)
class OutputCleared(ServerEvent):
    """No more of a response's sound comes, though there was more (WebRTC)."""

    TYPE = "output_audio_buffer.cleared"
    response_id: str


@dataclass(frozen=True)
class ItemAdded(ServerEvent):
    """An item stands in the conversation, after `previous_item_id`; None: it is the first."""

    TYPE = "conversation.item.added"
    item: Json
    previous_item_id: str | None


@dataclass(frozen=True)
class ItemDone(ServerEvent):
    """An item is whole."""

    TYPE = "conversation.item.done"
    item: Json
    previous_item_id: str | None


@dataclass(frozen=True)
class ItemRetrieved(ServerEvent):
    """An item that was asked for."""

    TYPE = "conversation.item.retrieved"
    item: Json


@dataclass(frozen=True)
class ItemDeleted(ServerEvent):
    """An item is gone."""

    TYPE = "conversation.item.deleted"
    item_id: str


@dataclass(frozen=True)
class ItemTruncated(ServerEvent):
    """Of an assistant's item what was heard is left."""

    TYPE = "conversation.item.truncated"
    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True)
class TranscriptionDelta(ServerEvent):
    """More of the user's words, to be added to those before."""

    TYPE = "conversation.item.input_audio_transcription.delta"
    item_id: str
    content_index: int
    delta: str


@dataclass(frozen=True)
class TranscriptionCompleted(ServerEvent):
    """All of the user's words."""

    TYPE = "conversation.item.input_audio_transcription.completed"
    item_id: str
    content_index: int
    transcript: str
    usage: Json


@dataclass(frozen=True)
class TranscriptionFailed(ServerEvent):
    """The user's words could not be recognised."""

    TYPE = "conversation.item.input_audio_transcription.failed"
    item_id: str
    content_index: int
    error: Json


@dataclass(frozen=True)
class ResponseCreated(ServerEvent):
    """A response begins."""

    TYPE = "response.created"
    response: Json


@dataclass(frozen=True)
class ResponseDone(ServerEvent):
    """A response is over: nothing more of it comes."""

    TYPE = "response.done"
    response: Json


@dataclass(frozen=True)
class OutputItemAdded(ServerEvent):
    """An item of a response begins."""

    TYPE = "response.output_item.added"
    response_id: str
    output_index: int
    item: Json


@dataclass(frozen=True)
class OutputItemDone(ServerEvent):
    """An item of a response is over."""

    TYPE = "response.output_item.done"
    response_id: str
    output_index: int
    item: Json


@dataclass(frozen=True)
class _OfPart(ServerEvent):
    """Something about a part of an item of a response."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int


@dataclass(frozen=True)
class PartAdded(_OfPart):
    """A part begins."""

    TYPE = "response.content_part.added"
    part: Json


@dataclass(frozen=True)
class PartDone(_OfPart):
    """A part is over."""

    TYPE = "response.content_part.done"
    part: Json


@dataclass(frozen=True)
class AudioDelta(_OfPart):
    """More sound, in base64."""

    TYPE = "response.output_audio.delta"
    delta: str


@dataclass(frozen=True)
class AudioDone(_OfPart):
    """No more sound of this part comes."""

    TYPE = "response.output_audio.done"


@dataclass(frozen=True)
class TranscriptDelta(_OfPart):
    """More of the words that are spoken."""

    TYPE = "response.output_audio_transcript.delta"
    delta: str


@dataclass(frozen=True)
class TranscriptDone(_OfPart):
    """All words that were spoken."""

    TYPE = "response.output_audio_transcript.done"
    transcript: str


@dataclass(frozen=True)
class TextDelta(_OfPart):
    """More text."""

    TYPE = "response.output_text.delta"
    delta: str


@dataclass(frozen=True)
class TextDone(_OfPart):
    """All text."""

    TYPE = "response.output_text.done"
    text: str


@dataclass(frozen=True)
class ArgumentsDelta(ServerEvent):
    """More of the arguments of a function call."""

    TYPE = "response.function_call_arguments.delta"
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    delta: str


@dataclass(frozen=True)
class ArgumentsDone(ServerEvent):
    """All arguments of a function call, JSON text."""

    TYPE = "response.function_call_arguments.done"
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    name: str
    arguments: str


def error_event(error: WireError, event_id: str | None = None, *, kind: str = "invalid_request_error") -> Error:
    """What is wrong, with the client's event that caused it."""
    detail = {
        "type": kind,
        "code": error.code,
        "message": in_readers_words(error.key, **error.facts),
        "param": error.param,
        "event_id": event_id or error.event_id,
    }
    return Error(detail)
