"""From what a decoder gives to one channel of numbers: scaled, and several channels made one."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt

from huiyin.services.common.pcm import MAX_CHANNELS, RATES_HZ

_HALF_LIFE_S = 1.0  # of the powers: a choice lasts longer than a syllable
_CANCELLED = 0.1  # power of the sum / sum of the powers: 1 for unrelated channels, their number for equal ones

# Packed sample format -> what a full-scale value is, and what silence is.
_SCALES: dict[str, tuple[float, float]] = {
    "u8": (128.0, 128.0),
    "s16": (32768.0, 0.0),
    "s32": (2147483648.0, 0.0),
    "s64": (9223372036854775808.0, 0.0),
    "flt": (1.0, 0.0),
    "dbl": (1.0, 0.0),
}

Channels = npt.NDArray[np.float64]


def channels_of(frame: av.AudioFrame) -> Channels:
    """A decoded frame as float64 (channels, n); full scale is 1. Raises ValueError for what no recording has."""
    channels = frame.layout.nb_channels
    if not RATES_HZ[0] <= frame.sample_rate <= RATES_HZ[1] or not 1 <= channels <= MAX_CHANNELS:
        raise ValueError(f"{channels} channels at {frame.sample_rate} Hz")
    full_scale, zero = _SCALES[frame.format.packed.name]
    values = frame.to_ndarray()
    values = values if frame.format.is_planar else values.reshape(-1, channels).T
    # In float64: the mean of int32 or float64 channels must not lose or overflow.
    scaled: Channels = (values.astype(np.float64) - zero) / full_scale
    return scaled


class Downmix:
    """The channels of one recording, block by block, as one.

    Their mean; or the loudest, where the sum is far less than unrelated channels would give: of a balanced line, or
    behind a plug that is wired wrongly, one channel is the negative of the other.
    """

    def __init__(self) -> None:
        self._of_each: Channels = np.zeros(0)  # running powers
        self._of_sum = 0.0

    def __call__(self, channels: Channels, rate_hz: int) -> Channels:
        """The next block, (channels, n) -> (n,). The number of channels may change."""
        if len(channels) == 1:
            return channels[0]
        if len(channels) != len(self._of_each):
            self._of_each, self._of_sum = np.zeros(len(channels)), 0.0
        total = channels.sum(axis=0)
        keep = 0.5 ** (channels.shape[1] / (rate_hz * _HALF_LIFE_S))
        self._of_each = keep * self._of_each + np.sum(channels**2, axis=1)
        self._of_sum = keep * self._of_sum + float(np.sum(total**2))
        if self._of_sum < _CANCELLED * float(self._of_each.sum()):
            loudest: Channels = channels[int(np.argmax(self._of_each))]
            return loudest
        mean: Channels = total / len(channels)
        return mean
