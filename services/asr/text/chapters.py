"""Highlights of a recording as chapter marks, which players and editors show: laughter, applause, anger, key phrases.

WebVTT is what browsers and podcast programs read; FFmpeg puts its own form into a film:
``ffmpeg -i film.mp4 -i film.ffmetadata -map_metadata 1 -map_chapters 1 -codec copy out.mp4``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from huiyin.services.asr.recogniser import RecordingTranscript
from huiyin.services.asr.report.labels import emotion_word, event_word, page_word, phrase_word
from huiyin.services.asr.text.phrases import Mention
from huiyin.services.asr.text.subtitles import vtt_clock
from huiyin.services.common.highlights import EMOTIONS, SOUNDS
from huiyin.services.common.text import columns

_ONE_S = 10.0  # the same again within so many seconds is one highlight
_SHORTEST_S = 1.0  # of a chapter: players show no shorter one
_QUOTED = 48  # columns of what is said there
_SPECIAL = re.compile(r"([=;#\\\n])")  # of FFmpeg's metadata


@dataclass(frozen=True)
class Chapter:
    """From a highlight to the next one. Times in seconds."""

    start_s: float
    end_s: float
    title: str


def chapters(transcript: RecordingTranscript, said: Sequence[Mention]) -> list[Chapter]:
    """All of the recording, divided where something worth a look begins."""
    language = transcript.language
    beginning = page_word("beginning", language)
    marks = [(0.0, beginning)]
    last: dict[str, float] = {}
    for start_s, kind, quote in sorted(_highlights(transcript, said)):
        again = start_s - last.get(kind, -_ONE_S) < _ONE_S
        last[kind] = start_s
        if again:
            continue
        title = f"{kind}: {quote}" if quote else kind
        if start_s - marks[-1][0] < _SHORTEST_S:
            before = marks[-1][1]
            marks[-1] = marks[-1][0], title if before == beginning else f"{before}; {title}"
        else:
            marks.append((start_s, title))
    ends = [*(start_s for start_s, _ in marks[1:]), max(transcript.duration_s, marks[-1][0] + _SHORTEST_S)]
    return [Chapter(start_s, end_s, title) for (start_s, title), end_s in zip(marks, ends, strict=True)]


def _highlights(transcript: RecordingTranscript, said: Sequence[Mention]) -> Iterator[tuple[float, str, str]]:
    """(when, what, what is said)."""
    language = transcript.language
    for segment in transcript.segments:
        for event in segment.events:
            if event.label in SOUNDS:
                yield event.start_s, event_word(event.label, language), ""
        if segment.emotion and segment.emotion.label in EMOTIONS:
            who = f"{segment.speaker}: " if segment.speaker else ""
            yield segment.start_s, emotion_word(segment.emotion.label, language), who + _short(segment.text)
    for mention in said:
        yield mention.start_s, phrase_word(mention.group, language), mention.text


def _short(text: str) -> str:
    text = " ".join(text.split())
    if columns(text) <= _QUOTED:
        return text
    while columns(text) > _QUOTED - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def as_vtt(transcript: RecordingTranscript, said: Sequence[Mention]) -> str:
    """WebVTT, for a track of the kind chapters."""
    blocks = (
        f"{vtt_clock(chapter.start_s)} --> {vtt_clock(chapter.end_s)}\n{html.escape(chapter.title, quote=False)}\n"
        for chapter in chapters(transcript, said)
    )
    return "\n".join(("WEBVTT\n", *blocks))


def as_ffmetadata(transcript: RecordingTranscript, said: Sequence[Mention]) -> str:
    """FFmpeg's metadata, chapters alone."""
    blocks = (
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={round(chapter.start_s * 1000)}\nEND={round(chapter.end_s * 1000)}\n"
        f"title={_escaped(chapter.title)}\n"
        for chapter in chapters(transcript, said)
    )
    return "\n".join((";FFMETADATA1\n", *blocks))


def _escaped(title: str) -> str:
    return _SPECIAL.sub(r"\\\1", title)


CHAPTERS: dict[str, Callable[[RecordingTranscript, Sequence[Mention]], str]] = {
    "chapters": as_vtt,
    "ffmetadata": as_ffmetadata,
}
"""Format -> what writes it."""
