"""A transcript as the callers want it: subtitles, or OpenAI's verbose JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.asr.engine import Segment, Transcript

FORMATS = ("json", "text", "srt", "vtt", "verbose_json")

_CUE_WIDTH = 84  # two lines of 42 Latin letters, or 42 Chinese characters: the usual limit for subtitles
_MERGE_BELOW = 0.5  # a clause ends a cue once the cue is this full
_UNITS = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]\s*|[^\s\u2e80-\u9fff\uff00-\uffef]+\s*")
_CLAUSE_ENDS = tuple(".?!,;:。？！，；：、")


@dataclass(frozen=True)
class Cue:
    """One subtitle."""

    start_s: float
    end_s: float
    text: str


def cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    """Subtitles of readable length. Inside a long segment the times follow the length of the text."""
    for segment in segments:
        texts = list(_readable(segment.text))
        total = sum(map(_width, texts)) or 1
        start_s, length_s = segment.start_s, segment.end_s - segment.start_s
        for text in texts:
            end_s = start_s + length_s * _width(text) / total
            yield Cue(start_s, end_s, text)
            start_s = end_s


def _readable(text: str) -> Iterator[str]:
    """`text` in parts of at most a cue, ending at clauses where there are any."""
    part = ""
    units = _UNITS.findall(text)
    for i, unit in enumerate(units):
        if part and _width(part + unit.rstrip()) > _CUE_WIDTH:
            yield part.rstrip()
            part = ""
        part += unit
        rest = "".join(units[i + 1 :])
        full = _width(part) >= _CUE_WIDTH * _MERGE_BELOW and _width(part + rest) > _CUE_WIDTH
        if full and part.rstrip().endswith(_CLAUSE_ENDS):
            yield part.rstrip()
            part = ""
    if part.strip():
        yield part.rstrip()


def _width(text: str) -> int:
    """Columns on the screen: a Chinese character takes two."""
    return sum(2 if char >= "\u2e80" else 1 for char in text)


def as_srt(segments: Sequence[Segment]) -> str:
    """SubRip subtitles."""
    blocks = (
        f"{n}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{cue.text}\n"
        for n, cue in enumerate(cues(segments), 1)
    )
    return "\n".join(blocks)


def as_vtt(segments: Sequence[Segment]) -> str:
    """WebVTT subtitles."""
    blocks = (
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{html.escape(cue.text, quote=False)}\n"
        for cue in cues(segments)
    )
    return "\n".join(("WEBVTT\n", *blocks))


SUBTITLES: dict[str, Callable[[Sequence[Segment]], str]] = {"srt": as_srt, "vtt": as_vtt}


def as_verbose(transcript: Transcript) -> dict[str, Any]:
    """OpenAI's ``verbose_json``, with what this service knows beyond it."""
    full = transcript.as_dict()
    segments = [
        {
            "id": i,
            "start": segment["start_s"],
            "end": segment["end_s"],
            **{key: segment[key] for key in ("text", "language", "confidence", "emotion", "events")},
        }
        for i, segment in enumerate(full["segments"])
    ]
    extra = {key: full[key] for key in ("processing_s", "rtf", "model", "confidence", "emotion", "events", "warnings")}
    return {
        "task": "transcribe",
        "language": full["language"],
        "duration": full["duration_s"],
        "text": full["text"],
        "segments": segments,
        "usage": usage(transcript),
        **extra,
    }


def usage(transcript: Transcript) -> dict[str, Any]:
    """What OpenAI bills by, which its SDK expects."""
    return {"type": "duration", "seconds": round(transcript.duration_s, 3)}


def _clock(seconds: float, point: str) -> str:
    total_ms = round(seconds * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{ms // 1000:02}{point}{ms % 1000:03}"
