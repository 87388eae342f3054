"""What a client may ask for: one small class an event."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.faces.connections.requests import ClientEvent
from huiyin.assistant.faces.connections.wire import Json


@dataclass(frozen=True, kw_only=True)
class SessionStart(ClientEvent):
    """Begin. The first event."""

    TYPE = "session.start"
    session: Json


@dataclass(frozen=True, kw_only=True)
class SessionUpdate(ClientEvent):
    """Change what is delegated; what is not named stays."""

    TYPE = "session.update"
    session: Json


@dataclass(frozen=True, kw_only=True)
class SessionClose(ClientEvent):
    """End."""

    TYPE = "session.close"


@dataclass(frozen=True, kw_only=True)
class AudioAppend(ClientEvent):
    """More of the user's sound, in base64."""

    TYPE = "session.input_audio.append"
    audio: str


@dataclass(frozen=True, kw_only=True)
class AudioMute(ClientEvent):
    """Do not hear the user."""

    TYPE = "session.input_audio.mute"


@dataclass(frozen=True, kw_only=True)
class AudioUnmute(ClientEvent):
    """Hear the user again."""

    TYPE = "session.input_audio.unmute"


@dataclass(frozen=True, kw_only=True)
class FixturePlay(ClientEvent):
    """Send this sound back, instead of speech: base64 of PCM, 24 kHz."""

    TYPE = "session.output_audio.fixture.play"
    audio: str


@dataclass(frozen=True, kw_only=True)
class Append(ClientEvent):
    """Text for the conversation, which may belong to a delegation."""

    content: str
    delegation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class InstructionsAppend(Append):
    """Instructions from now on."""

    TYPE = "session.instructions.append"


@dataclass(frozen=True, kw_only=True)
class ThinkingAppend(Append):
    """Something that the assistant is to know."""

    TYPE = "session.thinking.append"


@dataclass(frozen=True, kw_only=True)
class CommentaryAppend(Append):
    """Something that the assistant is to say."""

    TYPE = "session.commentary.append"


@dataclass(frozen=True, kw_only=True)
class ItemCreate(ClientEvent):
    """An item for the model that work is delegated to: the result of a function, a message."""

    TYPE = "response.item.create"
    item: Json


@dataclass(frozen=True, kw_only=True)
class ResponseCreate(ClientEvent):
    """Go on with these items."""

    TYPE = "response.create"


@dataclass(frozen=True, kw_only=True)
class DecisionCreate(ClientEvent):
    """Not supported."""

    TYPE = "decision.create"


@dataclass(frozen=True, kw_only=True)
class DecisionItemCreate(ClientEvent):
    """Not supported."""

    TYPE = "decision.item.create"


@dataclass(frozen=True, kw_only=True)
class DecisionItemDelete(ClientEvent):
    """Not supported."""

    TYPE = "decision.item.delete"


@dataclass(frozen=True, kw_only=True)
class DtmfSend(ClientEvent):
    """Not supported."""

    TYPE = "transport.dtmf.send"


CLIENT_EVENTS: tuple[type[ClientEvent], ...] = (
    SessionStart,
    SessionUpdate,
    SessionClose,
    AudioAppend,
    AudioMute,
    AudioUnmute,
    FixturePlay,
    InstructionsAppend,
    ThinkingAppend,
    CommentaryAppend,
    ItemCreate,
    ResponseCreate,
    DecisionCreate,
    DecisionItemCreate,
    DecisionItemDelete,
    DtmfSend,
)
