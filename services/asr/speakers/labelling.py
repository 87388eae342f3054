"""Who says which segment: a transcript and the turns of its speakers brought together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from huiyin.services.asr.recogniser import Segment
from huiyin.services.asr.speakers.diarisation import Turn, runs
from huiyin.services.asr.text.subtitles import Cue, timed_units


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
    return replace(segment, speaker=f"S{speaker + 1}")


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
    edges_s = [units[start].start_s for _, start, _ in parts[1:]]
    for number, (speaker, start, stop) in enumerate(parts):
        part = replace(
            segment,
            start_s=edges_s[number - 1] if number else segment.start_s,
            end_s=units[stop - 1].end_s if number < len(edges_s) else segment.end_s,
            text="".join(unit.text for unit in units[start:stop]).strip(),
            words=tuple(w for w in segment.words if bisect_right(edges_s, (w.start_s + w.end_s) / 2) == number),
            events=tuple(event for event in segment.events if bisect_right(edges_s, event.start_s) == number),
        )
        yield _named(part, speaker)


def _speakers(units: Iterable[Cue], turns: Sequence[Turn]) -> Iterator[int]:
    """Of each word or character; a mark is said by who says what is before it."""
    speaker = -1
    for unit in units:
        if speaker < 0 or any(char.isalnum() for char in unit.text):
            speaker = _at((unit.start_s + unit.end_s) / 2, turns)
        yield speaker
