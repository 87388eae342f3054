"""Events beyond the protocol, for a client that has asked for them (session.huiyin.enabled): docs/realtime.md."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.faces.connections.requests import ClientEvent
from huiyin.assistant.faces.connections.wire import Json, ServerEvent


@dataclass(frozen=True)
class StateChanged(ServerEvent):
    """Whose turn it is: listening, user, thinking, speaking, paused."""

    TYPE = "huiyin.state"
    state: str


@dataclass(frozen=True)
class InputPartial(ServerEvent):
    """The user's words so far, in place of those before."""

    TYPE = "huiyin.input.partial"
    item_id: str
    text: str


@dataclass(frozen=True)
class InputTags(ServerEvent):
    """How the user sounded, or by their words feels (source "words"), and what else was heard."""

    TYPE = "huiyin.input.tags"
    item_id: str
    language: str
    emotion: Json | None
    events: list[Json]


@dataclass(frozen=True)
class OutputWords(ServerEvent):
    """When words end in the item's sound: start and end are places in its transcript so far."""

    TYPE = "huiyin.output.words"
    response_id: str
    item_id: str
    words: list[Json]


@dataclass(frozen=True)
class OutputPaused(ServerEvent):
    """Fade out, forget what has not been played, and report."""

    TYPE = "huiyin.output.paused"
    response_id: str


@dataclass(frozen=True)
class OutputResumed(ServerEvent):
    """Sound comes again, from this place on."""

    TYPE = "huiyin.output.resumed"
    response_id: str
    item_id: str
    audio_ms: int


@dataclass(frozen=True)
class OutputEnded(ServerEvent):
    """All sound has been sent; its length."""

    TYPE = "huiyin.output.ended"
    response_id: str
    audio_ms: int


@dataclass(frozen=True)
class OutputHeard(ServerEvent):
    """What was heard of a reply, as it will be remembered."""

    TYPE = "huiyin.output.heard"
    item_id: str
    transcript: str
    interrupted: bool


@dataclass(frozen=True)
class Latency(ServerEvent):
    """From the end of the user's speech to the reply's being sent, and what it was spent on."""

    TYPE = "huiyin.latency"
    response_id: str
    parts_ms: dict[str, int]
    total_ms: int


@dataclass(frozen=True)
class NoticeGiven(ServerEvent):
    """Something that the user should know, in words; `stage`: the one that has failed (asr, llm, tts), or null."""

    TYPE = "huiyin.notice"
    text: str
    stage: str | None


@dataclass(frozen=True, kw_only=True)
class Playback(ClientEvent):
    """So much of a response has been heard so far."""

    TYPE = "huiyin.playback"
    response_id: str
    audio_ms: int


@dataclass(frozen=True, kw_only=True)
class TalkKey(ClientEvent):
    """The talk key went down or up."""

    TYPE = "huiyin.key"
    pressed: bool


@dataclass(frozen=True, kw_only=True)
class Interrupt(ClientEvent):
    """The assistant is to be silent at once."""

    TYPE = "huiyin.interrupt"


@dataclass(frozen=True, kw_only=True)
class TypeText(ClientEvent):
    """The user types, and is answered; a reply is stopped."""

    TYPE = "huiyin.type"
    text: str


CLIENT_EVENTS: tuple[type[ClientEvent], ...] = (Playback, TalkKey, Interrupt, TypeText)
