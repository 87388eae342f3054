"""Tidies synthesised sound as it streams: silence cut off both ends, the common level, no clicks."""

from __future__ import annotations

import numpy as np

from huiyin.services.tts.voice_engine import Sound

RATE = 24_000  # Hz, of every engine

_LEAD = round(0.012 * RATE)  # of silence before speech, so that no soft consonant is cut; more would be latency
_TAIL = round(0.040 * RATE)  # of silence after speech, for its decay
_FADE = round(0.005 * RATE)  # at both ends, so that nothing clicks
SILENT = 10 ** (-50 / 20)  # a sample below this is silence

_KNEE = 0.80  # up to here a sample is unchanged
_PEAK = 0.95  # the limit that louder ones approach


def silence(seconds: float) -> Sound:
    """Zeros, float32."""
    return np.zeros(round(seconds * RATE), np.float32)


def limited(sound: Sound) -> Sound:
    """`sound` with no sample beyond 0.95: a memoryless soft knee, so that chunks of a stream fit together."""
    level = np.abs(sound)
    if level.max(initial=0.0) <= _KNEE:
        return sound
    bent = _KNEE + (_PEAK - _KNEE) * np.tanh((level - _KNEE) / (_PEAK - _KNEE))
    return np.where(level > _KNEE, np.copysign(bent, sound), sound).astype(np.float32)


class SpeechSpan:
    """One span of speech, pushed in chunks (float32 [n], 24 kHz) and returned tidied, a few milliseconds late."""

    def __init__(self, gain: float) -> None:
        """`gain` is the voice's: a fixed factor, because levels of each clause alone would pump."""
        self._gain = gain
        self.skipped: int | None = None
        """Samples of silence cut off the beginning; None: only silence so far."""
        self._pushed = 0
        self._pending = silence(0)  # silence, returned only where sound follows

    def push(self, chunk: Sound) -> Sound:
        """Sound that can be played; may be empty."""
        before = len(self._pending)
        sound = np.concatenate([self._pending, limited((chunk * self._gain).astype(np.float32))])
        loud = np.flatnonzero(np.abs(sound) > SILENT)
        if self.skipped is None:
            if not len(loud):
                self._pushed += len(chunk)
                self._pending = sound[-_LEAD:]
                return silence(0)
            start = max(0, int(loud[0]) - _LEAD)
            self.skipped = self._pushed - before + start
            sound, loud = sound[start:], loud - start
            sound[:_FADE] *= np.linspace(0, 1, _FADE, dtype=np.float32)[: len(sound)]
        last_loud = int(loud[-1]) if len(loud) else -1
        end = max(0, min(last_loud + 1, len(sound) - _FADE))
        self._pending = sound[end:]
        return sound[:end]

    def finish(self) -> Sound:
        """The end of the span, faded out."""
        if self.skipped is None:
            return silence(0)
        loud = np.flatnonzero(np.abs(self._pending) > SILENT)
        decay = int(loud[-1]) + 1 if len(loud) else 0
        tail: Sound = self._pending[: decay + _TAIL].copy()
        size = min(_FADE, len(tail))
        tail[len(tail) - size :] *= np.linspace(1, 0, size, dtype=np.float32)
        return tail
