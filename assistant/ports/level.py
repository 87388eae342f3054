"""The level of all speech in a simulated room."""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports import BLOCK
from huiyin.assistant.ports.port import Samples

SPEECH_DBFS = -26.0  # RMS while it sounds


def at_speech_level(sound: Samples) -> Samples:
    """`sound` at `SPEECH_DBFS` while it sounds, without the silence around it; peaks stay below full scale."""
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max(initial=1e-9))
    if not len(loud):
        return sound[:0]
    sound = sound[loud[0] : loud[-1] + 1]
    power = np.mean(np.square(sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK)), axis=1)
    sounding = power[power > 1e-3 * power.max(initial=0.0)]
    gain = 10 ** (SPEECH_DBFS / 20) / np.sqrt(sounding.mean()) if len(sounding) else 1.0
    return np.asarray(sound * min(gain, 0.95 / np.abs(sound).max()), np.float32)
