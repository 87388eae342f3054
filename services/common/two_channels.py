"""The two channels of a recording: whether each has a person of its own, and how loud each is while the other speaks.

What a channel holds of the other's voice (crosstalk in the line, one headset heard by the other's microphone) is
quieter there by about the same everywhere. So the median of that difference, over all moments in which the other
speaks, is the crosstalk; what is clearly louder is the channel's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, Samples

FRAME = 320  # samples, 20 ms
_FRAMES_PER_S = SAMPLE_RATE // FRAME

_SURVEY_S = 600.0  # from the beginning: crosstalk stays as it is, and this takes two seconds
_SMOOTH = 5  # frames: a syllable's loudness, not that of its closures
_LATE, _EARLY = 12, 2  # frames that crosstalk may come after or before what it is of: echo of a room, a delayed line
_SPEAKS = 0.01  # of the power of a channel's loud moments: from here on its person speaks
_LOUD_SHARE = 95  # percent of the moments that are not louder than a loud one
_ALIKE = 0.995  # correlation from which on two channels are one
_APART = 6.3  # times the power of the other (8 dB): the person of this channel alone speaks
_CALL_SHARE = 0.6  # of all speech has one such person, in a call ...
_EACH_SHARE = 0.05  # ... and each of the two so much of it
_CALL_CORRELATION = 0.9  # and the channels are not more alike than that
_NOTHING = 1e-10  # power (-100 dBFS), so that a quotient exists

# What is the channel's own: dB of its power over the other's.
_MARGIN_DB = 6.0  # above the crosstalk: it varies with the sound
_LEAST_DB, _MOST_DB = -24.0, -3.0
_UNKNOWN_DB = -12.0  # where the other says too little to tell
_TELLING_S = 2.0  # of the other's speech

Powers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Survey:
    """What two channels have to do with each other."""

    correlation: float
    """Of their samples, 0 to 1."""
    own: tuple[float, float]
    """For each channel: from this share of the other's power on a sound in it is its own."""
    call_share: float
    """Of the moments with speech, the share in which one channel is far louder; 0 where only one ever is."""

    @property
    def alike(self) -> bool:
        """Whether both hold the same."""
        return self.correlation >= _ALIKE

    @property
    def like_a_call(self) -> bool:
        """Whether each probably has a person of its own."""
        return self.call_share >= _CALL_SHARE and self.correlation < _CALL_CORRELATION


def survey(blocks: Iterable[Samples], most_s: float = _SURVEY_S) -> Survey:
    """Of the first `most_s` seconds of `blocks`, float32 (n, 2), 16 kHz."""
    rest = np.empty((0, 2), np.float32)
    found, sums, seconds = [np.empty((0, 2))], np.zeros(3), 0.0
    for block in blocks:
        sound = np.concatenate([rest, block])
        whole = len(sound) // FRAME * FRAME
        rest = sound[whole:]
        found.append(frame_powers(sound[:whole]))
        one, other = block.T.astype(np.float64)
        sums += one @ other, one @ one, other @ other
        seconds += len(block) / SAMPLE_RATE
        if seconds >= most_s:
            break
    powers = smoothed(np.concatenate(found))
    product, first, second = sums
    correlation = abs(product) / np.sqrt(first * second) if first and second else 0.0
    own = _own(powers[:, 0], powers[:, 1]), _own(powers[:, 1], powers[:, 0])
    return Survey(float(correlation), own, _call_share(powers))


def looks_like_a_call(reader: AudioReader, most_s: float) -> bool:
    """Whether the first `most_s` seconds are of a call with a person on each channel.

    Raises ApiError as AudioReader does with `apart`, so for other than two channels.
    """
    return survey(reader.again(apart=True), most_s).like_a_call


def frame_powers(sound: Samples) -> Powers:
    """The mean square of each frame: (frames * FRAME, 2) -> (frames, 2)."""
    squares = sound.astype(np.float64) ** 2
    return cast(Powers, squares.reshape(-1, FRAME, 2).mean(axis=1))


def smoothed(powers: Powers) -> Powers:
    """(frames, 2), each with its neighbours."""
    if not len(powers):
        return powers
    window = np.ones(_SMOOTH) / _SMOOTH
    return np.stack([np.convolve(channel, window, "same")[: len(powers)] for channel in powers.T], axis=1)


def reach(power: Powers) -> Powers:
    """How loud crosstalk of a channel may still be, or already, at each moment: (frames,) -> (frames,)."""
    if not len(power):
        return power
    padded = np.pad(power, (_LATE, _EARLY))
    return cast(Powers, np.lib.stride_tricks.sliding_window_view(padded, _LATE + _EARLY + 1).max(axis=1))


def _own(power: Powers, other: Powers) -> float:
    """From which share of the power of `other` on a sound is the channel's own."""
    others = reach(other)
    moments = _speaks(other) & (power < others)
    decibel = _UNKNOWN_DB
    if np.count_nonzero(moments) >= _TELLING_S * _FRAMES_PER_S:
        leaked = 10 * np.log10((power[moments] + _NOTHING) / (others[moments] + _NOTHING))
        decibel = float(np.clip(np.median(leaked) + _MARGIN_DB, _LEAST_DB, _MOST_DB))
    return float(10 ** (decibel / 10))


def _speaks(power: Powers) -> npt.NDArray[np.bool_]:
    """The moments in which the person of a channel may speak."""
    loud = np.percentile(power, _LOUD_SHARE) if len(power) else 0.0
    return power > max(loud * _SPEAKS, _NOTHING)


def _call_share(powers: Powers) -> float:
    first, second = powers.T
    speech = int(np.count_nonzero(_speaks(first) | _speaks(second)))
    alone = [int(np.count_nonzero(_speaks(a) & (a > _APART * b))) for a, b in ((first, second), (second, first))]
    return sum(alone) / speech if speech and min(alone) >= _EACH_SHARE * speech else 0.0
