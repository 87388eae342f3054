"""A sound of the client's own, which it wants to hear among the rest: an announcement, say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from huiyin.assistant.faces.connections.audio import AudioFormat, decoded
from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.faces.live.output import AHEAD_S, Output
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Timers
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import End, Message, Sound
from huiyin.assistant.ports.resample import Resampler

_FORMAT = AudioFormat()  # whatever the session's is
_LONGEST_S = 30.0


class Fixture:
    """Sent in real time, as replies are. Raises WireError where it is not sound, or too long."""

    def __init__(self, audio: str, output: Output, played: Callable[[], None]) -> None:
        """`audio`: base64 of PCM, 24 kHz; `played` is called when all of it has been sent."""
        self._samples = _samples(audio)
        self._output, self._played = output, played
        self._loudspeaker = RemoteLoudspeaker(self._carry, ahead_s=AHEAD_S, assumed_latency_s=0.0)

    def start(self, timers: Timers) -> None:
        """Begin."""
        speaker = self._loudspeaker
        speaker.start(timers, lambda: None)
        speaker.open(1)
        speaker.add(1, 0, self._samples)
        speaker.close(1)

    def stop(self) -> None:
        """Send no more."""
        self._loudspeaker.halt()

    def _carry(self, message: Message) -> None:
        if isinstance(message, Sound):
            self._output.play(message.samples)
        elif isinstance(message, End):
            self._output.end()
            self._played()


def _samples(audio: str) -> Pcm16:
    data = decoded(audio, _FORMAT)
    seconds = len(data) / _FORMAT.sample_bytes / _FORMAT.rate
    if not 0 < seconds <= _LONGEST_S:
        raise WireError("live.fixture_length", code="invalid_audio", param="audio", most_s=_LONGEST_S)
    resampler = Resampler(_FORMAT.rate, SAMPLE_RATE)
    return np.concatenate([resampler.feed(_FORMAT.samples_of(data)), resampler.flush()])
