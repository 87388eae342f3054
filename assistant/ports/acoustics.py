"""What a room and a small loudspeaker do to sound: responses, convolution, distortion, clocks of their own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.delay_line import MARGIN
from huiyin.assistant.ports.port import Samples

_VOLUME_M3 = 40.0  # a living room: sets how much of what arrives is direct
_REFLECTIONS = 8  # early ones: desk, walls, ceiling
_REFLECTION_S = 0.025  # within which they arrive
_HIGH_RT = 0.5  # carpets and air take the high frequencies twice as fast
_SPLIT_HZ = 2000.0
_SMALLEST_HZ = 120.0  # a small loudspeaker has no bass


def room_response(rt60_s: float, distance_m: float, level_db: float, rng: np.random.Generator) -> Samples:
    """Impulse response of energy `level_db`, from its direct sound on; the tail falls 60 dB in `rt60_s`.

    Direct to reverberant energy follows the critical distance 0.057 sqrt(V / RT60) (Kuttruff, Room Acoustics), early
    reflections are few and strong, and high frequencies die away first, as in measured rooms.
    """
    length = max(1, round(rt60_s * SAMPLE_RATE))
    time_s = np.arange(length) / SAMPLE_RATE
    tail = np.zeros(length)
    for rt_s, low, high in ((rt60_s, 0.0, _SPLIT_HZ), (rt60_s * _HIGH_RT, _SPLIT_HZ, SAMPLE_RATE)):
        noise = _band(rng.standard_normal(length), low, high)
        tail += noise * np.exp(-6.908 * time_s / rt_s)
    early = rng.integers(8, round(_REFLECTION_S * SAMPLE_RATE), _REFLECTIONS)
    early = early[early < length]
    tail[early] += rng.choice([-1, 1], len(early)) * 3.0 * np.exp(-early / (0.010 * SAMPLE_RATE))
    tail[0] = 0.0
    critical_m = 0.057 * np.sqrt(_VOLUME_M3 / max(rt60_s, 0.05))
    tail *= distance_m / critical_m / np.sqrt(np.sum(tail**2) + 1e-12)
    tail[0] = 1.0
    return np.asarray(tail / np.sqrt(np.sum(tail**2)) * 10 ** (level_db / 20), np.float32)


def small_loudspeaker(response: Samples) -> Samples:
    """`response` as a loudspeaker without bass would give it: two first-order high-pass filters."""
    pole = np.exp(-2 * np.pi * _SMALLEST_HZ / SAMPLE_RATE)
    highpass = -(1 - pole) * pole ** np.arange(len(response))
    highpass[0] += 1
    size = 2 * len(response)  # causal: nothing may come before the direct sound
    spectrum = np.fft.rfft(response, size) * np.fft.rfft(highpass, size) ** 2
    return np.fft.irfft(spectrum, size)[: len(response)].astype(np.float32)


def distorted(samples: Samples, drive: float) -> Samples:
    """A loudspeaker's soft saturation, odd and even harmonics; 0 is linear, 1 audible, 3 a phone at full volume."""
    if drive <= 0:
        return samples
    driven = drive * samples
    return np.asarray(np.tanh(driven + 0.1 * driven * np.abs(driven)) / drive, np.float32)


def _band(samples: npt.NDArray[np.float64], low_hz: float, high_hz: float) -> npt.NDArray[np.float64]:
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    # Second-order slopes: a brick wall would ring.
    gain = 1 / (1 + (low_hz / np.maximum(frequencies, 1e-3)) ** 4)
    return np.fft.irfft(spectrum * gain / (1 + (frequencies / high_hz) ** 4), len(samples))


class BlockFilter:
    """Convolution with a long response, one block at a time (overlap-save, the response in parts of a block)."""

    def __init__(self, response: Samples, block: int) -> None:
        self._block = block
        self._parts = -(-len(response) // block)
        padded = np.pad(response.astype(np.float32), (0, self._parts * block - len(response)))
        self._spectra = np.fft.rfft(padded.reshape(self._parts, block), 2 * block)
        self._past = np.zeros(
            (2 * self._parts, block + 1), self._spectra.dtype
        )  # newest first from `_at`, written twice
        self._at = 0
        self._before: Samples = np.zeros(block, np.float32)
        self._silent = self._parts + 1  # blocks of silence that came last

    def __call__(self, samples: Samples) -> Samples:
        """`block` samples in, as many out."""
        self._silent = 0 if samples.any() else self._silent + 1
        if self._silent > self._parts + 1:
            return np.zeros(self._block, np.float32)  # half of a conversation is silence
        self._at = (self._at - 1) % self._parts
        self._past[self._at] = self._past[self._at + self._parts] = np.fft.rfft(np.concatenate([self._before, samples]))
        self._before = samples
        heard = np.einsum("ij,ij->j", self._spectra, self._past[self._at : self._at + self._parts])
        return np.fft.irfft(heard)[self._block :].astype(np.float32)


class Clocks:
    """The delay between two sound devices, block by block: drift, jitter, and slips when a buffer runs over or dry."""

    def __init__(
        self,
        delay_ms: float,
        *,
        drift_ppm: float,
        jitter_ms: float,
        xruns_per_min: float,
        xrun_ms: tuple[float, float],
        rng: np.random.Generator,
    ) -> None:
        self.delay = delay_ms * SAMPLE_RATE / 1000
        """Pcm16."""
        self.slips: list[tuple[float, float]] = []
        """(seconds, samples the delay grew by), for who wants to check."""
        self._least = float(BLOCK + MARGIN)  # what is handed over now cannot be heard before the next block
        self._drift, self._jitter = drift_ppm * 1e-6, jitter_ms * SAMPLE_RATE / 1000
        self._xruns_per_min, self._xrun_ms, self._rng = xruns_per_min, xrun_ms, rng
        self._wander = 0.0
        self._samples = 0

    def slip(self, samples: float) -> None:
        """From now on the delay is so much longer, or shorter where it can be."""
        by = float(round(samples)) if self.delay + samples > self._least else float(round(abs(samples)))
        self.delay += by
        self.slips.append((self._samples / SAMPLE_RATE, by))

    def advance(self, count: int) -> tuple[float, float]:
        """(delay at the beginning, delay at the end) of the next `count` samples, in samples."""
        seconds = count / SAMPLE_RATE
        if self._xruns_per_min and self._rng.random() < self._xruns_per_min * seconds / 60:
            jump = self._rng.uniform(*self._xrun_ms) * SAMPLE_RATE / 1000 * self._rng.choice([-1, 1])
            self.slip(jump)
        before = self.delay + self._wander
        self.delay = max(self._least, self.delay + self._drift * count)
        if self._jitter:
            # A random walk that is pulled back, with time constant of a second: `jitter_ms` is its deviation.
            self._wander += -self._wander * seconds + self._jitter * np.sqrt(2 * seconds) * self._rng.standard_normal()
        self._samples += count
        return max(self._least, before), max(self._least, self.delay + self._wander)
