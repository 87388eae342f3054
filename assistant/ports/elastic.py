"""Sound that one clock writes and another reads: microphone and loudspeaker of two devices.

Two devices' crystals differ by 10 to 200 ppm: a plain buffer between them runs dry or grows by 20 ms every few minutes.
Here the reader's rate is bent by as much as the clocks differ, so that the sound is always equally late: a second-order
control loop on the time that lies in the buffer (F. Adriaensen, "Controlling adaptive resampling", Linux Audio
Conference 2012). It is slow on purpose: callbacks come some milliseconds early or late, clocks do not change.
"""

from __future__ import annotations

import threading

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.delay_line import MARGIN, DelayLine
from huiyin.assistant.ports.port import Samples

_OMEGA = 0.03  # rad/s: of the loop; 100 ppm at the start leave the buffer 20 samples from where it should be
_PROPORTIONAL, _INTEGRAL = 2 * _OMEGA / SAMPLE_RATE, _OMEGA**2 / SAMPLE_RATE
_SMOOTHING_S = 1.0
_MOST_BEND = 5e-4  # 500 ppm: no sound device is so far off, and nobody hears it
_OUTLIER = 160  # samples (10 ms): a callback that came late says little about the clocks
_LOST = SAMPLE_RATE // 10  # samples: farther off than this something happened; begin anew
_CUSHION = BLOCK + BLOCK + BLOCK // 2 + MARGIN  # what is read, what is not yet written, and a callback 10 ms late
_MORE, _MOST_CUSHION = BLOCK // 4, 5 * BLOCK  # a machine whose callbacks come later gets a longer one


class Elastic:
    """int16 at 16 kHz in and out, in blocks of up to 100 ms. Thread-safe: the two devices have a thread each."""

    def __init__(self) -> None:
        self.slips = 0
        """Times the reader found too little, or was so far off that it had to jump."""
        self._line = DelayLine(SAMPLE_RATE // 2, _MOST_CUSHION)
        self._lock = threading.Lock()
        self._cushion = _CUSHION
        self._written, self._written_at_s = 0, 0.0
        self._at: float | None = None  # position of the next sample read; None: nothing was yet
        self._error = self._bend = 0.0

    @property
    def late(self) -> float:
        """Samples between what is written and what is read; a little more or less by when one asks."""
        with self._lock:
            return self._written - (self._at if self._at is not None else self._written)

    @property
    def drift_ppm(self) -> float:
        """How much faster the writer's clock runs than the reader's."""
        return self._bend * 1e6

    def write(self, samples: Samples, at_s: float) -> None:
        """Append `samples`, at a time of any clock that both sides share."""
        with self._lock:
            self._line.tail.push(samples)
            self._written += len(samples)
            self._written_at_s = at_s

    def read(self, count: int, at_s: float) -> Samples:
        """The next `count` samples; silence where there are none."""
        with self._lock:
            since = min(max(0.0, (at_s - self._written_at_s) * SAMPLE_RATE), 2.0 * BLOCK)
            due = self._written + since - self._cushion
            if due < 0:
                return np.zeros(count, np.int16)
            if self._at is None or abs(due - self._at) > _LOST:
                if self._at is None and due + count + MARGIN > self._written:
                    return np.zeros(count, np.int16)
                self.slips += self._at is not None
                self._at, self._error = due, 0.0
            step = 1 + self._steer(due - self._at, count / SAMPLE_RATE)
            end = self._at + count * step
            if end + MARGIN > self._written:
                self.slips += 1
                self._at = None
                self._cushion = min(self._cushion + _MORE, _MOST_CUSHION)
                return np.zeros(count, np.int16)
            delay = self._written - count - self._at
            self._at = end
            sound = self._line.read(count, delay, delay + count * (1 - step))
        return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)

    def _steer(self, off: float, seconds: float) -> float:
        """How much faster than its own clock the reader is to go, when it is `off` samples behind."""
        self._error += min(1.0, seconds / _SMOOTHING_S) * (float(np.clip(off, -_OUTLIER, _OUTLIER)) - self._error)
        self._bend = float(np.clip(self._bend + _INTEGRAL * self._error * seconds, -_MOST_BEND, _MOST_BEND))
        return float(np.clip(self._bend + _PROPORTIONAL * self._error, -_MOST_BEND, _MOST_BEND))
