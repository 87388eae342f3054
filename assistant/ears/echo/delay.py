"""How late one sound is in another: generalised cross-correlation with phase transform (Knapp and Carter, 1976)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples

Correlation = npt.NDArray[np.float32]
"""By lag in samples, not negative: shape (lags,)."""

_LOWEST_HZ = 150.0  # rumble and hum say nothing
_HIGHEST = 0.42  # of the rate: above it there is aliasing, or little speech
_FLOOR = 1e-3  # keeps silence from being divided by nothing


@dataclass(frozen=True)
class Peak:
    """The highest correlation: its lag in samples, its height, and its height over the median."""

    lag: int
    height: float
    prominence: float


class PhaseCorrelator:
    """Correlates a window of `window` samples with an earlier one for lags 0 .. `lags` - 1.

    The earlier sound is longer by `lags` samples, so that a long lag is seen as well as a short one.
    """

    def __init__(self, window: int, lags: int, rate: int = SAMPLE_RATE) -> None:
        self._lags = lags
        self._late_taper = np.hanning(window).astype(np.float32)
        self._early_taper = _flat_taper(window + lags)
        self._size = 1 << (window + lags - 1).bit_length()
        frequencies = np.fft.rfftfreq(self._size, 1 / rate)
        self._band = slice(*np.searchsorted(frequencies, (_LOWEST_HZ, _HIGHEST * rate)))
        self._spectrum = np.zeros(len(frequencies), np.complex64)

    def __call__(self, late: Samples, early: Samples) -> Correlation:
        """`late` has `window` samples, `early` `window + lags`; both end at the same moment."""
        # Index `lags + i - lag` of `early` is heard at index i of `late`: no wanted lag wraps around.
        cross = np.conj(np.fft.rfft(late * self._late_taper, self._size)[self._band])
        cross *= np.fft.rfft(early * self._early_taper, self._size)[self._band]
        cross *= 1 / (np.abs(cross) + _FLOOR)  # multiplying complex numbers is much faster than dividing them
        self._spectrum[self._band] = cross
        return np.abs(np.fft.irfft(self._spectrum, self._size)[self._lags : 0 : -1]).astype(np.float32)


def halved(samples: Samples) -> Samples:
    """Half the rate, each pair of samples averaged: enough to see a delay by. An odd last sample is left out."""
    return 0.5 * (samples[0 : len(samples) - 1 : 2] + samples[1::2])


def highest(correlation: Correlation) -> Peak:
    """The peak of a correlation."""
    lag = int(np.argmax(correlation))
    return Peak(lag, float(correlation[lag]), prominence_of(correlation, lag))


def prominence_of(correlation: Correlation, lag: int) -> float:
    """Height at `lag` over the median."""
    return float(correlation[lag]) / (float(np.median(correlation)) + 1e-9)


def between_samples(correlation: Correlation, lag: int) -> float:
    """The peak at `lag` by the parabola through it and its neighbours: a lag with a fraction."""
    before, at, after = correlation[lag - 1 : lag + 2].astype(float)
    return float(lag + 0.5 * (before - after) / (before - 2 * at + after + 1e-12))


def _flat_taper(count: int) -> npt.NDArray[np.float32]:
    """Soft at both ends, a sixteenth each, and 1 between."""
    edge = np.hanning(count // 8)
    half = len(edge) // 2
    taper = np.ones(count, np.float32)
    taper[:half], taper[count - half :] = edge[:half], edge[len(edge) - half :]
    return taper
