"""The same event by us and by Full-Duplex-Bench's timing script: which of its intervals it is, and how far it is off.

Both are given the same two tracks: what people said, before it was in a room, and what the agent's loudspeaker played.
Its segments are those of Silero's `get_speech_timestamps` with its defaults: frames of 32 ms in which speech is
probable, 30 ms added to both ends (`speech_pad_ms`); pauses of up to 0.6 s (user) and 0.5 s (agent) belong to a segment
(`get_timing.py`). Ours begin with the first sample and end with the last one that can be heard. The 30 ms are its
definition and are taken off; nothing else is. Where the two are still apart, the sound tells who is right: who is
nearer to the first or last of it that can be heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.full_duplex_bench.ours import Recording, seconds
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

CLOSE_S = 0.060
KINDS = ("response latency", "overlap of an interruption")
EDGES = {
    KINDS[0]: ("the user's turn ends", "the agent answers"),
    KINDS[1]: ("the user cuts in", "one of both falls silent"),
}
_BEGINS = {KINDS[0]: (False, True), KINDS[1]: (True, False)}  # whether a segment begins at the edge, or ends
_PAD_S = 0.030  # `speech_pad_ms`
_SAME_S = 1.0  # intervals further apart are not the same event
_LISTS = {KINDS[0]: "latency_resp_list", KINDS[1]: "latency_stop_list"}
_TELLING = {KINDS[0]: 1, KINDS[1]: 0}  # the edge by which an interval is found again
_DISPUTED_S = 0.020  # an edge that is further apart is looked at
_SPEECH_S = 0.5  # beside an edge, how loud the speech is
_AROUND_S = 0.1  # both times, where the edge is looked for
_WINDOW_S = 0.005  # of sound whose level is taken
_SILENT_DB = -40.0  # below the speech beside it: nothing is heard


@dataclass(frozen=True)
class Event:
    """An interval by us, and by the script; None where it has none that is near. Seconds."""

    kind: str
    recording: Recording
    ours: tuple[float, float]
    theirs: tuple[float, float] | None

    @property
    def apart_s(self) -> tuple[float, float] | None:
        """How much later the script has its beginning and its end."""
        return (self.theirs[0] - self.ours[0], self.theirs[1] - self.ours[1]) if self.theirs else None

    @property
    def defined_apart_s(self) -> tuple[float, float] | None:
        """The same, without what it adds to both ends of a segment."""
        if self.apart_s is None:
            return None
        first_s, last_s = (
            apart_s + (_PAD_S if begins else -_PAD_S)
            for apart_s, begins in zip(self.apart_s, _BEGINS[self.kind], strict=True)
        )
        return first_s, last_s

    def is_close(self, *, by_definition: bool) -> bool:
        """Whether both have about the same length; `by_definition`: what the script adds to its segments taken off."""
        apart_s = self.defined_apart_s if by_definition else self.apart_s
        return apart_s is not None and abs(apart_s[1] - apart_s[0]) <= CLOSE_S

    def __str__(self) -> str:
        theirs = "none" if self.theirs is None else f"{self.theirs[0]:.3f} to {self.theirs[1]:.3f} s"
        event = f"{self.recording.name}, {self.kind}: {self.ours[0]:.3f} to {self.ours[1]:.3f} s, the script {theirs}"
        return "; ".join([event, *self._verdicts()])

    def _verdicts(self) -> Iterator[str]:
        """Of each edge that is apart: where the sound has it, and so who is right."""
        for at, apart_s in enumerate(self.defined_apart_s or ()):
            if abs(apart_s) <= _DISPUTED_S:
                continue
            heard_s = _heard_s(self._track(at), self.ours[at], apart_s, begins=_BEGINS[self.kind][at])
            right = "ours" if abs(heard_s) <= abs(heard_s - apart_s) else "the script"
            yield f"{EDGES[self.kind][at]} {1000 * apart_s:+.0f} ms, as heard {1000 * heard_s:+.0f} ms: {right}"

    def _track(self, at: int) -> Pcm16:
        """Where the edge is heard."""
        people, agent = self.recording.sound
        if self.kind == KINDS[0]:
            return people if at == 0 else agent
        return people if at == 0 or self.ours[1] >= self.recording.user(2)[1] else agent


def _heard_s(track: Pcm16, ours_s: float, apart_s: float, *, begins: bool) -> float:
    """How much later than by us a segment begins or ends by its sound: its first or last window that can be heard."""
    first_s, last_s = min(ours_s, ours_s + apart_s), max(ours_s, ours_s + apart_s)
    speech_s = (last_s, last_s + _SPEECH_S) if begins else (max(0.0, first_s - _SPEECH_S), first_s)
    least = float(np.mean(np.square(seconds(track, *speech_s).astype(np.float64)))) * 10 ** (_SILENT_DB / 10)
    begin_s = max(0.0, first_s - _AROUND_S)
    around = seconds(track, begin_s, last_s + _AROUND_S).astype(np.float64)
    size = round(_WINDOW_S * SAMPLE_RATE)
    power = np.mean(np.square(around[: len(around) // size * size].reshape(-1, size)), axis=1)
    heard = np.flatnonzero(power > least)
    if not len(heard):
        return 0.0
    edge = heard[0] if begins else heard[-1] + 1
    return begin_s + float(edge) * _WINDOW_S - ours_s


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
    return Event(kind, recording, ours, theirs)
