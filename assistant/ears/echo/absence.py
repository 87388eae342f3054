"""Whether there is any echo: a headset gives none, and what the system cancels itself is gone before it is heard here.

While the delay of an echo is not known the user is heard through AEC3 alone, which takes seconds to find out that there
is nothing to remove, and suppresses the user until then: on a headset the first reply could not be interrupted. A
microphone that stays quiet while the assistant speaks shows at once that there is no echo.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

_DELAYS = 17  # chunks of 32 ms that an echo may take, and one for none: 0 to 0.51 s
_RING = 10  # chunks (0.3 s) in which its reverberation dies down
_FLOOR = 8  # chunks (0.26 s) without far end or echo from which the noise is known
_FAR_END_RMS = 150.0  # int16 level (-47 dBFS) from which silence at the microphone tells something
_SILENT_RMS = 80.0  # int16 level below which the far end says nothing
_LOSS = 10 ** (-36 / 20)  # an echo below that share of the far end is not taken for speech ...
_NOISE = 1.25  # ... nor one that lifts the noise by less than 2 dB
_LOUD = 2.0  # times as much, and it is heard
_KEPT = 48  # chunks (1.5 s) with loud far end that are looked at ...
_LEAST = 16  # ... of which so many (0.5 s) can tell that there is no echo ...
_MOST = 36  # ... and so many loud ones that there is: one interruption has up to 27


class EchoAbsence:
    """Push the levels of each chunk of 32 ms, and read `is_sure`."""

    def __init__(self) -> None:
        self.is_sure = False
        """Whether the far end was audible and nothing of it was heard, until it is."""
        self._far_end: deque[float] = deque([0.0] * (_DELAYS + _RING), maxlen=_DELAYS + _RING)  # the newest first
        self._quiet: deque[float] = deque(maxlen=_FLOOR)
        self._noise = 0.0
        self._counted = np.zeros(_DELAYS, np.intp)
        self._mic = np.zeros((_DELAYS, _KEPT))  # for each delay: power of the chunks with loud far end ...
        self._played = np.zeros((_DELAYS, _KEPT))  # ... and of that far end

    def push(self, mic: float, far_end: float) -> None:
        """Levels as int16 amplitude. A microphone of exact zeros is muted or dead, and says nothing."""
        self._far_end.appendleft(far_end)
        if mic == 0:
            return
        if max(self._far_end) <= _SILENT_RMS:
            self._learn_noise(mic)
        played = np.fromiter(self._far_end, float)[:_DELAYS]
        (delays,) = np.nonzero(played >= _FAR_END_RMS)
        if len(delays):
            at = self._counted[delays] % _KEPT
            self._mic[delays, at] = mic**2
            self._played[delays, at] = played[delays] ** 2
            self._counted[delays] += 1
            self.is_sure = not self.hears_echo and (self.is_sure or self._is_absent())

    @property
    def hears_echo(self) -> bool:
        """Whether the microphone is loud in step with the far end."""
        return bool((np.sum(self._mic > _LOUD**2 * self._threshold(self._played), axis=1) >= _MOST).any())

    def _is_absent(self) -> bool:
        """Whether, whatever the delay, nothing was heard of what was due."""
        count = np.minimum(self._counted, _KEPT)
        if count.min() < _LEAST:
            return False
        heard, played = self._mic.sum(axis=1) / count, self._played.sum(axis=1) / count
        return bool((heard <= self._threshold(played)).all())

    def _threshold(self, played: NDArray[np.float64]) -> NDArray[np.float64]:
        """Power above which the microphone hears more than noise, and what is too quiet an echo of `played`."""
        return np.maximum(_LOSS**2 * played, (_NOISE * self._noise) ** 2)

    def _learn_noise(self, mic: float) -> None:
        self._quiet.append(mic)
        if len(self._quiet) == _FLOOR:
            level = float(np.sqrt(np.mean(np.square(self._quiet))))
            self._noise = level if not self._noise else min(level, self._noise * 1.01)
