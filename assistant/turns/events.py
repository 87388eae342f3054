"""What can happen in a conversation.

Every event carries `at_s`, seconds on the conversation's one clock, never decreasing. Events of a reply carry
the `generation` they belong to: the machine drops those of an old one, which is the whole of cancellation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["asr", "llm", "tts"]
NEVER = float("inf")  # a time that does not come


@dataclass(frozen=True)
class Event:
    """Something that happened at `at_s`."""

    at_s: float


@dataclass(frozen=True)
class SpeechStarted(Event):
    """The user began to speak at `onset_s` (before `at_s`: it takes some frames to be sure). `echo`: whether this is
    the assistant's own voice, by its sound; None: it cannot be told. `from_s`: where its sound begins, where it was
    noticed so late that this is earlier."""

    onset_s: float
    echo: bool | None = None
    from_s: float | None = None

    @property
    def sound_s(self) -> float:
        """Where its sound begins."""
        return self.onset_s if self.from_s is None else self.from_s


@dataclass(frozen=True)
class SpeechPaused(Event):
    """The user's speech ended at `end_s`; short silence has followed. `echo`: as of its beginning, by all of it."""

    end_s: float
    echo: bool | None = None


@dataclass(frozen=True)
class SpeechPossible(Event):
    """Possible speech: three frames later it is known whether it is. Sent again while it goes on."""


@dataclass(frozen=True)
class EnergyDropped(Event):
    """The energy dropped to that of a pause at `end_s`. `SpeechPaused` follows some 60 ms later, if it is one."""

    end_s: float


@dataclass(frozen=True)
class EnergyRecovered(Event):
    """The energy is that of speech again: it was no pause but a stop consonant, or the end of a phrase."""


@dataclass(frozen=True)
class EndpointScored(Event):
    """By its sound the turn that pauses since `end_s` is complete with this probability, 0..1; None: it cannot tell."""

    end_s: float
    probability: float | None


@dataclass(frozen=True)
class VoiceScored(Event):
    """The voice of the speech over a reply up to `end_s` is so like the enrolled one (a cosine, -1..1); None: it cannot
    be told."""

    end_s: float
    likeness: float | None


@dataclass(frozen=True)
class Transcript:
    """What the recogniser understood. `emotion` is (label, confidence 0..1), None where the engine cannot tell.
    `other_voice`: another voice than the enrolled one says it."""

    text: str
    language: str = ""
    emotion: tuple[str, float] | None = None
    events: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict, compare=False)
    other_voice: bool = False


@dataclass(frozen=True)
class ReplyEvent(Event):
    """Something came back for the reply with this number."""

    generation: int


@dataclass(frozen=True)
class Transcribed(ReplyEvent):
    """The turn so far as text ('' when nothing was said)."""

    transcript: Transcript


@dataclass(frozen=True)
class WordsJudged(ReplyEvent):
    """By its words the turn is complete with this probability, 0..1; None where it could not be judged."""

    probability: float | None


@dataclass(frozen=True)
class Opened(ReplyEvent):
    """An opener was found, in answer to `Open`: its sound is with the loudspeaker, before that of the reply."""

    text: str


@dataclass(frozen=True)
class ReplyText(ReplyEvent):
    """Clause number `clause` (from 0) of the reply, ready to be spoken."""

    clause: int
    text: str


@dataclass(frozen=True)
class ReplyFinished(ReplyEvent):
    """The text of the reply is complete. `calls`: the tools that it calls, which the machine only keeps."""

    calls: tuple[object, ...] = ()


@dataclass(frozen=True)
class AudioReady(ReplyEvent):
    """The first sound of a clause is there."""

    clause: int


@dataclass(frozen=True)
class AudioFinished(ReplyEvent):
    """The last sound of a clause is there, which lasts `lasts_s` in all."""

    clause: int
    lasts_s: float = 0.0


@dataclass(frozen=True)
class PlaybackAdvanced(ReplyEvent):
    """The first sample of a clause was played."""

    clause: int


@dataclass(frozen=True)
class PlaybackFinished(ReplyEvent):
    """The last sample of the reply was played."""


@dataclass(frozen=True)
class PlaybackStopped(ReplyEvent):
    """The reply was stopped: the clauses before `clause` were heard, and of that one so many characters."""

    clause: int
    characters: int


@dataclass(frozen=True)
class StageFailed(ReplyEvent):
    """A service failed; `reason` is for the log and the screen, never for the voice."""

    stage: Stage
    reason: str


@dataclass(frozen=True)
class TextEntered(Event):
    """The user typed instead of speaking."""

    text: str


@dataclass(frozen=True)
class Say(Event):
    """The assistant is to speak unasked: it begins when the floor is free, and is committed as a reply to nothing. Not
    so with the `generation` of a failed reply: these are its last words, in answer to `Apologise`."""

    clauses: tuple[str, ...]
    generation: int = 0


@dataclass(frozen=True)
class ReplyRequested(Event):
    """The assistant is to reply to the history as it stands: it begins when the floor is free, and is committed as a
    reply to nothing."""


@dataclass(frozen=True)
class Interrupted(Event):
    """Something other than the user's voice or key ends the reply: a button on a page, a client's request."""


@dataclass(frozen=True)
class KeyPressed(Event):
    """The talk key went down: the assistant is silent at once, and with push-to-talk the user has the floor."""


@dataclass(frozen=True)
class KeyReleased(Event):
    """The talk key went up: with push-to-talk the user's turn is over."""


@dataclass(frozen=True)
class TurnClosed(Event):
    """A program says that the user's turn is over, however they go on."""


@dataclass(frozen=True)
class TimePassed(Event):
    """Nothing else happened; sent when a `WakeAt` comes due."""
