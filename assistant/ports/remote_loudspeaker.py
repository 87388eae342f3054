"""A loudspeaker at the other end of a connection: sound is sent in time, and the client tells what it has played."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Timers
from huiyin.assistant.ports.remote_messages import Clear, End, Message, Pause, Resume, Sound
from huiyin.assistant.ports.tracks import REWIND, Track, Tracks

AHEAD_S = 0.25  # sound the client has in hand: bridges a late packet, and is soon over where it cannot be cleared
_ROUND_TRIP_S = 0.5  # a report is so old at most; a client further behind has stopped playing, and gets no more
_TICK_S = 0.04  # sound is sent so often
STOPPED_S = 10.0
"""A client that should be playing and has reported no progress for so long has stopped: a page that sleeps."""


class RemoteLoudspeaker(Tracks):
    """A `Loudspeaker` whose client hears through `send`. All calls in the conversation's thread.

    Sound is sent at most `ahead_s` ahead of real time, and at most that and a round trip ahead of the client's report.
    Only what the client has reported (`played`) counts as heard. A client that never reports is given an
    `assumed_latency_s`: it is taken to play in real time, so long after the sound was sent. One that `keeps_sound`
    cannot forget what it has when a reply is paused: it plays that to its end, and the reply goes on behind it.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        *,
        ahead_s: float = AHEAD_S,
        assumed_latency_s: float | None = None,
        keeps_sound: bool = False,
    ) -> None:
        self._send, self._latency_s, self._keeps_sound = send, assumed_latency_s, keeps_sound
        self._ahead = round(ahead_s * SAMPLE_RATE)
        latency_s = _ROUND_TRIP_S if assumed_latency_s is None else assumed_latency_s + _TICK_S
        self._unreported = self._ahead + round(latency_s * SAMPLE_RATE)  # sent and not yet heard, at most
        super().__init__(keep=REWIND + self._unreported)
        self._timers: Timers | None = None
        self._reported: Callable[[], None] = _nothing
        self._clock = 0.0  # samples of the current reply that a client without delay has played by `_clock_s`
        self._clock_s = 0.0
        self._past: deque[tuple[float, float]] = deque()  # (seconds, `_clock` then), where the client does not report
        self._ended = self._ticking = False
        self._progress_s = 0.0  # when the client last reported more, or got sound while it had none

    def start(self, timers: Timers, reported: Callable[[], None]) -> None:
        """Send from now on. `reported` is called when more has been heard."""
        self._timers, self._reported = timers, reported
        self._restart_clock()
        self._pump()

    def halt(self) -> None:
        """Send nothing, and call nothing, until `start`."""
        self._timers, self._reported = None, _nothing

    def played(self, generation: int, samples: int) -> None:
        """The client's report: so many samples of this reply have been heard.

        More than was sent counts as all that was sent; less than before, and a reply that is gone, as nothing.
        """
        track = self._tracks.get(generation)
        if track is not None and self._latency_s is None:
            self._report(track, samples)
            self._pump()

    def expect_reports(self) -> None:
        """From the next reply on the client reports what it has played, and forgets sound when a reply is paused."""
        self._latency_s, self._keeps_sound = None, False
        self._unreported = self._ahead + round(_ROUND_TRIP_S * SAMPLE_RATE)
        self._keep = REWIND + self._unreported

    def correct(self, generation: int, samples: int) -> None:
        """The client has stopped playing a reply, and says how much was heard: it may be less than was assumed."""
        self.stop(generation)
        if track := self._tracks.get(generation):
            track.reported = min(samples, track.read)

    def add(self, generation: int, clause: int, samples: Pcm16) -> None:
        """As `Loudspeaker.add`."""
        super().add(generation, clause, samples)
        self._pump()

    def open(self, generation: int) -> None:
        """As `Loudspeaker.open`. A reply that is still playing is stopped."""
        if self._playing(generation):
            return
        if self._current is not None:
            self.stop(self._current.generation)
        super().open(generation)
        self._restart_clock()
        self._pump()

    def close(self, generation: int) -> None:
        """As `Loudspeaker.close`."""
        super().close(generation)
        self._pump()
        if self._timers is not None and self._playing(generation):
            self._timers.after(0.0, lambda: self._reported())  # it may have been heard to its end already

    def stop(self, generation: int) -> None:
        """As `Loudspeaker.stop`. What the client reports afterwards still counts."""
        if track := self._playing(generation):
            track.chunks.clear()
            self._current = None
            self._send(Clear(generation))

    def pause(self, generation: int) -> None:
        """As `Loudspeaker.pause`."""
        track = self._playing(generation)
        if track and not track.paused:
            self._advance(track)
            track.paused = True
            self._send(Pause(generation))

    def resume(self, generation: int) -> None:
        """As `Loudspeaker.resume`."""
        track = self._playing(generation)
        if track and track.paused:
            track.paused = False
            if not self._keeps_sound:
                track.go_back(track.reported)
                track.reported = track.read
                self._restart_clock()
            self._send(Resume(generation, track.read))
            self._pump()

    def drop(self, generation: int) -> None:
        """As `Loudspeaker.drop`."""
        self.stop(generation)
        super().drop(generation)

    @property
    def is_sounding(self) -> bool:
        """Whether the client has sound that it has not reported as played."""
        track = self._current
        return track is not None and not track.paused and track.reported < track.read

    @property
    def has_stopped(self) -> bool:
        """As `Loudspeaker.has_stopped`. A client that does not report is taken to play."""
        if self._timers is None or self._latency_s is not None or not self.is_sounding:
            return False
        return self._timers.now - self._progress_s > STOPPED_S

    def _heard(self, track: Track) -> int:
        return track.reported

    def _pump(self) -> None:
        """Send what may be sent by now."""
        track = self._current
        if self._timers is None or track is None or (track.paused and not self._keeps_sound):
            return
        self._advance(track)
        if track.paused:
            self._tick_on(track.reported < track.read)
            return
        until = int(min(track.total, self._clock + self._ahead, track.reported + self._unreported))
        if until > track.read:
            position, samples = track.read, np.zeros(until - track.read, np.int16)
            if track.reported == track.read:
                self._progress_s = self._timers.now
            track.move(samples)
            self._send(Sound(track.generation, position, samples))
        if track.closed and track.read == track.total and not self._ended:
            self._ended = True
            self._send(End(track.generation, track.total))
        waits = track.reported if self._latency_s is not None else track.read
        self._tick_on(waits < track.total)

    def _tick_on(self, is_needed: bool) -> None:
        if is_needed and self._timers is not None and not self._ticking:  # what was sent may have halted it
            self._ticking = True
            self._timers.after(_TICK_S, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        self._pump()

    def _advance(self, track: Track) -> None:
        """Carry the clock on to now. It waits where all that was sent has been played."""
        if self._timers is None:
            return
        now_s = self._timers.now
        moved = (now_s - self._clock_s) * SAMPLE_RATE
        self._clock = min(track.read, max(self._clock + moved, track.reported))
        self._clock_s = now_s
        if self._latency_s is not None:
            self._past.append((now_s, self._clock))
            heard = 0
            while self._past and self._past[0][0] <= now_s - self._latency_s:
                heard = int(self._past.popleft()[1])
            self._report(track, heard)

    def _restart_clock(self) -> None:
        """A reply begins, or goes on, with the next sample that is sent."""
        self._clock = self._current.read if self._current else 0
        self._clock_s = self._timers.now if self._timers else 0.0
        self._past.clear()
        self._ended = False

    def _report(self, track: Track, heard: int) -> None:
        heard = min(heard, track.read)
        if heard > track.reported:
            track.reported = heard
            self._progress_s = self._timers.now if self._timers else 0.0
            self._reported()


def _nothing() -> None: ...
