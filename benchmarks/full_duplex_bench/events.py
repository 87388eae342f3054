"""The same event by us and by Full-Duplex-Bench's timing script: which of its intervals it is, and how far it is off.

Its segments have margins: Silero's voice activity adds 30 ms to both ends, looks at frames of 32 ms, and still hears
speech for a while after its end, in the room's echo above all. Ours begin and end with a sample. What these margins are
is measured on the recordings in the other language, spoken by other voices, and taken off: what is left is chance.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.full_duplex_bench.ours import Recording

CLOSE_S = 0.060
KINDS = ("response latency", "overlap of an interruption")
EDGES = {
    KINDS[0]: ("the user's turn ends", "the agent answers"),
    KINDS[1]: ("the user cuts in", "one of both falls silent"),
}
_SAME_S = 1.0  # intervals further apart are not the same event
_LISTS = {KINDS[0]: "latency_resp_list", KINDS[1]: "latency_stop_list"}
_TELLING = {KINDS[0]: 1, KINDS[1]: 0}  # the edge by which an interval is found again


@dataclass(frozen=True)
class Event:
    """An interval by us, and by the script; None where it has none that is near. Seconds."""

    kind: str
    recording: str
    language: str
    ours: tuple[float, float]
    theirs: tuple[float, float] | None

    @property
    def apart_s(self) -> tuple[float, float] | None:
        """How much later the script has its beginning and its end."""
        return (self.theirs[0] - self.ours[0], self.theirs[1] - self.ours[1]) if self.theirs else None

    def is_close(self, margins_s: tuple[float, float] = (0.0, 0.0)) -> bool:
        """Whether both have about the same length, `margins_s` of beginning and end taken off the script's."""
        if self.apart_s is None:
            return False
        begins_s, ends_s = (apart_s - margin_s for apart_s, margin_s in zip(self.apart_s, margins_s, strict=True))
        return abs(ends_s - begins_s) <= CLOSE_S

    def __str__(self) -> str:
        theirs = "none" if self.theirs is None else f"{self.theirs[0]:.3f} to {self.theirs[1]:.3f} s"
        return f"{self.recording}, {self.kind}: {self.ours[0]:.3f} to {self.ours[1]:.3f} s, the script {theirs}"


def compared(recording: Recording, found: dict[str, Any]) -> Iterator[Event]:
    """The events of a recording. `found`: what the script wrote."""
    for end_s, latency_s in recording.responses():
        yield _event(KINDS[0], recording, (end_s, end_s + latency_s), found)
    if overlap := recording.overlap():
        yield _event(KINDS[1], recording, (overlap[0], overlap[0] + overlap[1]), found)


def _event(kind: str, recording: Recording, ours: tuple[float, float], found: dict[str, Any]) -> Event:
    edge = _TELLING[kind]
    near = min(found[_LISTS[kind]], key=lambda interval: abs(interval[edge] - ours[edge]), default=None)
    is_same = near is not None and abs(near[edge] - ours[edge]) < _SAME_S
    theirs = (float(near[0]), float(near[1])) if is_same else None
    return Event(kind, recording.name, recording.language, ours, theirs)


def margins(events: Sequence[Event], of: Event) -> tuple[float, float]:
    """By how much the script is later at the beginning and the end of such an event, in the other language (median)."""
    others = [e.apart_s for e in events if e.kind == of.kind and e.language != of.language and e.apart_s]
    if not others:
        return 0.0, 0.0
    return statistics.median(each[0] for each in others), statistics.median(each[1] for each in others)
