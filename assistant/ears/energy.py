"""The end of speech by its level, sooner than voice activity is sure of it.

Silero's probability falls 90-120 ms after the last sound; the level falls with it. In 104 utterances a level 25 dB
below that of the speech for 30 ms marks 98 % of the ends and pauses, 29 ms after the last sound (median), and
0.8 times a second something else, mostly the closure of a stop consonant: what is begun on the strength of it must cost
little when it was nothing.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

_STEP = SAMPLE_RATE // 100  # 10 ms
_STEP_S = _STEP / SAMPLE_RATE
_DEEP_DB = 25.0  # this far below the speech level counts as silence
_HIGH_DB = 12.0  # closer to it than this counts as speech
_QUIET_STEPS = 3
_FORGET_DB = 0.05  # a step: the speech level follows the loudest sound, and sinks this fast
_FLOOR = 1.0  # int16: digital silence has a level, too

EnergyChange = Literal["dropped", "recovered"]


class EnergyDrops:
    """Sound in; 'dropped' when it has become quiet, 'recovered' when it is loud again. Not thread-safe."""

    def __init__(self) -> None:
        self._speech_db = 0.0
        self._quiet = 0  # steps
        self._was_loud = self._dropped = False

    def push(self, samples: Pcm16) -> tuple[EnergyChange, float] | None:
        """The newest sound (int16, whole steps of 10 ms or nearly): what changed, and since how many seconds."""
        sound = samples.astype(np.float32)
        for begin in range(len(sound) % _STEP, len(sound), _STEP):
            step = sound[begin : begin + _STEP]
            power = float(np.dot(step, step)) / _STEP
            self._take(10 * math.log10(max(power, _FLOOR)))
        if self._dropped and self._quiet == 0:
            self._dropped = False
            return "recovered", 0.0
        if self._was_loud and not self._dropped and self._quiet >= _QUIET_STEPS:
            self._dropped, self._was_loud = True, False
            return "dropped", self._quiet * _STEP_S
        return None

    def _take(self, level_db: float) -> None:
        self._speech_db = max(level_db, self._speech_db - _FORGET_DB)
        if level_db > self._speech_db - _HIGH_DB:
            self._was_loud = True
        self._quiet = self._quiet + 1 if level_db < self._speech_db - _DEEP_DB else 0
