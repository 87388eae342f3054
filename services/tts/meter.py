"""Loudness as ITU-R BS.1770-4 and EBU R 128 have it, of sound that comes in pieces.

FFmpeg's own meter is no longer used: PyAV 17.0 does not give what it has measured, and 17.1 to 18 free a file's channel
layout twice. The two agree to 0.1 LU on speech (`tests/services/test_tts_meter.py`).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import Sound

_STEP = round(0.1 * RATE)  # samples; a reading is four of them, 0.4 s, and begins with each
_STEPS = 4
_SILENT_LUFS, _BELOW_LU = -70.0, 10.0  # gates: absolute, and relative to what passes it
_RESPONSE_S = 0.2  # the high-pass of 38 Hz has died away
# The standard's two filters as their analogue forms: (Hz, dB, Q) of the head's shelf, (Hz, Q) of the high-pass.
_SHELF = (1681.974450955533, 3.999843853973347, 0.7071752369554196)
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)


class Meter:
    """Loudness of the sound so far: float32 mono at 24 kHz, in pieces."""

    def __init__(self) -> None:
        self._before: Sound = np.zeros(len(_response()) - 1, np.float32)  # what still rings in the filters
        self._rest: npt.NDArray[np.float64] = np.zeros(0)  # weighted sound that is no whole step yet
        self._steps: list[float] = []  # mean square of each step

    def push(self, sound: Sound) -> float | None:
        """Integrated loudness in LUFS with `sound` added; None before 0.4 s, and while all is silent."""
        if len(sound):
            weighted = np.concatenate([self._rest, self._weighted(sound)])
            count = len(weighted) // _STEP
            self._steps += [
                float(mean) for mean in np.mean(weighted[: count * _STEP].reshape(count, _STEP) ** 2, axis=1)
            ]
            self._rest = weighted[count * _STEP :]
        if len(self._steps) < _STEPS:
            return None
        powers = np.convolve(self._steps, np.full(_STEPS, 1 / _STEPS), "valid")
        loud = powers[_lufs(powers) > _SILENT_LUFS]
        if not len(loud):
            return None
        return float(_lufs(np.mean(loud[_lufs(loud) > _lufs(np.mean(loud)) - _BELOW_LU])))

    def _weighted(self, sound: Sound) -> npt.NDArray[np.float64]:
        """As loud as the ear has it: the standard's K-weighting."""
        response = _response()
        whole = np.concatenate([self._before, sound])
        self._before = whole[-(len(response) - 1) :]
        size = 1 << (len(whole) + len(response) - 1).bit_length()
        heard = np.fft.irfft(np.fft.rfft(whole, size) * np.fft.rfft(response, size), size)
        return heard[len(response) - 1 : len(whole)]


@cache
def _response() -> npt.NDArray[np.float64]:
    """The impulse response of both filters, one after the other."""
    response = np.zeros(round(_RESPONSE_S * RATE))
    response[0] = 1.0
    for numerator, denominator in (_shelf(), _high_pass()):
        response = _filtered(response, numerator, denominator)
    return response


Coefficients = tuple[float, float, float]


def _shelf() -> tuple[Coefficients, Coefficients]:
    frequency_hz, gain_db, q = _SHELF
    k, high = np.tan(np.pi * frequency_hz / RATE), 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    numerator = ((high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0)
    return numerator, (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)


def _high_pass() -> tuple[Coefficients, Coefficients]:
    frequency_hz, q = _HIGH_PASS
    k = np.tan(np.pi * frequency_hz / RATE)
    a0 = 1 + k / q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)


def _filtered(
    sound: npt.NDArray[np.float64], numerator: Coefficients, denominator: Coefficients
) -> npt.NDArray[np.float64]:
    """A filter of second order, sample by sample: once in a process."""
    (b0, b1, b2), (_, a1, a2) = numerator, denominator
    out = np.zeros(len(sound))
    first = second = 0.0
    for at, sample in enumerate(sound):
        out[at] = b0 * sample + first
        first, second = b1 * sample - a1 * out[at] + second, b2 * sample - a2 * out[at]
    return out


def _lufs(power: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-12)))
