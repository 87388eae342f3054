"""The echo path: taking the assistant's own voice out of what the microphone hears."""

from __future__ import annotations

from typing import Protocol

from assistant.audio.ports import Samples


class EchoCanceller(Protocol):
    """Microphone and far end in, near end out, block by block and sample for sample."""

    name: str

    def process(self, mic: Samples, far_end: Samples) -> Samples:
        """`mic` and `far_end` int16 of `frame` samples; returns as many."""

    frame: int


class NoCanceller:
    """For headsets: the microphone as it is."""

    name, frame = "off", 256

    def process(self, mic: Samples, far_end: Samples) -> Samples:
        """`mic`, unchanged."""
        return mic


def make_canceller(name: str) -> tuple[EchoCanceller, str]:
    """(a canceller, a warning for the user or ''). Takes the best that is there when the named one is not."""
    if name == "speex":
        from assistant.audio.echo.speex import SpeexCanceller, SpeexMissing

        try:
            return SpeexCanceller(), ""
        except SpeexMissing as missing:
            return NoCanceller(), f"no echo cancellation: {missing}"
    return NoCanceller(), ""
