"""What a client may ask for: one small class an event."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.faces.connections.requests import ClientEvent
from huiyin.assistant.faces.connections.wire import Json


@dataclass(frozen=True, kw_only=True)
class SessionUpdate(ClientEvent):
    """Change what `session` names; the rest stays."""

    TYPE = "session.update"
    session: Json


@dataclass(frozen=True, kw_only=True)
class AudioAppend(ClientEvent):
    """More of the user's sound, in base64."""

    TYPE = "input_audio_buffer.append"
    audio: str


@dataclass(frozen=True, kw_only=True)
class AudioCommit(ClientEvent):
    """Make a user's item of the sound so far."""

    TYPE = "input_audio_buffer.commit"


@dataclass(frozen=True, kw_only=True)
class AudioClear(ClientEvent):
    """Forget the sound so far."""

    TYPE = "input_audio_buffer.clear"


@dataclass(frozen=True, kw_only=True)
class ItemCreate(ClientEvent):
    """Put an item into the conversation: at its end, at its beginning ("root"), or after another."""

    TYPE = "conversation.item.create"
    item: Json
    previous_item_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ItemRetrieve(ClientEvent):
    """Tell what an item is."""

    TYPE = "conversation.item.retrieve"
    item_id: str


@dataclass(frozen=True, kw_only=True)
class ItemTruncate(ClientEvent):
    """Of this item of the assistant only so much was heard."""

    TYPE = "conversation.item.truncate"
    item_id: str
    content_index: int = 0
    audio_end_ms: int


@dataclass(frozen=True, kw_only=True)
class ItemDelete(ClientEvent):
    """Remove an item."""

    TYPE = "conversation.item.delete"
    item_id: str


@dataclass(frozen=True, kw_only=True)
class ResponseCreate(ClientEvent):
    """Respond, now."""

    TYPE = "response.create"
    response: Json | None = None


@dataclass(frozen=True, kw_only=True)
class ResponseCancel(ClientEvent):
    """End the response."""

    TYPE = "response.cancel"
    response_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class OutputClear(ClientEvent):
    """Drop the sound that is being sent (WebRTC)."""

    TYPE = "output_audio_buffer.clear"


CLIENT_EVENTS: tuple[type[ClientEvent], ...] = (
    SessionUpdate,
    AudioAppend,
    AudioCommit,
    AudioClear,
    ItemCreate,
    ItemRetrieve,
    ItemTruncate,
    ItemDelete,
    ResponseCreate,
    ResponseCancel,
    OutputClear,
)
