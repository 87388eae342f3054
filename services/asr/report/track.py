"""How emotion goes over a recording: span by span, in shares of time, and from beginning to end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from huiyin.services.asr.recogniser import Segment

NEGATIVE = ("sad", "angry", "fearful", "disgusted")

_THIRDS = 3
_COURSE_FROM_S = 30.0  # of speech with a tag; with less, a "course" would be one or two guesses of the model ...
_COURSE_FROM_SPANS = 6  # ... as it would be with fewer


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
    """The segments that have an emotion; those without are not "neutral" but left out."""
    return tuple(EmotionSpan(s.start_s, s.end_s, s.emotion.label, s.emotion.confidence) for s in segments if s.emotion)


def shares(track: Sequence[EmotionSpan]) -> dict[str, float]:
    """Label -> its share in [0, 1] of the time that has an emotion, the largest first."""
    seconds: dict[str, float] = {}
    for span in track:
        seconds[span.label] = seconds.get(span.label, 0.0) + span.length_s
    total_s = sum(seconds.values())
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return {label: length_s / total_s for label, length_s in ordered} if total_s else {}


def course(track: Sequence[EmotionSpan]) -> tuple[dict[str, float], ...]:
    """The shares in the first, second and third third of the tagged speech; () when there is too little to say."""
    total_s = sum(span.length_s for span in track)
    if total_s < _COURSE_FROM_S or len(track) < _COURSE_FROM_SPANS:
        return ()
    thirds: list[list[EmotionSpan]] = [[] for _ in range(_THIRDS)]
    done_s = 0.0
    for span in track:
        for i, third in enumerate(thirds):
            begin_s, end_s = i * total_s / _THIRDS, (i + 1) * total_s / _THIRDS
            inside_s = min(done_s + span.length_s, end_s) - max(done_s, begin_s)
            if inside_s > 0:
                third.append(EmotionSpan(0.0, inside_s, span.label, span.confidence))
        done_s += span.length_s
    return tuple(shares(third) for third in thirds)


def negative(third: dict[str, float]) -> float:
    """The share of sad, angry, fearful and disgusted together."""
    return sum(third.get(label, 0.0) for label in NEGATIVE)
