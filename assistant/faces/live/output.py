"""What the client hears: sound in the order in which it is to be played, and when that will be."""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.faces.connections.audio import AudioFormat, Encoder
from huiyin.assistant.faces.connections.wire import ServerEvent
from huiyin.assistant.faces.live.wire import AudioDelta
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Timers

AHEAD_S = 0.2
"""Of sound that the client has and has not played. Nothing can be taken back from it: what is stopped, or held back,
sounds on for so long."""


class Output:
    """Replies and fixtures go through it, one after the other."""

    def __init__(self, send: Callable[[ServerEvent], None], audio_format: AudioFormat, timers: Timers) -> None:
        self._send, self._timers = send, timers
        self._encoder = Encoder(audio_format)
        self._until_s = 0.0

    @property
    def until_s(self) -> float:
        """When a client without delay has played what it was sent, in seconds of the session; may be past."""
        return self._until_s

    def play(self, samples: Pcm16) -> tuple[float, float]:
        """Send sound, 16 kHz. From when until when a client without delay plays it, in seconds of the session."""
        begin_s = max(self._timers.now, self._until_s)
        self._until_s = begin_s + len(samples) / SAMPLE_RATE
        self._tell(self._encoder.feed(samples))
        return begin_s, self._until_s

    def end(self) -> None:
        """What was being played is over."""
        self._tell(self._encoder.flush())

    def _tell(self, delta: str) -> None:
        if delta:
            self._send(AudioDelta(delta=delta))
