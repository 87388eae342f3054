"""The sound of replies on its way out: what every loudspeaker keeps.

A track is one reply's sound with its clauses. How much of it has been heard is for the loudspeaker to say.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import ClauseSpan, HeardUntil, Pcm16

FADE = int(0.020 * SAMPLE_RATE)  # samples: long enough not to click, short enough to feel instant
REWIND = int(0.200 * SAMPLE_RATE)  # samples said again at most after a pause, so that no word is lost in the fade
_QUIET_WINDOW = int(0.010 * SAMPLE_RATE)  # samples over which the quietest place to go on from is looked for


@dataclass
class Track:
    """One reply's sound."""

    generation: int
    keep: int = REWIND  # samples handed out that can be handed out again
    chunks: deque[Pcm16] = field(default_factory=deque)
    spans: list[ClauseSpan] = field(default_factory=list)
    total: int = 0  # samples added
    read: int = 0  # samples handed out
    silence: int = 0  # samples of silence handed out since the last sound
    reported: int = 0  # samples played, where a client reports them; goes back with `read` after a pause
    recent: deque[Pcm16] = field(default_factory=deque)  # blocks handed out, the last `keep` samples at least
    recent_count: int = 0  # samples in them
    begun: int = 0  # clauses whose first sample was heard
    is_open: bool = False
    paused: bool = False
    closed: bool = False

    def move(self, out: Pcm16) -> int:
        """Copy what comes next into `out`; how many samples it was. A device's thread does this: only copies."""
        at = 0
        while at < len(out) and self.chunks and not self.paused:
            chunk = self.chunks.popleft()
            part = chunk[: len(out) - at]
            if len(part) < len(chunk):
                self.chunks.appendleft(chunk[len(part) :])
            out[at : at + len(part)] = part
            at += len(part)
            self.recent.append(part)
            self.recent_count += len(part)
            while self.recent_count - len(self.recent[0]) >= self.keep:
                self.recent_count -= len(self.recent.popleft())
        self.read += at
        return at

    def go_back(self, heard: int) -> None:
        """Hand out again, fading in, from at most 200 ms before sample `heard`: between two words where there is such
        a place. `heard` lies among the samples that are kept.
        """
        kept: Pcm16 = np.concatenate([np.zeros(0, np.int16), *self.recent])
        end = len(kept) - (self.read - heard)
        begin = max(0, end - REWIND)
        again = kept[begin + _quietest(kept[begin:end]) :]
        self.read -= len(again)
        self.recent, self.recent_count = deque([kept[: len(kept) - len(again)]]), len(kept) - len(again)
        fade = min(FADE, len(again))
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        self.chunks.extendleft([again[fade:], (again[:fade] * ramp).astype(np.int16)])

    def span(self, clause: int) -> ClauseSpan:
        """The span of the clause that is being added."""
        if not self.spans or self.spans[-1].clause != clause:
            self.spans.append(ClauseSpan(clause, self.total, self.total))
        return self.spans[-1]


class Tracks(ABC):
    """The part of a `Loudspeaker` that does not depend on who plays. Thread-safe; one track is heard at a time."""

    def __init__(self, keep: int = REWIND) -> None:
        """`keep`: samples handed out that can be handed out again."""
        self._keep = keep
        self._lock = threading.Lock()
        self._tracks: dict[int, Track] = {}
        self._current: Track | None = None
        self._gone = 0  # this generation and older ones have been dropped: sound that comes late is not kept

    def add(self, generation: int, clause: int, samples: Pcm16) -> None:
        """As `Loudspeaker.add`."""
        with self._lock:
            if generation <= self._gone:
                return
            track = self._track(generation)
            span = track.span(clause)
            track.chunks.append(samples)
            track.total += len(samples)
            span.end = track.total

    def add_words(self, generation: int, clause: int, words: Sequence[HeardUntil]) -> None:
        """As `Loudspeaker.add_words`."""
        with self._lock:
            if generation > self._gone:
                self._track(generation).span(clause).words += words

    def end_clause(self, generation: int, clause: int) -> None:
        """As `Loudspeaker.end_clause`."""
        with self._lock:
            for span in self._tracks[generation].spans if generation in self._tracks else []:
                span.ended = span.ended or span.clause == clause

    def open(self, generation: int) -> None:
        """As `Loudspeaker.open`."""
        with self._lock:
            self._current = self._track(generation)
            self._current.is_open = True

    def close(self, generation: int) -> None:
        """As `Loudspeaker.close`."""
        with self._lock:
            self._track(generation).closed = True

    def drop(self, generation: int) -> None:
        """As `Loudspeaker.drop`."""
        with self._lock:
            self._gone = max(self._gone, generation)
            track = self._tracks.pop(generation, None)
            if track is not None and track is self._current:
                self._current = None

    def heard(self, generation: int) -> tuple[int, list[ClauseSpan]]:
        """As `Loudspeaker.heard`."""
        with self._lock:
            track = self._tracks.get(generation)
            if track is None:
                return 0, []
            return self._heard(track), [replace(s, words=list(s.words)) for s in track.spans]

    def ahead_s(self, generation: int) -> float:
        """As `Loudspeaker.ahead_s`."""
        with self._lock:
            track = self._tracks.get(generation)
            return (track.total - track.read) / SAMPLE_RATE if track else 0.0

    def finished(self) -> int | None:
        """As `Loudspeaker.finished`. The reply stops being current."""
        with self._lock:
            track = self._current
            if track is None or not track.closed or track.paused or self._heard(track) < track.total:
                return None
            self._current = None
            return track.generation

    def advanced(self) -> tuple[int, int] | None:
        """As `Loudspeaker.advanced`."""
        with self._lock:
            track = self._current
            if track is None or not track.is_open or track.begun == len(track.spans):
                return None
            span = track.spans[track.begun]
            if self._heard(track) <= span.start:
                return None
            track.begun += 1
            return track.generation, span.clause

    @abstractmethod
    def _heard(self, track: Track) -> int:
        """Samples of the track that have reached the ear."""

    def _track(self, generation: int) -> Track:
        return self._tracks.setdefault(generation, Track(generation, self._keep))

    def _playing(self, generation: int) -> Track | None:
        """The track that is current, if it is this one."""
        track = self._current
        return track if track is not None and track.generation == generation else None


def _quietest(sound: Pcm16) -> int:
    """Where the quietest 10 ms of `sound` begin."""
    if len(sound) <= _QUIET_WINDOW:
        return 0
    power = np.convolve(sound.astype(np.float32) ** 2, np.ones(_QUIET_WINDOW, np.float32), "valid")
    return int(power.argmin())
