"""Tidying synthesised sound as it streams: silence off both ends, the common level, no clicks."""

from __future__ import annotations

import numpy as np

from huiyin.services.tts.voice_engine import Sound

RATE = 24_000  # Hz; what every engine makes

_LEAD = round(0.012 * RATE)  # kept before the first sound, so that no soft consonant is cut; more would be latency
_TAIL = round(0.040 * RATE)  # kept after the last, for it to die away
_FADE = round(0.005 * RATE)  # at both ends, so that nothing clicks
SILENT = 10 ** (-50 / 20)  # a sample below this is silence

_BEND = 0.80  # up to here a sample stays as it is ...
_PEAK = 0.95  # ... and bends towards this


def silence(seconds: float) -> Sound:
    """Zeros, float32."""
    return np.zeros(round(seconds * RATE), np.float32)


def limited(sound: Sound) -> Sound:
    """`sound` with no sample beyond 0.95: a memoryless soft knee, so that chunks of a stream fit together."""
    loud = np.abs(sound)
    if loud.max(initial=0.0) <= _BEND:
        return sound
    bent = _BEND + (_PEAK - _BEND) * np.tanh((loud - _BEND) / (_PEAK - _BEND))
    return np.where(loud > _BEND, np.copysign(bent, sound), sound).astype(np.float32)


class SpeechSpan:
    """One span of speech, pushed in chunks (float32 [n], 24 kHz) and given back tidied, a few milliseconds late."""

    def __init__(self, gain: float) -> None:
        """`gain` is the voice's: a fixed factor, because levelling each clause by itself would make them pump."""
        self._gain = gain
        self.skipped: int | None = None
        """Samples of silence left out at the beginning; None while nothing but silence came."""
        self._pushed = 0
        self._held = silence(0)  # leading or trailing silence, given back only if sound follows

    def push(self, chunk: Sound) -> Sound:
        """What can be played of the span so far and was not given back yet; may be empty."""
        before = len(self._held)
        sound = np.concatenate([self._held, limited((chunk * self._gain).astype(np.float32))])
        loud = np.flatnonzero(np.abs(sound) > SILENT)
        if self.skipped is None:
            if not len(loud):
                self._pushed += len(chunk)
                self._held = sound[-_LEAD:]
                return silence(0)
            start = max(0, int(loud[0]) - _LEAD)
            self.skipped = self._pushed - before + start
            sound, loud = sound[start:], loud - start
            sound[:_FADE] *= np.linspace(0, 1, _FADE, dtype=np.float32)[: len(sound)]
        last_loud = int(loud[-1]) if len(loud) else -1
        end = max(0, min(last_loud + 1, len(sound) - _FADE))
        self._held = sound[end:]
        return sound[:end]

    def finish(self) -> Sound:
        """The end of the span, faded out."""
        if self.skipped is None:
            return silence(0)
        loud = np.flatnonzero(np.abs(self._held) > SILENT)
        tail: Sound = self._held[: (int(loud[-1]) + 1 if len(loud) else 0) + _TAIL].copy()
        size = min(_FADE, len(tail))
        tail[len(tail) - size :] *= np.linspace(1, 0, size, dtype=np.float32)
        return tail
