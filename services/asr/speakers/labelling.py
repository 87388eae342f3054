"""Who says which segment: a transcript and the turns of its speakers brought together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from huiyin.services.asr.recogniser import Segment, Word
from huiyin.services.asr.speakers.diarisation import Turn, runs
from huiyin.services.asr.text.subtitles import Cue, timed_units

_TURN_GAP_S = 0.3  # between two words of one: a turn of the other fits in


def speaker_label(number: int) -> str:
    """Of a speaker, from 0."""
    return f"S{number + 1}"


def with_speakers(segments: Iterable[Segment], turns: Sequence[Turn]) -> Iterator[Segment]:
    """The same segments with their speakers.

    A segment with times of its words is divided where another speaker begins; any other one is whose turns cover most
    of it. What was recognised outside all turns belongs to the nearest.
    """
    starts = [turn.start_s for turn in turns]
    for segment in segments:
        if not turns:
            yield segment
            continue
        first = max(0, bisect_right(starts, segment.start_s) - 1)
        near = turns[first : bisect_right(starts, segment.end_s) + 1]
        yield from _divided(segment, near) if segment.words else [_named(segment, _main(segment, near))]


def _named(segment: Segment, speaker: int) -> Segment:
    return replace(segment, speaker=speaker_label(speaker))


def _main(segment: Segment, turns: Sequence[Turn]) -> int:
    """Who speaks most of it."""
    seconds: dict[int, float] = {}
    for turn in turns:
        shared_s = min(segment.end_s, turn.end_s) - max(segment.start_s, turn.start_s)
        seconds[turn.speaker] = seconds.get(turn.speaker, 0.0) + max(shared_s, 0.0)
    if not any(seconds.values()):
        return _at((segment.start_s + segment.end_s) / 2, turns)
    return max(seconds, key=lambda speaker: seconds[speaker])


def _at(time_s: float, turns: Sequence[Turn]) -> int:
    """Whose turn it is, or is nearest."""
    return min(turns, key=lambda turn: max(turn.start_s - time_s, time_s - turn.end_s, 0.0)).speaker


def _divided(segment: Segment, turns: Sequence[Turn]) -> Iterator[Segment]:
    units = list(timed_units(segment))
    parts = runs(list(_speakers(units, turns)), 1)
    if len(parts) < 2:
        yield _named(segment, parts[0][0] if parts else _main(segment, turns))
        return
    cut = _cut(segment, units, [start for _, start, _ in parts[1:]])
    for (speaker, *_), part in zip(parts, cut, strict=True):
        yield _named(part, speaker)


def in_turns(segments: Sequence[Segment]) -> list[Segment]:
    """Segments of people who were recognised each by themselves, in the order in which they are said.

    A segment with times of its words is divided in a pause in which another begins to speak.
    """
    speakers = {segment.speaker for segment in segments}
    starts_of_others = {
        speaker: sorted(start for other in segments if other.speaker != speaker for start in _speech_starts(other))
        for speaker in speakers
    }
    divided = [part for segment in segments for part in _between_turns(segment, starts_of_others[segment.speaker])]
    return sorted(divided, key=lambda segment: (segment.start_s, segment.end_s))


def _speech_starts(segment: Segment) -> Iterator[float]:
    """Where its speech begins, and begins again after a pause."""
    yield segment.start_s
    yield from (word.start_s for before, word in pairwise(segment.words) if _is_pause(before, word))


def _is_pause(before: Word | Cue, after: Word | Cue) -> bool:
    return after.start_s - before.end_s >= _TURN_GAP_S


def _between_turns(segment: Segment, others: Sequence[float]) -> Iterator[Segment]:
    """`segment`, divided in the pauses in which one of `others` begins."""
    units = list(timed_units(segment)) if segment.words else []
    firsts = [
        number
        for number, (before, unit) in enumerate(pairwise(units), 1)
        if _is_pause(before, unit) and bisect_left(others, unit.start_s) > bisect_left(others, before.start_s)
    ]
    yield from _cut(segment, units, firsts) if firsts else [segment]


def _cut(segment: Segment, units: Sequence[Cue], firsts: Sequence[int]) -> Iterator[Segment]:
    """The parts of a segment that begin with its first unit, and with those of these numbers."""
    edges_s = [units[first].start_s for first in firsts]
    for number, (start, stop) in enumerate(pairwise([0, *firsts, len(units)])):
        yield replace(
            segment,
            start_s=edges_s[number - 1] if number else segment.start_s,
            end_s=units[stop - 1].end_s if number < len(edges_s) else segment.end_s,
            text="".join(unit.text for unit in units[start:stop]).strip(),
            words=tuple(w for w in segment.words if bisect_right(edges_s, (w.start_s + w.end_s) / 2) == number),
            events=tuple(event for event in segment.events if bisect_right(edges_s, event.start_s) == number),
        )


def _speakers(units: Iterable[Cue], turns: Sequence[Turn]) -> Iterator[int]:
    """Of each word or character; a mark is said by who says what is before it."""
    speaker = -1
    for unit in units:
        if speaker < 0 or any(char.isalnum() for char in unit.text):
            speaker = _at((unit.start_s + unit.end_s) / 2, turns)
        yield speaker
