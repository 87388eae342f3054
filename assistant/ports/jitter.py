"""Packets of a remote microphone, put into one unbroken stream. Pure: the time is an argument.

A packet is given out as soon as all sound before it has been. Where one is missing the buffer waits, as long as packets
have lately been late; then silence takes its place, and it is dropped if it comes after all. So the samples that are
given out keep pace with real time, however many are lost.
"""

from __future__ import annotations

import heapq

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

SHORTEST_WAIT_S = 0.04  # two packets of a browser: reordering on a good network
LONGEST_WAIT_S = 0.4  # a word comes so much later at most; what is later yet is dropped
STALL_S = 1.0  # a microphone that sends nothing for so long has stalled: silence, so that a turn can end
_SILENCE_EVERY_S = 0.1  # of a stalled microphone
_MARGIN_S = 0.02  # on top of the latest packet of late
_HALVED_IN_S = 20.0  # how fast a late packet is forgotten
_WATCH_S = 0.25  # over which it is seen whether the client's clock stands still, or only its connection stood
_STOOD_STILL_S = 0.5  # the whole stream is later by more than packets are
_CATCHING_UP = 1.5  # sound that comes faster than this against real time is what a connection kept back
_AHEAD_S = 1.0  # no packet is from so far in the future: the client counts anew


class JitterBuffer:
    """Not thread-safe. Times are seconds on one clock, positions the client's samples, from wherever it counts."""

    def __init__(self, now_s: float) -> None:
        """The stream begins now."""
        self.given = 0
        """Samples given out."""
        self.filled = 0
        """Of these, silence in place of sound that was lost or late, or while the microphone stood still."""
        self._origin: int | None = None  # the client's position of the stream's first sample
        self._base_s = now_s  # sample n of the stream is here at `_base_s` + n / SAMPLE_RATE when its packet is quick
        self._earliest_s = now_s - _AHEAD_S  # for `_base_s`
        self._late_s = 0.0  # how late packets have been lately
        self._last_s = self._silent_s = now_s  # when a packet came; when a stalled microphone was last given silence
        self._held: list[tuple[int, int, Pcm16]] = []  # a heap of (place in the stream, count, samples)
        self._count = 0
        self._watch = _Watch(now_s)

    def push(self, samples: Pcm16, position: int, now_s: float) -> Pcm16:
        """A packet has come. What can be given out now, shape (n,)."""
        if not len(samples):
            return samples
        if self._origin is None or self._is_elsewhere(position + len(samples), now_s):
            due = self._due(now_s)
            end = max(self.given + len(samples), due)  # its last sample is the newest there is
            self._origin, self._watch = position + len(samples) - end, _Watch(now_s)
            if end > due + round(_AHEAD_S * SAMPLE_RATE):  # more sound than time: this packet is too much
                self._origin += len(samples)
                return samples[:0]
        place = position - self._origin
        quickest_s = now_s - (place + len(samples)) / SAMPLE_RATE
        self._base_s = max(self._earliest_s, min(self._base_s, quickest_s))
        late_s = quickest_s - self._base_s
        forgotten = 0.5 ** ((now_s - self._last_s) / _HALVED_IN_S)
        self._late_s = min(LONGEST_WAIT_S, max(late_s, self._late_s * forgotten))
        self._watch.note(place, place + len(samples), late_s)
        self._last_s = now_s
        self._count += 1
        heapq.heappush(self._held, (place, self._count, samples))
        return self._joined(self._in_order())

    def pull(self, now_s: float) -> Pcm16:
        """What can be given out now though no packet has come: silence for what is missing, and what follows it."""
        parts = []
        while self._held and now_s >= self._given_up_s:
            parts += [self._silence(self._held[0][0]), *self._in_order()]
        if now_s >= self._last_s + STALL_S:
            parts.append(self._silence(self._due(now_s)))
            self._silent_s = now_s
        return self._joined(parts)

    @property
    def wake_s(self) -> float:
        """When `pull` has something to give, unless a packet comes before."""
        stalled_s = max(self._last_s + STALL_S, self._silent_s + _SILENCE_EVERY_S)
        return min(stalled_s, self._given_up_s) if self._held else stalled_s

    @property
    def _given_up_s(self) -> float:
        """When what is missing before the first packet held is given up."""
        wait_s = min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, self._late_s + _MARGIN_S))
        return self._base_s + self._held[0][0] / SAMPLE_RATE + wait_s

    def _due(self, now_s: float) -> int:
        """Samples that would have come by now if all packets were quick."""
        return round((now_s - self._base_s) * SAMPLE_RATE)

    def _is_elsewhere(self, end: int, now_s: float) -> bool:
        """Whether the client's positions no longer lie where they did: it counts anew, or has stood still."""
        assert self._origin is not None
        if end - self._origin > self._due(now_s) + round(_AHEAD_S * SAMPLE_RATE):
            return True
        if now_s - self._watch.since_s < _WATCH_S:
            return False
        stood_still = self._watch.stood_still(now_s)
        self._watch = _Watch(now_s)
        return stood_still

    def _in_order(self) -> list[Pcm16]:
        """What is held and has its turn."""
        parts = []
        while self._held and self._held[0][0] <= self.given:
            place, _, samples = heapq.heappop(self._held)
            parts.append(samples[self.given - place :])
            self.given += len(parts[-1])
        return parts

    def _silence(self, until: int) -> Pcm16:
        """Silence as far as this place in the stream."""
        silence = np.zeros(max(0, until - self.given), np.int16)
        self.given += len(silence)
        self.filled += len(silence)
        return silence

    @staticmethod
    def _joined(parts: list[Pcm16]) -> Pcm16:
        return np.concatenate([np.zeros(0, np.int16), *parts])


class _Watch:
    """What has come within a moment: shows whether the client's clock stood still, or sound was kept back."""

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self._least_late_s = float("inf")
        self._places: list[int] = []

    def note(self, begin: int, end: int, late_s: float) -> None:
        """A packet with these places in the stream."""
        self._places += [begin, end]
        self._least_late_s = min(self._least_late_s, late_s)

    def stood_still(self, now_s: float) -> bool:
        """All was late, and came no faster than it was spoken."""
        if not self._places or self._least_late_s < _STOOD_STILL_S:
            return False
        came_s = (max(self._places) - self._places[0]) / SAMPLE_RATE
        return came_s < _CATCHING_UP * (now_s - self.since_s)
