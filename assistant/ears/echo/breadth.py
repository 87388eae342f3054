"""How much of a sound can teach a canceller the room, and show how late its echo is: what has many frequencies.

A beep has one. Its echo looks the same at each of its periods, so that its delay is a guess, and a filter that removes
it is right at that frequency alone: the next sentence would pass.
"""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports.port import Pcm16, Samples

FRAME = 512  # samples, 32 ms
_FIRST_BIN, _LAST_BIN = 4, 212  # 125 Hz to 6.6 kHz
_BAND_BINS = 8  # 250 Hz
_FAINT = 1e-5  # of the loudest band's power (-50 dB): less is leakage of it, or noise
_LEAST_BANDS = 6  # of 26; a vowel has ten and more, a chord of three notes three

_TAPER = np.hanning(FRAME).astype(np.float32)


def broad_frames(samples: Pcm16 | Samples) -> int:
    """How many of the newest whole frames have sound in many bands. `samples`: shape (n,)."""
    frames = samples[len(samples) % FRAME :].reshape(-1, FRAME) * _TAPER
    power = np.abs(np.fft.rfft(frames, axis=1)[:, _FIRST_BIN:_LAST_BIN]) ** 2
    bands = power.reshape(len(frames), -1, _BAND_BINS).sum(axis=2)
    held = (bands > _FAINT * bands.max(axis=1, keepdims=True)).sum(axis=1)
    return int((held >= _LEAST_BANDS).sum())
