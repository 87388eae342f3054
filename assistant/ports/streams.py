"""PortAudio streams: opened at a rate the device knows, watched, and closed whatever the driver does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Samples

_CLOSE_LIMIT_S = 2.0  # a driver whose device was pulled out may never return


class Rate:
    """Carries blocks from one rate to another; passes them through when they are the same.

    Late by 14 ms. soxr's engine for variable rates: the other gives out bursts (0, 300, 600 samples for blocks of 320).
    """

    def __init__(self, source: int, target: int) -> None:
        same = source == target
        self._stream = None if same else soxr.ResampleStream(source, target, 1, dtype="int16", vr=True)

    def push(self, samples: Samples) -> Samples:
        """The first time less than a block, then a block for a block."""
        return samples if self._stream is None else self._stream.resample_chunk(samples)


class Outlet:
    """Gives a device as many samples of its own rate as it asks for, out of blocks of 16 kHz."""

    def __init__(self, rate: int) -> None:
        self._up = Rate(SAMPLE_RATE, rate)
        # It keeps a little back once: silence goes before.
        ahead = BLOCK if rate != SAMPLE_RATE else 0
        self._pending = self._up.push(np.zeros(ahead, np.int16))

    def push(self, samples: Samples) -> None:
        """Append."""
        self._pending = np.concatenate([self._pending, self._up.push(samples)])

    def lacks(self, count: int) -> bool:
        """Whether there are fewer than `count` samples (of the device's rate)."""
        return len(self._pending) < count

    def take(self, count: int) -> Samples:
        """`count` samples; where there are fewer, silence goes before them."""
        out, self._pending = self._pending[:count], self._pending[count:]
        return np.pad(out, (count - len(out), 0))


class DeviceStream:
    """A stream of 16-bit mono in blocks of 20 ms that knows when it last called back."""

    def __init__(self, make: Callable[..., Any], rate: int, move: Callable[..., None], **options: Any) -> None:
        """Open and start what `make` makes: one of sounddevice's three classes.

        `move` is called with the device's arrays, int16 of shape (n,): the microphone's to read, the loudspeaker's to
        fill, or both. Raises what `make` raises.
        """
        self.called_at = time.monotonic()
        self._closed = False

        def callback(*arguments: Any) -> None:
            self.called_at = time.monotonic()
            arrays = [array[:, 0] for array in arguments[:-3]]  # then: how many, when, how
            if not self._closed:
                move(*arrays)

        block = BLOCK * rate // SAMPLE_RATE
        self._stream = make(samplerate=rate, blocksize=block, channels=1, dtype="int16", callback=callback, **options)
        try:
            self._stream.start()
        except Exception:
            self.close()
            raise

    def close(self) -> bool:
        """End it; whether the driver let go of it in time. `move` is not called again."""
        self._closed = True

        def close() -> None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)

        thread = threading.Thread(target=close, name="closing sound", daemon=True)
        thread.start()
        thread.join(_CLOSE_LIMIT_S)
        return not thread.is_alive()
