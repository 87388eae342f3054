"""WAV files of 16-bit samples."""

from __future__ import annotations

import io
import wave

from huiyin.assistant.ports.port import Samples


def wav_bytes(samples: Samples, rate: int) -> bytes:
    """A WAV file. `samples` int16, shape (n,) or (channels, n)."""
    channels = 1 if samples.ndim == 1 else samples.shape[0]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.T.astype("<i2").tobytes())
    return buffer.getvalue()
