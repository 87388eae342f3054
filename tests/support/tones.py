"""Speech that needs no model: digits as tones, a detector of loudness, and a recogniser of the tones.

Run as a program this is the speech-to-text service with that recogniser in it: ``python -m tests.support.tones asr``.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

import numpy as np

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.recogniser import Emotion, FindModel, Hints, Recognition, Segment
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from tests.support.asr_fakes import LoudnessDetector

DIGIT_S, GAP_S = 0.2, 0.04
_LOWEST_HZ, _STEP_HZ = 500, 150
_FRAME = 160  # samples, 10 ms
_WINDOW = 640  # samples, 40 ms: enough to distinguish tones 150 Hz apart
_TONE = 0.15  # RMS of a window that is at least half a tone


def say(digits: str, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Each digit a tone of 0.2 s, a blank a pause of one second: float32 at `rate`."""
    t = np.arange(round(DIGIT_S * rate)) / rate
    gap = np.zeros(round(GAP_S * rate))
    parts: list[np.ndarray] = []
    for digit in digits:
        if digit == " ":
            parts.append(np.zeros(rate))
        else:
            parts += [0.3 * np.sin(2 * np.pi * (_LOWEST_HZ + _STEP_HZ * int(digit)) * t), gap]
    return np.concatenate(parts).astype(np.float32)


def pcm(sound: np.ndarray) -> bytes:
    """16-bit little-endian."""
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


class ToneEngine:
    """See `huiyin.services.asr.recogniser.Engine`. Two digits of 9 in a row break it; 8 alone is not speech."""

    model, device, languages, uses_hotwords, translates = "tones", "cpu", ("en", "zh"), False, False
    max_piece_s, batch_s, workers = 28.0, 0.0, 1

    def __init__(self) -> None:
        self._inside = threading.Lock()

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        assert self._inside.acquire(blocking=False), "two callers at once"
        try:
            return [self._read(samples, hints) for samples in pieces]
        finally:
            self._inside.release()

    def _read(self, samples: Samples, hints: Hints) -> Recognition:
        digits, last = "", ""
        for i in range(0, len(samples) - _WINDOW + 1, _FRAME):
            window, now = samples[i : i + _WINDOW], ""
            if np.std(window) > _TONE:
                spectrum = np.abs(np.fft.rfft(window * np.hanning(_WINDOW), 8 * _WINDOW))
                hz = int(np.argmax(spectrum)) * SAMPLE_RATE / (8 * _WINDOW)
                now = str(min(9, max(0, round((hz - _LOWEST_HZ) / _STEP_HZ))))
            if now and now != last:
                digits += now
            last = now
        if "99" in digits:
            raise RuntimeError("a secret of the recogniser")
        if digits in ("", "8"):
            return Recognition(())
        length_s = len(samples) / SAMPLE_RATE
        language = hints.languages[0] if hints.languages else "en"
        emotion = Emotion("happy", 0.9, {"happy": 0.9, "sad": 0.1})
        return Recognition((Segment(0.0, length_s, " ".join(digits), language, 0.9, emotion),))


def load(settings: AsrSettings, find_model: FindModel) -> ToneEngine:
    """As engines are loaded; puts the detector into the service, too."""
    from huiyin.services.asr import serving

    serving.load_detectors = lambda *_: LoudnessDetector
    return ToneEngine()


if __name__ == "__main__":
    from huiyin.services.__main__ import main
    from huiyin.services.asr.recogniser import ENGINES

    ENGINES["whisper"] = "tests.support.tones:load"
    sys.exit(main())
