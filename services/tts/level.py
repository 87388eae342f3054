"""Brings voices of unknown level to the common loudness while they speak.

Loudness is EBU R 128's. A new voice is delayed by the 0.4 s of one reading (a server sends that much
in far less); then its gain follows the readings, too slowly to be noticed. The next time the voice starts with it.
"""

from __future__ import annotations

import threading

import numpy as np

from huiyin.services.tts.meter import Meter
from huiyin.services.tts.sound import RATE, SILENT, silence
from huiyin.services.tts.voice_engine import Sound

TARGET_LUFS = -20.0
_READING_S = 0.4  # the shortest sound that has a loudness by EBU R 128
_MOST_DB = 18.0  # of gain, up or down; more would be a mistake
_STEP_DB_PER_S = 6.0
_SETTLED_S = 2.0  # of speech, after which a measured gain replaces the one before


class Levels:
    """The voices' measured gains. Thread-safe."""

    def __init__(self) -> None:
        self._gains_db: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, voice: str) -> float | None:
        """The gain of a voice in dB; None before it has spoken."""
        with self._lock:
            return self._gains_db.get(voice)

    def learn(self, voice: str, gain_db: float, measured_s: float) -> None:
        """The gain of a voice, measured on so many seconds of its speech."""
        with self._lock:
            share = min(1.0, measured_s / _SETTLED_S)
            before = self._gains_db.get(voice, gain_db)
            self._gains_db[voice] = before + share * (gain_db - before)


class Leveller:
    """Brings one span of speech to the common loudness, chunk by chunk."""

    def __init__(self, voice: str, levels: Levels) -> None:
        self._voice, self._levels = voice, levels
        self._gain_db = levels.of(voice)
        self._meter = Meter()
        self._measured = 0  # samples from the first that is not silence
        self._pending = silence(0)

    def push(self, chunk: Sound) -> Sound:
        """Levelled sound, as far as the gain is known; may be empty."""
        start = 0
        if not self._measured:  # silence before speech says nothing of its loudness
            loud = np.flatnonzero(np.abs(chunk) > SILENT)
            start = int(loud[0]) if len(loud) else len(chunk)
        self._measured += len(chunk) - start
        lufs = self._meter.push(chunk[start:])
        target_db = None if lufs is None else _gain_to(lufs)
        if self._gain_db is None:
            self._pending = np.concatenate([self._pending, chunk])
            if target_db is None:
                return silence(0)
            self._gain_db = target_db
            chunk, self._pending = self._pending, silence(0)
        return self._towards(chunk, self._gain_db, target_db)

    def finish(self) -> Sound:
        """The rest of the sound; the measured gain goes into the levels."""
        lufs = self._meter.push(silence(_READING_S))  # completes the reading of the last tenths of a second
        if lufs is not None and self._measured:
            self._levels.learn(self._voice, TARGET_LUFS - lufs, self._measured / RATE)
        rest, self._pending = self._pending, silence(0)
        return _amplified(rest, np.full(len(rest), _gain_to(TARGET_LUFS if lufs is None else lufs)))

    def _towards(self, chunk: Sound, gain_db: float, target_db: float | None) -> Sound:
        """`chunk`, its gain moved from `gain_db` towards the target."""
        end_db = gain_db
        if target_db is not None:
            step_db = _STEP_DB_PER_S * len(chunk) / RATE
            end_db += float(np.clip(target_db - gain_db, -step_db, step_db))
        self._gain_db = end_db
        return _amplified(chunk, np.linspace(gain_db, end_db, len(chunk)))


def _gain_to(lufs: float) -> float:
    """The gain in dB from a loudness to the common one."""
    return float(np.clip(TARGET_LUFS - lufs, -_MOST_DB, _MOST_DB))


def _amplified(sound: Sound, gains_db: np.ndarray) -> Sound:
    return (sound * 10 ** (gains_db / 20)).astype(np.float32)
