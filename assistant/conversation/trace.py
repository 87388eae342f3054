"""What happened when: the stages of every reply, gathered from a conversation's events.

From this come the demo's table, its picture and its transcript.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns.opener import OPENER

AUDIBLE = 10 ** (-45 / 20) * 32767  # a sample louder than -45 dBFS can be heard in a quiet room


@dataclass
class ReplyTimes:
    """Times in seconds on the conversation's clock; None until it happened."""

    generation: int
    transcribe_s: float | None = None
    transcribed_s: float | None = None
    asked_s: float | None = None
    first_clause_s: float | None = None
    text_finished_s: float | None = None
    synthesise_s: float | None = None
    sound_s: float | None = None
    opener: str = ""  # said before the reply, as that was late
    play_s: float | None = None  # of the opener, where there is one
    clauses: dict[int, tuple[float, float]] = field(default_factory=dict)  # clause -> synthesis asked, finished
    committed: on.TurnCommitted | None = None
    failed: str = ""


class Trace:
    """An observer of a conversation."""

    def __init__(self) -> None:
        self.replies: dict[int, ReplyTimes] = {}
        self.notices: list[tuple[float, str]] = []

    def __call__(self, at_s: float, event: on.Public) -> None:
        if isinstance(event, on.Notice):
            self.notices.append((at_s, event.text))
        elif event.generation:
            self._note(self.replies.setdefault(event.generation, ReplyTimes(event.generation)), at_s, event)

    @staticmethod
    def _note(reply: ReplyTimes, at_s: float, event: on.Public) -> None:
        match event:
            case on.RecognitionAsked():
                reply.transcribe_s = at_s
            case on.Recognised():
                reply.transcribed_s = at_s
            case on.ModelAsked():
                reply.asked_s = at_s
            case on.ClauseWritten(clause=clause, text=text) if clause == OPENER:
                reply.opener = text
            case on.ClauseWritten(clause=0):
                reply.first_clause_s = at_s
            case on.ReplyWritten():
                reply.text_finished_s = at_s
            case on.SpeechAsked(clause=clause):
                reply.synthesise_s = reply.synthesise_s or at_s
                reply.clauses[clause] = (at_s, at_s)
            case on.SpeechBegun():
                reply.sound_s = reply.sound_s or at_s
            case on.SpeechMade(clause=clause) if clause in reply.clauses:
                reply.clauses[clause] = (reply.clauses[clause][0], at_s)
            case on.ReplyStarted():
                reply.play_s = at_s
            case on.TurnCommitted():
                reply.committed = event
            case on.StageFailed(stage=stage, reason=reason):
                reply.failed = f"{stage}: {reason}"

    def begins(self, event: on.Public) -> bool:
        """Whether with this event a reply itself begins to be heard: an opener does not count."""
        match event:
            case on.ReplyStarted(generation=generation):
                return not self.replies[generation].opener
            case on.ClauseStarted(generation=generation, clause=0) if generation in self.replies:
                return bool(self.replies[generation].opener)
        return False

    def spoken(self) -> list[ReplyTimes]:
        """The replies that were played, in order."""
        played = [reply for reply in self.replies.values() if reply.play_s is not None]
        return sorted(played, key=lambda reply: reply.play_s or 0.0)


def first_audible(samples: Pcm16, after_s: float) -> float | None:
    """Time of the first audible sample from `after_s` on, in seconds."""
    start = max(0, round(after_s * SAMPLE_RATE))
    hits = np.flatnonzero(np.abs(samples[start:].astype(np.int32)) > AUDIBLE)
    return (start + int(hits[0])) / SAMPLE_RATE if len(hits) else None


def last_audible(samples: Pcm16, before_s: float) -> float | None:
    """Time of the last audible sample before `before_s`, in seconds."""
    hits = np.flatnonzero(np.abs(samples[: round(before_s * SAMPLE_RATE)].astype(np.int32)) > AUDIBLE)
    return int(hits[-1]) / SAMPLE_RATE if len(hits) else None


def latency_parts(reply: ReplyTimes, end_s: float, heard_s: float) -> dict[str, float]:
    """What the time from the end of speech to the first sound was spent on, in seconds; adds up to the whole."""
    marks = [
        ("hear", reply.transcribe_s),
        ("asr", reply.transcribed_s),
        ("llm", reply.first_clause_s),
        ("tts", reply.sound_s),
        ("hold", reply.play_s),
        ("play", heard_s),
    ]
    parts = {}
    before = end_s
    for name, at in marks:
        after = before if at is None else max(before, at)
        parts[name] = after - before
        before = after
    return parts
