"""Speakers under the names that the caller gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from huiyin.services.asr.recogniser import Segment
from huiyin.services.asr.speakers.labelling import speaker_label


def with_names(segments: Iterable[Segment], names: Sequence[str]) -> tuple[Segment, ...]:
    """The same segments; the first speaker has the first of `names`, and so on. Who has none keeps the label."""
    of = {speaker_label(number): name for number, name in enumerate(names) if name}
    return tuple(
        replace(segment, speaker=of[segment.speaker]) if segment.speaker in of else segment for segment in segments
    )
