"""The common loudness for voices whose level nobody has measured: found while they speak.

Loudness is EBU R 128's, by FFmpeg's meter. A new voice is held back for the 0.4 s that one reading takes (which a
server sends in far less), then its gain follows what is known of it, too slowly to be heard; what was learnt is where
the voice starts the next time.
"""

from __future__ import annotations

import threading
from typing import Any

import av
import numpy as np

from huiyin.services.tts.sound import RATE, SILENT, silence
from huiyin.services.tts.voice_engine import Sound

TARGET_LUFS = -20.0
_READING_S = 0.4  # the shortest sound that has a loudness by EBU R 128
_NO_READING_LUFS = -69.0  # what the meter says before, or of silence, is lower
_MOST_DB = 18.0  # more gain, up or down, is a mistake
_STEP_DB_PER_S = 6.0
_SETTLED_S = 2.0  # of speech: from then on, what is learnt of a voice counts in full


class Meter:
    """Loudness of the sound so far: float32 mono at 24 kHz, in pieces."""

    def __init__(self) -> None:
        self._graph = av.filter.Graph()
        self._source = self._graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
        scale, self._sink = self._graph.add("ebur128", "metadata=1"), self._graph.add("abuffersink")
        self._source.link_to(scale)
        scale.link_to(self._sink)
        self._graph.configure()
        self._at = 0
        self._lufs: float | None = None

    def push(self, sound: Sound) -> float | None:
        """Integrated loudness in LUFS with `sound` added; None before 0.4 s."""
        if not len(sound):
            return self._lufs
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), "flt", "mono")
        frame.sample_rate, frame.pts = RATE, self._at
        self._at += len(sound)
        self._source.push(frame)
        while True:
            try:
                measured: Any = self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return self._lufs
            lufs = float(measured.metadata.get("lavfi.r128.I", _NO_READING_LUFS))
            self._lufs = lufs if lufs > _NO_READING_LUFS else None


class Levels:
    """What is known of the voices' own loudness. Thread-safe."""

    def __init__(self) -> None:
        self._gains_db: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, voice: str) -> float | None:
        """The gain of a voice in dB, if it has spoken before."""
        with self._lock:
            return self._gains_db.get(voice)

    def learn(self, voice: str, gain_db: float, heard_s: float) -> None:
        """A voice wanted this gain, by so much speech of it."""
        with self._lock:
            share = min(1.0, heard_s / _SETTLED_S)
            before = self._gains_db.get(voice, gain_db)
            self._gains_db[voice] = before + share * (gain_db - before)


class Leveller:
    """Brings one span of a voice to the common loudness, as it comes."""

    def __init__(self, voice: str, levels: Levels) -> None:
        self._voice, self._levels = voice, levels
        self._gain_db = levels.of(voice)
        self._meter = Meter()
        self._heard = 0  # samples since the first that is no silence
        self._held = silence(0)

    def push(self, chunk: Sound) -> Sound:
        """What can be given of the sound so far, levelled; may be empty."""
        if not self._heard:  # silence before speech says nothing of its loudness
            loud = np.flatnonzero(np.abs(chunk) > SILENT)
            start = int(loud[0]) if len(loud) else len(chunk)
        else:
            start = 0
        self._heard += len(chunk) - start
        lufs = self._meter.push(chunk[start:])
        wanted_db = None if lufs is None else float(np.clip(TARGET_LUFS - lufs, -_MOST_DB, _MOST_DB))
        if self._gain_db is None:
            self._held = np.concatenate([self._held, chunk])
            if wanted_db is None:
                return silence(0)
            self._gain_db = wanted_db
            chunk, self._held = self._held, silence(0)
        return self._towards(chunk, wanted_db)

    def finish(self) -> Sound:
        """What was held back; remembers what was learnt."""
        lufs = self._meter.push(silence(_READING_S))  # the last reading may be of the last tenth of a second
        if lufs is not None and self._heard:
            self._levels.learn(self._voice, TARGET_LUFS - lufs, self._heard / RATE)
        rest, self._held = self._held, silence(0)
        gain_db = self._gain_db if self._gain_db is not None else TARGET_LUFS - (lufs or TARGET_LUFS)
        return _louder(rest, np.full(len(rest), np.clip(gain_db, -_MOST_DB, _MOST_DB)))

    def _towards(self, chunk: Sound, wanted_db: float | None) -> Sound:
        now_db = self._gain_db if self._gain_db is not None else 0.0
        most_db = _STEP_DB_PER_S * len(chunk) / RATE
        self._gain_db = now_db + (0.0 if wanted_db is None else float(np.clip(wanted_db - now_db, -most_db, most_db)))
        return _louder(chunk, np.linspace(now_db, self._gain_db, len(chunk)))


def _louder(sound: Sound, gains_db: np.ndarray) -> Sound:
    return (sound * 10 ** (gains_db / 20)).astype(np.float32)
