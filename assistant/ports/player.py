"""The sound of a reply on its way to the loudspeaker, and how much of it has been heard."""

from __future__ import annotations

import threading
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
class _Track:
    """One reply's sound."""

    generation: int
    chunks: deque[Pcm16] = field(default_factory=deque)
    spans: list[ClauseSpan] = field(default_factory=list)
    total: int = 0  # samples added
    read: int = 0  # samples handed to the port
    silence: int = 0  # samples of silence handed out since the last sound
    recent: deque[Pcm16] = field(default_factory=deque)  # blocks handed out, the last REWIND samples at least
    recent_count: int = 0  # samples in them
    begun: int = 0  # clauses whose first sample was heard
    is_open: bool = False
    paused: bool = False
    closed: bool = False

    def move(self, out: Pcm16) -> int:
        """Copy what comes next into `out`; how many samples it was. The port's thread does this: only copies."""
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
            while self.recent_count - len(self.recent[0]) >= REWIND:
                self.recent_count -= len(self.recent.popleft())
        self.read += at
        return at

    def last_heard(self) -> Pcm16:
        """The last REWIND samples handed out."""
        return np.concatenate([np.zeros(0, np.int16), *self.recent])[-REWIND:]

    def span(self, clause: int) -> ClauseSpan:
        """The span of the clause that is being added."""
        if not self.spans or self.spans[-1].clause != clause:
            self.spans.append(ClauseSpan(clause, self.total, self.total))
        return self.spans[-1]


class Player:
    """Thread-safe. Sound is added by the synthesis thread and read by the port's; one track is heard at a time."""

    def __init__(self, output_latency_s: float = 0.0) -> None:
        self._latency = round(output_latency_s * SAMPLE_RATE)
        self._lock = threading.Lock()
        self._tracks: dict[int, _Track] = {}
        self._current: _Track | None = None
        self._fading: Pcm16 = np.zeros(0, np.int16)
        self._gone = 0  # this generation and older ones have been dropped: sound that comes late is not kept

    def add(self, generation: int, clause: int, samples: Pcm16) -> None:
        """Append sound of a clause. Clauses come in order."""
        with self._lock:
            if generation <= self._gone:
                return
            track = self._tracks.setdefault(generation, _Track(generation))
            span = track.span(clause)
            track.chunks.append(samples)
            track.total += len(samples)
            span.end = track.total

    def add_words(self, generation: int, clause: int, words: Sequence[HeardUntil]) -> None:
        """Tell when the next words of a clause are said. Clauses come in order, as their sound does."""
        with self._lock:
            if generation > self._gone:
                self._tracks.setdefault(generation, _Track(generation)).span(clause).words += words

    def end_clause(self, generation: int, clause: int) -> None:
        """All of this clause's sound has been added."""
        with self._lock:
            for span in self._tracks[generation].spans if generation in self._tracks else []:
                span.ended = span.ended or span.clause == clause

    def open(self, generation: int) -> None:
        """Let this reply out, now and as it comes."""
        with self._lock:
            self._current = self._tracks.setdefault(generation, _Track(generation))
            self._current.is_open = True

    def close(self, generation: int) -> None:
        """No more sound will be added."""
        with self._lock:
            self._tracks.setdefault(generation, _Track(generation)).closed = True

    def stop(self, generation: int) -> None:
        """Fade out within 20 ms. The track is kept, so that `heard` can still be asked."""
        with self._lock:
            track = self._current
            if track is None or track.generation != generation:
                return
            self._fade_out(track)
            track.chunks.clear()
            self._current = None

    def pause(self, generation: int) -> None:
        """Fade out within 20 ms and keep the rest. More sound may be added."""
        with self._lock:
            track = self._current
            if track is not None and track.generation == generation:
                self._fade_out(track)
                track.paused = True

    def resume(self, generation: int) -> None:
        """Go on, fading in, from at most 200 ms before the pause: between two words where there is such a place."""
        with self._lock:
            track = self._current
            if track is None or track.generation != generation or not track.paused:
                return
            track.paused = False
            again = track.last_heard()
            again = again[_quietest(again) :]
            track.read -= len(again)
            fade = min(FADE, len(again))
            ramp = np.linspace(0, 1, fade, dtype=np.float32)
            track.chunks.extendleft([again[fade:], (again[:fade] * ramp).astype(np.int16)])

    def drop(self, generation: int) -> None:
        """Forget this reply's sound."""
        with self._lock:
            self._gone = max(self._gone, generation)
            track = self._tracks.pop(generation, None)
            if track is not None and track is self._current:
                self._current = None

    def read(self, count: int) -> Pcm16:
        """The next `count` samples for the loudspeaker. Called by the port: only copies."""
        out = np.zeros(count, np.int16)
        with self._lock:
            at = min(len(self._fading), count)
            out[:at] = self._fading[:at]
            self._fading = self._fading[at:]
            if self._current is not None and at < count:
                missing = count - at - self._current.move(out[at:])
                self._current.silence = self._current.silence + missing if missing else 0
        return out

    def heard(self, generation: int) -> tuple[int, list[ClauseSpan]]:
        """(samples of this reply that have reached the ear, its clauses)."""
        with self._lock:
            track = self._tracks.get(generation)
            if track is None:
                return 0, []
            return self._heard(track), [replace(s, words=list(s.words)) for s in track.spans]

    def ahead_s(self, generation: int) -> float:
        """Seconds of this reply's sound that wait to be handed out."""
        with self._lock:
            track = self._tracks.get(generation)
            return (track.total - track.read) / SAMPLE_RATE if track else 0.0

    def finished(self) -> int | None:
        """The generation that has been heard to its end since the last call, if any. It stops being current."""
        with self._lock:
            track = self._current
            if track is None or not track.closed or track.paused or self._heard(track) < track.total:
                return None
            self._current = None
            return track.generation

    def advanced(self) -> tuple[int, int] | None:
        """(generation, clause) whose first sample has been heard since the last call, if any."""
        with self._lock:
            track = self._current
            if track is None or not track.is_open or track.begun == len(track.spans):
                return None
            span = track.spans[track.begun]
            if self._heard(track) <= span.start:
                return None
            track.begun += 1
            return track.generation, span.clause

    @property
    def is_sounding(self) -> bool:
        """Whether sound is being handed out now."""
        with self._lock:
            track = self._current
            return (track is not None and bool(track.chunks) and not track.paused) or len(self._fading) > 0

    def _fade_out(self, track: _Track) -> None:
        tail: Pcm16 = np.zeros(FADE, np.int16)
        tail = tail[: track.move(tail)]
        if len(tail):
            self._fading = (tail * np.linspace(1, 0, len(tail), dtype=np.float32)).astype(np.int16)

    def _heard(self, track: _Track) -> int:
        return max(0, track.read - max(0, self._latency - track.silence))


def _quietest(sound: Pcm16) -> int:
    """Where the quietest 10 ms of `sound` begin."""
    if len(sound) <= _QUIET_WINDOW:
        return 0
    power = np.convolve(sound.astype(np.float32) ** 2, np.ones(_QUIET_WINDOW, np.float32), "valid")
    return int(power.argmin())
