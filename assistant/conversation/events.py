"""What observers of a conversation are told: the captions, a session on disk, a page, a scripted run's report.

Each comes with its time, seconds on the conversation's clock. `generation` is the number of the reply that an event
belongs to; 0 where it belongs to none. A reply that is prepared while the user may still go on has its events, too:
what was prepared in vain ends with `ReplyCancelled`, what the user hears begins with `ReplyStarted`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.items import Item, Turn
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Stage, Transcript
from huiyin.assistant.turns.transitions import State


@dataclass(frozen=True)
class Public:
    """Something that observers are told."""

    generation: int = 0


Observer = Callable[[float, Public], None]


# -- the user


@dataclass(frozen=True, kw_only=True)
class SpeechHeard(Public):
    """The user speaks, since `onset_s` on the conversation's clock: it takes some frames to be sure."""

    onset_s: float


@dataclass(frozen=True, kw_only=True)
class PauseHeard(Public):
    """The user has been silent since `end_s`: a pause, or the end of the turn."""

    end_s: float


@dataclass(frozen=True, kw_only=True)
class PauseJudged(Public):
    """A judge's probability (0..1) that the turn is complete; None: it cannot tell. `by`: its sound, or its words."""

    by: Literal["sound", "words"]
    probability: float | None


@dataclass(frozen=True, kw_only=True)
class VoiceJudged(Public):
    """How like the enrolled voice (a cosine, -1..1) the speech over a reply up to `end_s` sounds; None: it cannot be
    told."""

    end_s: float
    likeness: float | None


@dataclass(frozen=True, kw_only=True)
class TurnEnded(Public):
    """The user's turn, from `start_s` to `end_s`, is over. Its words are the `Recognised` of this generation, before or
    after this. A turn that goes on before its reply has begun ends again, with the same `start_s`."""

    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class FloorChanged(Public):
    """Whose turn it is has changed (`turns.transitions.MEANINGS`); it comes after the events that caused it."""

    before: State
    after: State


# -- a reply being prepared


@dataclass(frozen=True, kw_only=True)
class RecognitionAsked(Public):
    """The recogniser gets the turn so far: the sound from `start_s` to `end_s`."""

    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Recognised(Public):
    """The turn so far as text, with its tags; `transcript.other_voice`: where another voice than the enrolled one says
    it, and such turns are marked."""

    transcript: Transcript


@dataclass(frozen=True, kw_only=True)
class ModelAsked(Public):
    """The language model gets `messages`, all of them; its reply will be spoken in `style`."""

    messages: list[Message]
    style: Style


@dataclass(frozen=True, kw_only=True)
class ClauseWritten(Public):
    """Clause number `clause` (from 0; -1: an opener before it) of the reply, as it will be shown and spoken."""

    clause: int
    text: str


@dataclass(frozen=True)
class ReplyWritten(Public):
    """The text of the reply is complete."""


@dataclass(frozen=True, kw_only=True)
class SpeechAsked(Public):
    """The voice gets a clause."""

    clause: int
    text: str


@dataclass(frozen=True, kw_only=True)
class SpeechBegun(Public):
    """The first sound of a clause is there."""

    clause: int


@dataclass(frozen=True, kw_only=True)
class SpeechMade(Public):
    """The last sound of a clause is there."""

    clause: int


@dataclass(frozen=True)
class ReplyCancelled(Public):
    """Nothing more is prepared for this reply: the user goes on, or it is over."""


@dataclass(frozen=True, kw_only=True)
class StageFailed(Public):
    """A service failed; `reason` in words, for a log or a screen."""

    stage: Stage
    reason: str


# -- a reply being heard


@dataclass(frozen=True)
class ReplyStarted(Public):
    """The reply is given to the loudspeaker. The user's turn is over, and nothing of the reply is speculative now."""


@dataclass(frozen=True, kw_only=True)
class ClauseStarted(Public):
    """The first sample of a clause has been played, by the port's report."""

    clause: int


@dataclass(frozen=True)
class ReplyPaused(Public):
    """The reply falls silent: the user may be interrupting."""


@dataclass(frozen=True)
class ReplyResumed(Public):
    """It goes on: that was no interruption."""


@dataclass(frozen=True)
class ReplyStopped(Public):
    """It was interrupted; the rest of it is not played."""


@dataclass(frozen=True)
class ReplyEnded(Public):
    """Its last sample has been played, by the port's report."""


@dataclass(frozen=True, kw_only=True)
class ToolsCalled(Public):
    """The reply calls these tools. It comes once, when its text is complete and the reply has begun (or has no words).
    Their results, added to the history, and `Session.respond` are the owner's part."""

    calls: tuple[CalledTool, ...]


@dataclass(frozen=True, kw_only=True)
class Apologised(Public):
    """The reply could not be made, or not to its end; it ends with the sentence for a failure of `stage`."""

    stage: Stage


@dataclass(frozen=True, kw_only=True)
class TurnCommitted(Public):
    """A turn was written to the history, with what was heard of the reply: `turn.items`, with their ids. Without a
    reply to be spoken (only tools are called, or `turns.replies` is off) there is no `AssistantItem`.

    `messages` is what the model was asked (none where the assistant spoke unasked), `style` how the reply was spoken.
    """

    transcript: Transcript
    turn: Turn
    messages: list[Message]
    style: Style = "neutral"


# -- the conversation


@dataclass(frozen=True, kw_only=True)
class HistoryEdited(Public):
    """The owner changed the history: `item` was added, behind the one whose id is `after` (None: the last; '': none),
    or truncated; or the one with this id was deleted (`item` None)."""

    item_id: str
    item: Item | None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class TurnsForgotten(Public):
    """The oldest `turns` of those sent so far are no longer sent; `summary` is of all such turns, '' without one."""

    turns: int
    summary: str


@dataclass(frozen=True, kw_only=True)
class Notice(Public):
    """Something that the user should know, in words; `stage`: the one that has failed, None where it is not that."""

    text: str
    stage: Stage | None = None


# What is on disk must be whole: these are never left out for an observer that is slow.
KEPT = (TurnCommitted, TurnsForgotten, HistoryEdited)


def told(what: ev.Event | do.Action) -> Public | None:
    """What observers are told of the turn machine's events and actions; None: nothing, or more than these hold."""
    match what:
        case ev.SpeechStarted(onset_s=onset_s):
            return SpeechHeard(onset_s=onset_s)
        case ev.SpeechPaused(end_s=end_s):
            return PauseHeard(end_s=end_s)
        case ev.EndpointScored(probability=probability):
            return PauseJudged(by="sound", probability=probability)
        case ev.WordsJudged(generation=number, probability=known):
            return PauseJudged(number, by="words", probability=known)
        case ev.VoiceScored(end_s=end_s, likeness=likeness):
            return VoiceJudged(end_s=end_s, likeness=likeness)
        case do.Transcribe(generation=number, start_s=start_s, end_s=end_s):
            return RecognitionAsked(number, start_s=start_s, end_s=end_s)
        case ev.Transcribed(generation=number, transcript=transcript):
            return Recognised(number, transcript=transcript)
        case ev.ReplyText(generation=number, clause=clause, text=text):
            return ClauseWritten(number, clause=clause, text=text)
        case ev.AudioReady(generation=number, clause=clause):
            return SpeechBegun(number, clause=clause)
        case ev.AudioFinished(generation=number, clause=clause):
            return SpeechMade(number, clause=clause)
        case ev.PlaybackAdvanced(generation=number, clause=clause):
            return ClauseStarted(number, clause=clause)
        case ev.StageFailed(generation=number, stage=stage, reason=reason):
            return StageFailed(number, stage=stage, reason=reason)
        case do.EndTurn(generation=number, start_s=start_s, end_s=end_s):
            return TurnEnded(number, start_s=start_s, end_s=end_s)
        case do.Apologise(generation=number, stage=stage):
            return Apologised(number, stage=stage)
        case (
            ev.ReplyFinished() | ev.PlaybackFinished() | do.Cancel() | do.Play() | do.Pause() | do.Resume()
            | do.StopPlayback()
        ):  # fmt: skip
            return _PLAIN[type(what)](what.generation)
    return None


_PLAIN: dict[type, type[Public]] = {
    ev.ReplyFinished: ReplyWritten,
    ev.PlaybackFinished: ReplyEnded,
    do.Cancel: ReplyCancelled,
    do.Play: ReplyStarted,
    do.Pause: ReplyPaused,
    do.Resume: ReplyResumed,
    do.StopPlayback: ReplyStopped,
}
