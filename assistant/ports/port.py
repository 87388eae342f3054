"""What a sound port is: the desktop's devices, a simulated room, later a browser.

A port owns the rhythm: it calls `exchange` every block with what the microphone heard and plays what it
gets back. `exchange` only copies (it runs in the sound device's own thread).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from huiyin.configs.errors import HuiyinError

Pcm16 = npt.NDArray[np.int16]  # 16 kHz mono, shape (n,)
Samples = npt.NDArray[np.float32]  # in [-1, 1], as services.common.audio has them

# microphone block of n samples -> n samples for the loudspeaker
Exchange = Callable[[Pcm16], Pcm16]


class PortError(HuiyinError):
    """The sound device cannot be used (any more)."""


class DriverError(PortError):
    """PortAudio refuses; `facts["reason"]` are its own words."""


class AudioPort(Protocol):
    """A microphone and a loudspeaker on one clock."""

    output_latency_s: float
    """Time from `exchange` returning a sample to its being heard."""

    def start(self, exchange: Exchange) -> None:
        """Begin to exchange blocks. Raises PortError."""

    def stop(self) -> None:
        """End; `exchange` is not called again."""

    def check(self) -> None:
        """Raise PortError when the device has died since `start`."""
