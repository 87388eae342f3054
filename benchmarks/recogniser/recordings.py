"""Recordings to measure with: synthetic English speech with pauses, any length, written to disk piece by piece."""

from __future__ import annotations

import functools
import wave
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sentences import TEXTS
from huiyin.services.common.audio import SAMPLE_RATE

_SENTENCES = TEXTS["recogniser"]["sentences"]
_PAUSES_S = (0.3, 0.6, 0.9, 1.6)


@functools.cache
def speech() -> Any:
    """About a minute of it: int16 (n,), 16 kHz. The same every time."""
    import soxr
    from hibari import Hibari

    voice, rng, parts = Hibari(voice="heart", threads=1), np.random.default_rng(0), []
    for n in range(2 * len(_SENTENCES)):
        samples = np.concatenate(list(voice.stream(_SENTENCES[n % len(_SENTENCES)], 1.0, seed=0))).astype(np.float32)
        parts.append(soxr.resample(samples, voice.sample_rate, SAMPLE_RATE))
        parts.append(rng.standard_normal(round(rng.choice(_PAUSES_S) * SAMPLE_RATE)).astype(np.float32) * 3e-4)
    samples = np.concatenate(parts)
    return (samples / np.abs(samples).max() * 0.5 * 32767).astype(np.int16)


def write(path: Path, seconds: float, content: Any) -> Path:
    """A WAV file of that length, `content` again and again."""
    missing = round(seconds * SAMPLE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        while missing > 0:
            file.writeframesraw(content[:missing].tobytes())
            missing -= len(content)
    return path
