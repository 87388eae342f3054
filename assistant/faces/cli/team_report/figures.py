"""What a report tells of one recording, from its result as the speech service sends it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_BRIDGED_S = 0.5  # a pause up to here belongs to the speech around it
_INTO_S = 0.3  # who begins so long after the other has begun ...
_LEFT_S = 0.3  # ... and so long before the other ends
_TURN_S = 1.0  # ... and goes on for so long interrupts: "mm-hm" does not

Span = tuple[float, float]
"""(start, end) in seconds."""


@dataclass(frozen=True)
class Figures:
    """Of one recording. None: not known, which is not the same as nothing."""

    file: str
    key: str
    """The same for the same recording in a later run."""
    length_s: float
    model: str
    talk_s: dict[str, float]
    """Who speaks -> seconds; one, called '', without `--speakers`."""
    silence: float
    """Share of the length without speech."""
    interruptions: dict[str, int] | None
    """Who interrupts -> how often; None where the recording does not tell who speaks at once."""
    emotions: dict[str, float] | None
    """Share of the speech; None where the recogniser hears no emotion."""
    events: dict[str, int] | None
    """How often each sound is heard; None where the recogniser hears none."""
    phrases: tuple[dict[str, Any], ...] | None
    """Each with group, text, start_s, speaker; None without `--phrases`."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def of_dict(fields: Mapping[str, Any]) -> Figures:
        """From `as_dict`. Raises TypeError for anything else."""
        phrases = fields.get("phrases")
        return Figures(**{**fields, "phrases": None if phrases is None else tuple(phrases)})


def figures_of(file: str, key: str, result: Mapping[str, Any], *, by_channel: bool) -> Figures:
    """Of a result of ``/asr`` as JSON. `by_channel`: each speaker has a channel, so that two are heard at once."""
    segments: Sequence[Mapping[str, Any]] = result["segments"]
    length_s = float(result["duration_s"])
    spoken: dict[str, list[Span]] = {}
    for segment in segments:
        spoken.setdefault(segment.get("speaker") or "", []).extend(_speech(segment))
    stretches = {speaker: _joined(spans, _BRIDGED_S) for speaker, spans in spoken.items()}
    speech_s = _seconds(_joined((span for spans in stretches.values() for span in spans), 0.0))
    emotions = _emotions(segments)
    events = [event["label"] for event in result.get("events") or ()]
    phrases = result.get("phrases")
    return Figures(
        file,
        key,
        length_s,
        str(result.get("model", "")),
        {speaker: _seconds(spans) for speaker, spans in stretches.items()},
        max(0.0, 1 - speech_s / length_s) if length_s else 0.0,
        _interruptions(stretches) if by_channel else None,
        emotions,
        _counts(events) if events or emotions is not None else None,
        None
        if phrases is None
        else tuple({name: one[name] for name in ("group", "text", "start_s", "speaker")} for one in phrases),
    )


def _speech(segment: Mapping[str, Any]) -> list[Span]:
    """Where in a segment words are said, as far as it tells."""
    spans = [(word["start_s"], word["end_s"]) for word in segment.get("words") or ()]
    return spans or [(segment["start_s"], segment["end_s"])]


def _joined(spans: Iterable[Span], bridged_s: float) -> list[Span]:
    """In order, without overlaps; those with no more than `bridged_s` between them as one."""
    joined: list[Span] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s - joined[-1][1] <= bridged_s:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_s)
        else:
            joined.append((start_s, end_s))
    return joined


def _seconds(spans: Iterable[Span]) -> float:
    return sum(end_s - start_s for start_s, end_s in spans)


def _interruptions(stretches: Mapping[str, Sequence[Span]]) -> dict[str, int]:
    """How often each begins while another speaks and goes on, and goes on as well."""
    return {
        speaker: sum(
            end_s - start_s >= _TURN_S
            and any(
                other_start_s + _INTO_S <= start_s <= other_end_s - _LEFT_S
                for other, others in stretches.items()
                if other != speaker
                for other_start_s, other_end_s in others
            )
            for start_s, end_s in spans
        )
        for speaker, spans in stretches.items()
    }


def _emotions(segments: Iterable[Mapping[str, Any]]) -> dict[str, float] | None:
    """Label -> share of the seconds that have one, the largest first."""
    seconds: dict[str, float] = {}
    for segment in segments:
        if emotion := segment.get("emotion"):
            length_s = max(0.0, segment["end_s"] - segment["start_s"])
            seconds[emotion["label"]] = seconds.get(emotion["label"], 0.0) + length_s
    total_s = sum(seconds.values())
    if not total_s:
        return None
    return {label: part / total_s for label, part in sorted(seconds.items(), key=lambda item: -item[1])}


def _counts(labels: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return counts
