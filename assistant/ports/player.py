"""The loudspeaker of devices on this machine: what is handed to them has been heard one latency later."""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.tracks import FADE, Track, Tracks


class Player(Tracks):
    """A `Loudspeaker`. Thread-safe: sound is added by one thread and read by the device's."""

    def __init__(self, output_latency_s: float = 0.0) -> None:
        super().__init__()
        self._latency = round(output_latency_s * SAMPLE_RATE)
        self._fading: Pcm16 = np.zeros(0, np.int16)
        self.gain = 1.0
        """How loud, in [0, 1]; 1: as the voice made it. Set from any thread; the next block glides to it."""
        self._gain = 1.0  # at the end of the last block

    def stop(self, generation: int) -> None:
        """Fade out within 20 ms. The track is kept, so that `heard` can still be asked."""
        with self._lock:
            if track := self._playing(generation):
                self._fade_out(track)
                track.chunks.clear()
                self._current = None

    def pause(self, generation: int) -> None:
        """Fade out within 20 ms and keep the rest. More sound may be added."""
        with self._lock:
            if track := self._playing(generation):
                self._fade_out(track)
                track.paused = True

    def resume(self, generation: int) -> None:
        """Go on, fading in, from at most 200 ms before the pause: between two words where there is such a place."""
        with self._lock:
            track = self._playing(generation)
            if track and track.paused:
                track.paused = False
                track.go_back(track.read)

    def chime(self, sound: Pcm16) -> None:
        """Play a short sound that belongs to no reply, now; a reply that sounds goes on behind it."""
        with self._lock:
            self._fading = sound

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
        return self._softened(out)

    @property
    def is_sounding(self) -> bool:
        """Whether sound is being handed out now."""
        with self._lock:
            track = self._current
            return (track is not None and bool(track.chunks) and not track.paused) or len(self._fading) > 0

    @property
    def has_stopped(self) -> bool:
        """As `Loudspeaker.has_stopped`: never, a device that stops is opened again and goes on."""
        return False

    def _softened(self, sound: Pcm16) -> Pcm16:
        before, self._gain = self._gain, self.gain
        if before == self._gain == 1.0:
            return sound
        return (sound * np.linspace(before, self._gain, len(sound), dtype=np.float32)).astype(np.int16)

    def _fade_out(self, track: Track) -> None:
        tail: Pcm16 = np.zeros(FADE, np.int16)
        tail = tail[: track.move(tail)]
        if len(tail):
            self._fading = (tail * np.linspace(1, 0, len(tail), dtype=np.float32)).astype(np.int16)

    def _heard(self, track: Track) -> int:
        return max(0, track.read - max(0, self._latency - track.silence))
