"""The conversation's one clock: seconds of microphone sound since the port started.

Between blocks it is carried on by the machine's monotonic clock, so that it also moves while a device is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from huiyin.assistant.ports import SAMPLE_RATE


class AudioClock:
    """Never goes back. `advance` is called once a block by the port's thread; `now` by anyone."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._samples = 0
        self._at = monotonic()
        self._last = 0.0

    def advance(self, samples: int) -> float:
        """Count a block; return the time of its end in seconds."""
        with self._lock:
            self._samples += samples
            self._at = self._monotonic()
            return self._samples / SAMPLE_RATE

    def now(self) -> float:
        """Seconds since the start."""
        with self._lock:
            running = self._samples / SAMPLE_RATE + (self._monotonic() - self._at)
            self._last = max(self._last, running)
            return self._last
