"""A transcript as plain text in paragraphs.

A paragraph ends where another speaker begins, where the language changes, and in a pause: a long one at first, then
ever shorter ones, so that also a talk without long pauses is no single line. Where there is no pause at all, a sentence
ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from huiyin.services.asr.recogniser import Segment, join_texts
from huiyin.services.common.text import columns

# (from this width on, a pause this long ends a paragraph): columns, of which a Chinese character takes two; seconds
_PAUSES = ((0, 3.0), (200, 1.5), (500, 0.8), (1000, 0.4))
_APART_S = 0.5  # of silence: words of another language within a sentence have less around them
_SENTENCE_ENDS = tuple(".?!。？！…\"'”’)）」』")
_LONG = 1400  # columns; from here on the end of a sentence ends it
_LONGEST = 2000  # columns; without any marks a segment's end ends it there


def as_text(segments: Iterable[Segment]) -> str:
    """The paragraphs, an empty line between two of them; a newline at the end. A known speaker is named: "S1: Yes."."""
    return "\n\n".join(map(_paragraph, _paragraphs(segments))) + "\n"


def _paragraph(group: list[Segment]) -> str:
    speaker = group[0].speaker
    return (f"{speaker}: " if speaker else "") + join_texts(segment.text for segment in group)


def _paragraphs(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    group: list[Segment] = []
    width = 0
    for segment in segments:
        if not segment.text:
            continue
        if group and _is_new(group[-1], segment, width):
            yield group
            group, width = [], 0
        group.append(segment)
        width += columns(segment.text)
    if group:
        yield group


def _is_new(before: Segment, segment: Segment, width: int) -> bool:
    """Whether a paragraph of this width ends between two segments."""
    if segment.speaker != before.speaker:
        return True
    pause_s = segment.start_s - before.end_s
    whole = before.text.endswith(_SENTENCE_ENDS)
    if segment.language != before.language and (whole or pause_s >= _APART_S):
        return True
    return (
        width >= _LONGEST
        or any(width >= least and pause_s >= enough_s for least, enough_s in _PAUSES)
        or (whole and width >= _LONG)
    )
