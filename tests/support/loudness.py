"""Loudness of speech as ITU-R BS.1770-4 measures it (LUFS), for one channel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

_RATE = 48_000  # for which the standard states its filters
# The head's shelf, then the high-pass of its revised B curve: (numerator, denominator).
_FILTERS = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
_BLOCK, _STEP = round(0.4 * _RATE), round(0.1 * _RATE)  # 400 ms, overlapping by 75 %
_SILENT_LUFS, _BELOW_LU = -70.0, 10.0  # gates: absolute, and relative to what passes it


def lufs(samples: npt.NDArray[np.float32], rate: int) -> float:
    """Integrated loudness of float samples, shape (n,); -inf where all is silent."""
    from scipy.signal import lfilter  # takes a second, and few tests need it

    sound = soxr.resample(np.asarray(samples, np.float64), rate, _RATE)
    sound = np.concatenate([sound, np.zeros(max(0, _BLOCK - len(sound)))])
    for numerator, denominator in _FILTERS:
        sound = lfilter(numerator, denominator, sound)
    starts = range(0, len(sound) - _BLOCK + 1, _STEP)
    powers = np.array([np.mean(sound[start : start + _BLOCK] ** 2) for start in starts])
    loud = powers[_level(powers) > _SILENT_LUFS]
    if not len(loud):
        return float("-inf")
    return float(_level(np.mean(loud[_level(loud) > _level(np.mean(loud)) - _BELOW_LU])))


def _level(power: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-12))
