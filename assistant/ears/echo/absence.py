"""Whether there is any echo: a headset gives none, and what the system cancels itself is gone before it is heard here.

While the delay of an echo is not known the user is heard through AEC3 alone, which takes seconds to find out that there
is nothing to remove, and suppresses the user until then: nobody on a headset could have cut in. A microphone that stays
quiet while the assistant speaks says so at once.
"""

from __future__ import annotations

from collections import deque

import numpy as np

_WINDOW = 16  # chunks (0.5 s) over which levels are taken; as long as the longest delay of an echo
_FLOOR = 8  # chunks (0.26 s) without far end from which the noise is known
_FAR_END_RMS = 150.0  # int16 level (-47 dBFS) from which silence at the microphone tells something
_LOSS = 10 ** (-36 / 20)  # an echo below that share of the far end is not taken for speech ...
_NOISE = 1.25  # ... nor one that lifts the noise by less than 2 dB


class EchoAbsence:
    """Push the levels of each chunk of 32 ms, and read `is_sure`."""

    def __init__(self) -> None:
        self.is_sure = False
        """Whether the far end was audible and nothing of it was heard."""
        self._mic: deque[float] = deque(maxlen=_WINDOW)
        self._far_end: deque[float] = deque(maxlen=2 * _WINDOW)
        self._quiet: deque[float] = deque(maxlen=_FLOOR)
        self._noise = 0.0

    def push(self, mic: float, far_end: float, *, audible: bool) -> None:
        """Levels as int16 amplitude; `audible`: whether the far end is, or has just been."""
        self._mic.append(mic)
        self._far_end.append(far_end)
        if audible:
            self._quiet.clear()
            self.is_sure = self.is_sure or self._is_absent()
            return
        self._quiet.append(mic)
        if len(self._quiet) == _FLOOR:
            level = _level(self._quiet)
            self._noise = level if not self._noise else min(level, self._noise * 1.01)

    def _is_absent(self) -> bool:
        if len(self._far_end) < 2 * _WINDOW:
            return False
        levels = list(self._far_end)
        # Whatever the delay, an echo of one of these is heard by now.
        far_end = min(_level(levels[:_WINDOW]), _level(levels[_WINDOW:]))
        heard = _level(self._mic)
        return far_end >= _FAR_END_RMS and heard <= max(_LOSS * far_end, _NOISE * self._noise)


def _level(levels: deque[float] | list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(levels))))
