"""Subtitles: a transcript in short cues, as SubRip or WebVTT."""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from huiyin.services.asr.recogniser import Segment, Word
from huiyin.services.asr.report.labels import NOT_SHOWN, emotion_word, event_word
from huiyin.services.common.text import WIDE, columns

_CUE_WIDTH = 84  # two lines of 42 Latin letters, or 42 Chinese characters: the usual limit for subtitles
_MERGE_BELOW = 0.5  # a clause ends a cue once the cue is this full
_PAUSE_S = 0.8  # after a pause this long the next words have a cue of their own
_ROUNDING = 1e-6  # letters
_UNITS = re.compile(rf"[{WIDE}]\s*|[^\s{WIDE}]{{1,42}}\s*")
_CLAUSE_ENDS = tuple(".?!,;:。？！，；：、")


@dataclass(frozen=True)
class Cue:
    """One subtitle; also one of its units: a word or a Chinese character, and the space after it."""

    start_s: float
    end_s: float
    text: str
    speaker: str = ""


def cues(segments: Iterable[Segment], *, tags: bool = False) -> Iterator[Cue]:
    """Subtitles of readable length, if possible up to the end of a clause or a pause.

    Their times are those of the words where the recogniser has them, else by the length of the text. With `tags`, a
    segment's first cue names its emotion unless that is neutral or unknown, and the cue in which a sound begins names
    it: "[laughter] (sad) No, really."
    """
    for segment in segments:
        plain = [_joined(group, segment.speaker or "") for group in _groups(segment)]
        yield from _tagged(plain, segment) if tags else plain


def _groups(segment: Segment) -> Iterator[list[Cue]]:
    """The units of each cue."""
    units = list(timed_units(segment))
    group: list[Cue] = []
    width = 0  # of the group
    rest = sum(columns(unit.text) for unit in units)  # width of the units after it
    for i, unit in enumerate(units):
        if group and width + columns(unit.text.rstrip()) > _CUE_WIDTH:
            yield group
            group, width = [], 0
        group.append(unit)
        width += columns(unit.text)
        rest -= columns(unit.text)
        pause_s = units[i + 1].start_s - unit.end_s if segment.words and i + 1 < len(units) else 0.0
        may_end = width >= _CUE_WIDTH * _MERGE_BELOW and width + rest > _CUE_WIDTH
        if pause_s >= _PAUSE_S or (may_end and unit.text.rstrip().endswith(_CLAUSE_ENDS)):
            yield group
            group, width = [], 0
    if group:
        yield group


def timed_units(segment: Segment) -> Iterator[Cue]:
    """The segment's text, word by word or character by character, each with its time."""
    units = _UNITS.findall(" ".join(segment.text.split()))
    words = [word for word in segment.words if _letters(word.text)]
    if words:
        return _timed_by_words(units, words)
    edges = list(accumulate(map(columns, units), initial=0))
    per_column = (segment.end_s - segment.start_s) / max(edges[-1], 1)
    times = [segment.start_s + edge * per_column for edge in edges]
    return (Cue(*span, unit) for span, unit in zip(pairwise(times), units, strict=True))


def _timed_by_words(units: Sequence[str], words: Sequence[Word]) -> Iterator[Cue]:
    """The units with the times of the words at the same share of the letters.

    The words may differ from the text (numbers, corrected hotwords); where they do not, the times are exact.
    """
    edges = list(accumulate(map(_letters, units), initial=0))
    word_edges = list(accumulate((_letters(word.text) for word in words), initial=0))
    scale = word_edges[-1] / max(edges[-1], 1)

    def time_at(letter: float, i: int) -> float:
        share = (letter - word_edges[i]) / _letters(words[i].text)
        return words[i].start_s + min(max(share, 0.0), 1.0) * (words[i].end_s - words[i].start_s)

    for (begin, end), unit in zip(pairwise(edges), units, strict=True):
        first = min(bisect_right(word_edges, begin * scale + _ROUNDING), len(words)) - 1
        last = max(bisect_left(word_edges, end * scale - _ROUNDING) - 1, first)
        yield Cue(time_at(begin * scale, first), time_at(end * scale, last), unit)


def _joined(group: Sequence[Cue], speaker: str) -> Cue:
    start_s = group[0].start_s
    return Cue(start_s, max(start_s, group[-1].end_s), "".join(unit.text for unit in group).rstrip(), speaker)


def _tagged(plain: list[Cue], segment: Segment) -> list[Cue]:
    if not plain and segment.events:
        plain = [Cue(segment.start_s, segment.end_s, "", segment.speaker or "")]
    if not plain:
        return []
    tags: list[list[str]] = [[] for _ in plain]
    for event in segment.events:
        begins_in = max((i for i, cue in enumerate(plain) if cue.start_s <= event.start_s), default=0)
        tag = f"[{event_word(event.label, segment.language)}]"
        if tag not in tags[begins_in]:
            tags[begins_in].append(tag)
    if segment.emotion and segment.emotion.label not in NOT_SHOWN:
        tags[0].append(f"({emotion_word(segment.emotion.label, segment.language)})")
    return [replace(cue, text=" ".join([*before, cue.text]).rstrip()) for cue, before in zip(plain, tags, strict=True)]


def _letters(text: str) -> int:
    return sum(not char.isspace() for char in text)


def as_srt(segments: Sequence[Segment], *, tags: bool = False) -> str:
    """SubRip subtitles; a cue with which another speaker begins names them: "S2: No."."""
    blocks = []
    speaker = ""
    for n, cue in enumerate(cues(segments, tags=tags), 1):
        name = f"{cue.speaker}: " if cue.speaker and cue.speaker != speaker else ""
        speaker = cue.speaker
        # An arrow in the text would be read as a line of times.
        text = f"{name}{cue.text}".replace("-->", "→")
        blocks.append(f"{n}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{text}\n")
    return "\n".join(blocks)


def as_vtt(segments: Sequence[Segment], *, tags: bool = False) -> str:
    """WebVTT subtitles; speakers are its voice spans."""
    blocks = (
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n"
        f"{f'<v {html.escape(cue.speaker, quote=False)}>' if cue.speaker else ''}{html.escape(cue.text, quote=False)}\n"
        for cue in cues(segments, tags=tags)
    )
    return "\n".join(("WEBVTT\n", *blocks))


SUBTITLES: dict[str, Callable[..., str]] = {"srt": as_srt, "vtt": as_vtt}


def vtt_clock(seconds: float) -> str:
    """A time as WebVTT has it: 00:01:02.345."""
    return _clock(seconds, ".")


def _clock(seconds: float, point: str) -> str:
    total_ms = round(seconds * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{ms // 1000:02}{point}{ms % 1000:03}"
