"""Subtitles: a transcript in short cues, as SubRip or WebVTT."""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from huiyin.services.asr.recogniser import Segment
from huiyin.services.asr.report.labels import NOT_SAID, emotion_word, event_word
from huiyin.services.common.text import WIDE

_CUE_WIDTH = 84  # two lines of 42 Latin letters, or 42 Chinese characters: the usual limit for subtitles
_MERGE_BELOW = 0.5  # a clause ends a cue once the cue is this full
_PAUSE_S = 0.8  # nobody reads on for so long: the next words get a cue of their own
_ROUNDING = 1e-6  # letters
_UNITS = re.compile(rf"[{WIDE}]\s*|[^\s{WIDE}]{{1,42}}\s*")
_CLAUSE_ENDS = tuple(".?!,;:。？！，；：、")


@dataclass(frozen=True)
class Cue:
    """One subtitle. Also what it is made of: a word or a Chinese character, and the space after it."""

    start_s: float
    end_s: float
    text: str


def cues(segments: Iterable[Segment], *, tags: bool = False) -> Iterator[Cue]:
    """Subtitles of readable length, ending at clauses and pauses where there are any.

    Times are those of the words where the recogniser gave them; else they follow the length of the text. With `tags`,
    a segment's first cue names its emotion unless that is neutral or unknown, and a sound is named in the cue that it
    begins in: "[laughter] (sad) No, really."
    """
    for segment in segments:
        heard = [_joined(group) for group in _groups(segment)]
        yield from _tagged(heard, segment) if tags else heard


def _groups(segment: Segment) -> Iterator[list[Cue]]:
    """The units of each cue."""
    units = list(_timed(segment))
    rest = [*accumulate((_width(unit.text) for unit in reversed(units)), initial=0)][::-1]  # width from unit i on
    group: list[Cue] = []
    for i, unit in enumerate(units):
        before = _width("".join(part.text for part in group))
        if group and before + _width(unit.text.rstrip()) > _CUE_WIDTH:
            yield group
            group, before = [], 0
        group.append(unit)
        full = before + _width(unit.text)
        ends = full >= _CUE_WIDTH * _MERGE_BELOW and full + rest[i + 1] > _CUE_WIDTH
        pause = bool(segment.words) and i + 1 < len(units) and units[i + 1].start_s - unit.end_s >= _PAUSE_S
        if pause or (ends and unit.text.rstrip().endswith(_CLAUSE_ENDS)):
            yield group
            group = []
    if group:
        yield group


def _timed(segment: Segment) -> Iterator[Cue]:
    """The segment's text, unit by unit, each with its time.

    The words may differ from the text (numbers written as such, hotwords put right), so a unit's time is that of the
    words at the same share of the letters; where they do not differ that is exact.
    """
    units = _UNITS.findall(" ".join(segment.text.split()))
    words = [word for word in segment.words if _letters(word.text)]
    if not words:
        edges = [*accumulate(map(_width, units), initial=0)]
        per_column = (segment.end_s - segment.start_s) / max(edges[-1], 1)
        times = [segment.start_s + edge * per_column for edge in edges]
        yield from (Cue(*span, unit) for span, unit in zip(pairwise(times), units, strict=True))
        return
    edges = [*accumulate(map(_letters, units), initial=0)]
    word_edges = [*accumulate((_letters(word.text) for word in words), initial=0)]
    scale = word_edges[-1] / max(edges[-1], 1)

    def time_at(letter: float, i: int) -> float:
        share = (letter - word_edges[i]) / _letters(words[i].text)
        return words[i].start_s + min(max(share, 0.0), 1.0) * (words[i].end_s - words[i].start_s)

    for (begin, end), unit in zip(pairwise(edges), units, strict=True):
        first = min(bisect_right(word_edges, begin * scale + _ROUNDING), len(words)) - 1
        last = max(bisect_left(word_edges, end * scale - _ROUNDING) - 1, first)
        yield Cue(time_at(begin * scale, first), time_at(end * scale, last), unit)


def _joined(group: Sequence[Cue]) -> Cue:
    start_s = group[0].start_s
    return Cue(start_s, max(start_s, group[-1].end_s), "".join(unit.text for unit in group).rstrip())


def _tagged(heard: list[Cue], segment: Segment) -> list[Cue]:
    if not heard:
        if not segment.events:
            return []
        heard = [Cue(segment.start_s, segment.end_s, "")]
    tags: list[list[str]] = [[] for _ in heard]
    for event in segment.events:
        begins_in = max((i for i, cue in enumerate(heard) if cue.start_s <= event.start_s), default=0)
        tag = f"[{event_word(event.label, segment.language)}]"
        if tag not in tags[begins_in]:
            tags[begins_in].append(tag)
    if segment.emotion and segment.emotion.label not in NOT_SAID:
        tags[0].append(f"({emotion_word(segment.emotion.label, segment.language)})")
    return [replace(cue, text=" ".join([*before, cue.text]).rstrip()) for cue, before in zip(heard, tags, strict=True)]


def _letters(text: str) -> int:
    return sum(not char.isspace() for char in text)


def _width(text: str) -> int:
    """Columns on the screen: a Chinese character takes two."""
    return sum(2 if char >= "\u2e80" else 1 for char in text)


def as_srt(segments: Sequence[Segment], *, tags: bool = False) -> str:
    """SubRip subtitles."""
    blocks = (
        # An arrow would be read as a line of times.
        f"{n}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{cue.text.replace('-->', '→')}\n"
        for n, cue in enumerate(cues(segments, tags=tags), 1)
    )
    return "\n".join(blocks)


def as_vtt(segments: Sequence[Segment], *, tags: bool = False) -> str:
    """WebVTT subtitles."""
    blocks = (
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{html.escape(cue.text, quote=False)}\n"
        for cue in cues(segments, tags=tags)
    )
    return "\n".join(("WEBVTT\n", *blocks))


SUBTITLES: dict[str, Callable[..., str]] = {"srt": as_srt, "vtt": as_vtt}


def _clock(seconds: float, point: str) -> str:
    total_ms = round(seconds * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{ms // 1000:02}{point}{ms % 1000:03}"
