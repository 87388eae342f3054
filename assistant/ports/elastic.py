"""Sound that one clock writes and another reads: microphone and loudspeaker of two devices.

Two devices' crystals differ by 10 to 200 ppm: a plain buffer between them runs dry or grows by 20 ms every few minutes.
Here the reader's rate is bent by as much as the clocks differ, so that the sound is always equally late: a second-order
control loop on the time that lies in the buffer (F. Adriaensen, "Controlling adaptive resampling", Linux Audio
Conference 2012). It is slow on purpose: callbacks come some milliseconds early or late, clocks do not change.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.delay_line import MARGIN, DelayLine, as_int16
from huiyin.assistant.ports.port import Pcm16

_OMEGA = 0.03  # rad/s: of the loop; 100 ppm at the start leave the buffer 20 samples from where it should be
_PROPORTIONAL = 2 * _OMEGA / SAMPLE_RATE  # per sample of error; critically damped
_INTEGRAL = _OMEGA**2 / SAMPLE_RATE  # per sample of error and second
_SMOOTHING_S = 1.0  # of the error
_MOST_BEND = 5e-4  # 500 ppm: no sound device is so far off, and it is inaudible
_OUTLIER = 160  # samples (10 ms): a callback that came late says little about the clocks
_LOST = SAMPLE_RATE // 10  # samples: farther off than this something happened; begin anew
_CUSHION = BLOCK + BLOCK + BLOCK // 2 + MARGIN  # what is read, what is not yet written, and a callback 10 ms late
_MORE = BLOCK // 4  # samples by which a machine whose callbacks come later gets a longer cushion ...
_MOST_CUSHION = 5 * BLOCK  # ... up to so many


class Elastic:
    """int16 at 16 kHz in and out, in blocks of up to 100 ms. One thread may write while another reads."""

    def __init__(self) -> None:
        self.slips = 0
        """Times the reader found too little, or was so far off that it had to jump."""
        self._arrived: deque[tuple[Pcm16, float]] = deque()  # from the writer; all else is the reader's own
        self._line = DelayLine(SAMPLE_RATE // 2, _MOST_CUSHION)
        self._cushion = _CUSHION
        self._written = 0  # samples in the line
        self._written_at_s = 0.0  # time of the last of them
        self._at: float | None = None  # position of the next sample read; None: nothing was yet
        self._error = 0.0  # samples by which the reader is behind, smoothed
        self._bend = 0.0  # how much faster than its own clock it goes in the long run

    @property
    def late(self) -> float:
        """Pcm16 between what was written and what was read, at the last read."""
        return self._written - (self._at if self._at is not None else self._written)

    @property
    def drift_ppm(self) -> float:
        """How much faster the writer's clock runs than the reader's."""
        return self._bend * 1e6

    def write(self, samples: Pcm16, at_s: float) -> None:
        """Append `samples`, at a time of any clock that both sides share."""
        self._arrived.append((samples, at_s))

    def read(self, count: int, at_s: float) -> Pcm16:
        """The next `count` samples; silence where there are none."""
        self._take_arrived()
        since = min(max(0.0, (at_s - self._written_at_s) * SAMPLE_RATE), 2.0 * BLOCK)
        due = self._written + since - self._cushion
        if due < 0:
            return np.zeros(count, np.int16)
        at = self._at
        if at is None and due + count + MARGIN > self._written:
            return np.zeros(count, np.int16)
        if at is not None and abs(due - at) > _LOST:
            self.slips += 1
            at = None
        if at is None:
            at, self._error = due, 0.0
        step = 1 + self._steer(due - at, count / SAMPLE_RATE)
        end = at + count * step
        if end + MARGIN > self._written:
            self.slips += 1
            self._at = None
            self._cushion = min(self._cushion + _MORE, _MOST_CUSHION)
            return np.zeros(count, np.int16)
        delay = self._written - count - at
        self._at = end
        return as_int16(self._line.read(count, delay, delay + count * (1 - step)))

    def _take_arrived(self) -> None:
        while self._arrived:
            samples, self._written_at_s = self._arrived.popleft()
            self._line.tail.push(samples)
            self._written += len(samples)

    def _steer(self, off: float, seconds: float) -> float:
        """How much faster than its own clock the reader is to go, when it is `off` samples behind."""
        self._error += min(1.0, seconds / _SMOOTHING_S) * (float(np.clip(off, -_OUTLIER, _OUTLIER)) - self._error)
        self._bend = float(np.clip(self._bend + _INTEGRAL * self._error * seconds, -_MOST_BEND, _MOST_BEND))
        return float(np.clip(self._bend + _PROPORTIONAL * self._error, -_MOST_BEND, _MOST_BEND))
