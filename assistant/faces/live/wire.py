"""What is sent to the client: one small class an event, and nothing else. What it asks for: `requests.py`.

Times are milliseconds since the session began. Objects inside the events are JSON objects as the protocol has them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError
from huiyin.services.common.reader_language import in_readers_words


@dataclass(frozen=True, kw_only=True)
class LiveEvent(ServerEvent):
    """A field that is None is left out."""

    client_event_id: str | None = None
    """The client's event that this answers."""

    def fields(self) -> Json:
        """As `ServerEvent.fields`."""
        return {name: value for name, value in super().fields().items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class SessionStarted(LiveEvent):
    """The first event: the whole session as it begins."""

    TYPE = "session.started"
    session: Json


@dataclass(frozen=True, kw_only=True)
class SessionUpdated(LiveEvent):
    """The whole session as it is now."""

    TYPE = "session.updated"
    session: Json


@dataclass(frozen=True, kw_only=True)
class SessionClosed(LiveEvent):
    """The last event."""

    TYPE = "session.closed"
    reason: str
    session: Json
    usage: Json


@dataclass(frozen=True, kw_only=True)
class UsageUpdated(LiveEvent):
    """How long the session has lasted, and how full the model's context is (0..1)."""

    TYPE = "session.usage.updated"
    usage: Json
    context_window: Json


@dataclass(frozen=True, kw_only=True)
class AudioDelta(LiveEvent):
    """More sound, to be played behind what was sent before."""

    TYPE = "session.output_audio.delta"
    delta: str

    def message(self, event_id: str) -> str:
        """As `ServerEvent.message`; in this protocol sound has no id."""
        return json.dumps({"type": self.TYPE, **self.fields()})


@dataclass(frozen=True, kw_only=True)
class Span(LiveEvent):
    """Something with a place in the session's time."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, kw_only=True)
class InputTranscript(Span):
    """What the user said."""

    TYPE = "session.input_transcript.delta"
    delta: str


@dataclass(frozen=True, kw_only=True)
class OutputTranscript(Span):
    """What is being said to the user, as far as it has been sent."""

    TYPE = "session.output_transcript.delta"
    delta: str


@dataclass(frozen=True, kw_only=True)
class InstructionsAppended(Span):
    """They count from now on."""

    TYPE = "session.instructions.appended"


@dataclass(frozen=True, kw_only=True)
class ThinkingAppended(Span):
    """It is known from now on."""

    TYPE = "session.thinking.appended"


@dataclass(frozen=True, kw_only=True)
class CommentaryAppended(Span):
    """It will be said."""

    TYPE = "session.commentary.appended"


@dataclass(frozen=True, kw_only=True)
class InputMuted(LiveEvent):
    """The user is not heard."""

    TYPE = "session.input_audio.muted"


@dataclass(frozen=True, kw_only=True)
class InputUnmuted(LiveEvent):
    """The user is heard again."""

    TYPE = "session.input_audio.unmuted"


@dataclass(frozen=True, kw_only=True)
class FixturePlaying(LiveEvent):
    """The client's own sound is being sent back to it."""

    TYPE = "session.output_audio.fixture.playing"


@dataclass(frozen=True, kw_only=True)
class FixturePlayed(LiveEvent):
    """All of it has been sent."""

    TYPE = "session.output_audio.fixture.played"


@dataclass(frozen=True, kw_only=True)
class DelegationCreated(LiveEvent):
    """The client has something to do."""

    TYPE = "session.delegation.created"
    offset_ms: int
    delegation: Json


@dataclass(frozen=True, kw_only=True)
class ResponseEvent(LiveEvent):
    """An event of the Responses API, within a delegation; `delegation_id` None: the client asked for it itself."""

    TYPE = "response.event"
    event: Json
    delegation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Info(LiveEvent):
    """Something that is good to know; `code` is for programs."""

    TYPE = "info"
    code: str
    words: str

    def fields(self) -> Json:
        """As `ServerEvent.fields`."""
        fields = super().fields()
        fields["message"] = fields.pop("words")
        return fields


@dataclass(frozen=True, kw_only=True)
class Error(LiveEvent):
    """Something was wrong; the session goes on."""

    TYPE = "error"
    error: Json


def error_event(error: WireError, event_id: str | None = None, *, kind: str = "invalid_request_error") -> Error:
    """What is wrong, with the client's event that caused it."""
    detail = {
        "type": kind,
        "code": error.code,
        "message": in_readers_words(error.key, **error.facts),
        "param": error.param,
        "client_event_id": event_id or error.event_id,
    }
    return Error(error={name: value for name, value in detail.items() if value is not None})
