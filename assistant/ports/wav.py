"""WAV files of 16-bit samples."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import soxr

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.configs.errors import HuiyinError


class WavError(HuiyinError):
    """A file is not a WAV file of 16-bit samples."""


def wav_bytes(samples: Pcm16, rate: int) -> bytes:
    """A WAV file. `samples` int16, shape (n,) or (channels, n)."""
    channels = 1 if samples.ndim == 1 else samples.shape[0]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.T.astype("<i2").tobytes())
    return buffer.getvalue()


def read_wav(path: Path) -> Samples:
    """A WAV file of 16-bit samples as float32, mono, 16 kHz, in [-1, 1]. Raises WavError."""
    try:
        with wave.open(io.BytesIO(path.read_bytes())) as file:
            if file.getsampwidth() != 2:
                raise WavError("ports.not_16_bit", path=path)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
            channels, rate = file.getnchannels(), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise WavError("ports.wav_unreadable", path=path, why=error) from error
    mono: Samples = samples.reshape(-1, channels).mean(axis=1)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE).astype(np.float32)
