"""From what a decoder gives to numbers: scaled, and several channels made one, or two kept apart."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from huiyin.services.common.errors import ApiError
from huiyin.services.common.pcm import MAX_CHANNELS, RATES_HZ

_CANCELLED = 0.1  # power of the sum / sum of the powers: 1 for unrelated channels, their number for equal ones
_FRAME_S = 0.02  # for each of which that is decided
_HALF_LIFE_S = 10.0  # of the memory how loud each channel is
_THREE = np.ones(3) / 3
_TWO = 2
_MANY = 8  # channels from which on PyAV 18.1 counts too many planes, and reads beyond the memory of the last
_LENGTHS = 16  # of blocks, whose frames are remembered: a decoder gives them all of one length but the last
_LOUDER = 2.0  # so many times the power of the chosen channel has another before it takes its place: a change clicks

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
    if frame.format.is_planar and channels < _MANY:
        values = frame.to_ndarray()
    else:
        values = _interleaved(frame).reshape(-1, channels).T
    # In float64: the mean of int32 or float64 channels must not lose or overflow.
    scaled: Channels = (values.astype(np.float64) - zero) / full_scale
    return scaled


def _interleaved(frame: av.AudioFrame) -> npt.NDArray[Any]:
    """All samples, those of one moment side by side."""
    if not frame.format.is_planar:
        return frame.to_ndarray()
    form, layout, rate = frame.format.packed, frame.layout.name, frame.sample_rate
    return np.concatenate([each.to_ndarray() for each in av.AudioResampler(form, layout, rate).resample(frame)], axis=1)


class Apart:
    """The two channels of a recording, kept apart."""

    def __call__(self, channels: Channels, rate_hz: int) -> Channels:
        """A block, (2, n) -> (n, 2). Raises ApiError 422 `not_two_channels`."""
        if len(channels) != _TWO:
            raise ApiError(422, "services.not_two_channels", count=len(channels))
        return np.ascontiguousarray(channels.T)


class AsRecorded:
    """One channel, or two, as they are; more are made one."""

    def __init__(self) -> None:
        self._downmix = Downmix()

    def __call__(self, channels: Channels, rate_hz: int) -> Channels:
        """The next block, (channels, n) -> (n, 1) or (n, 2). The number of channels may change."""
        if len(channels) <= _TWO:
            return np.ascontiguousarray(channels.T)
        return self._downmix(channels, rate_hz)[:, np.newaxis]


class Downmix:
    """The channels of one recording, block by block, as one.

    Their mean; or, as long as the sum is far less than unrelated channels would give, the loudest: of a balanced line,
    or behind a plug that is wired wrongly, one channel is the negative of the other.
    """

    def __init__(self) -> None:
        self._powers: Channels = np.zeros(0)  # of each channel so far, the latest seconds most
        self._chosen = 0

    def __call__(self, channels: Channels, rate_hz: int) -> Channels:
        """The next block, (channels, n) -> (n,). The number of channels may change."""
        count, length = channels.shape
        if count == 1 or not length:
            return channels.reshape(-1)
        if count != len(self._powers):
            self._powers, self._chosen = np.zeros(count), 0
        squares, total = channels**2, channels.sum(axis=0)
        self._powers = self._powers * 0.5 ** (length / (rate_hz * _HALF_LIFE_S)) + squares.sum(axis=1)
        loudest = int(np.argmax(self._powers))
        if self._powers[loudest] > _LOUDER * self._powers[self._chosen]:
            self._chosen = loudest
        edges = _edges(length, rate_hz)
        of_each, of_sum = (_smooth(np.add.reduceat(x, edges[:-1])) for x in (squares.sum(axis=0), total**2))
        is_cancelled = of_sum < _CANCELLED * of_each
        mean: Channels = total / count
        if not is_cancelled.any():
            return mean
        mono: Channels = np.where(np.repeat(is_cancelled, np.diff(edges)), channels[self._chosen], mean)
        return mono


def _smooth(powers: Channels) -> Channels:
    """Each with its neighbours."""
    smooth: Channels = np.convolve(np.concatenate([powers[:1], powers, powers[-1:]]), _THREE, mode="valid")
    return smooth


@lru_cache(_LENGTHS)
def _edges(length: int, rate_hz: int) -> npt.NDArray[np.int64]:
    """Between the frames of a block."""
    return np.linspace(0, length, max(1, round(length / (rate_hz * _FRAME_S))) + 1).astype(int)
