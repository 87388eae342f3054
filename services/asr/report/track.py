"""Emotion over a recording: span by span, in shares of time, and from beginning to end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from huiyin.services.asr.recogniser import Segment, seconds_by_label

NEGATIVE = ("sad", "angry", "fearful", "disgusted")

_THIRDS = 3
_COURSE_FROM_S = 30.0  # of speech with an emotion; with less, a "course" is one or two guesses of the model ...
_COURSE_FROM_SPANS = 6  # ... as with fewer spans


@dataclass(frozen=True)
class EmotionSpan:
    """A span of speech with its emotion. Times in seconds, `confidence` in [0, 1]."""

    start_s: float
    end_s: float
    label: str
    confidence: float

    @property
    def length_s(self) -> float:
        """Its length in seconds."""
        return max(self.end_s - self.start_s, 0.0)


def emotion_track(segments: Iterable[Segment]) -> tuple[EmotionSpan, ...]:
    """The segments that have an emotion; those without are left out, not "neutral"."""
    return tuple(EmotionSpan(s.start_s, s.end_s, s.emotion.label, s.emotion.confidence) for s in segments if s.emotion)


def shares(track: Sequence[EmotionSpan]) -> dict[str, float]:
    """Label -> its share in [0, 1] of the time that has an emotion, the largest first."""
    seconds = seconds_by_label((span.label, span.length_s) for span in track)
    total_s = sum(seconds.values())
    return {label: length_s / total_s for label, length_s in seconds.items()} if total_s else {}


def course(track: Sequence[EmotionSpan]) -> tuple[dict[str, float], ...]:
    """The shares in the first, second and third third of the speech with an emotion; () when that is too short."""
    total_s = sum(span.length_s for span in track)
    if total_s < _COURSE_FROM_S or len(track) < _COURSE_FROM_SPANS:
        return ()
    edges_s = [i * total_s / _THIRDS for i in range(_THIRDS + 1)]
    return tuple(shares(_between(track, begin_s, end_s)) for begin_s, end_s in pairwise(edges_s))


def _between(track: Sequence[EmotionSpan], begin_s: float, end_s: float) -> list[EmotionSpan]:
    """The spans, or parts of them, between these times; the clock runs only during spans."""
    inside = []
    start_s = 0.0
    for span in track:
        inside_s = min(start_s + span.length_s, end_s) - max(start_s, begin_s)
        if inside_s > 0:
            inside.append(EmotionSpan(0.0, inside_s, span.label, span.confidence))
        start_s += span.length_s
    return inside


def negative(third: dict[str, float]) -> float:
    """The share of sad, angry, fearful and disgusted together."""
    return sum(third.get(label, 0.0) for label in NEGATIVE)
