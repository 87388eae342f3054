"""Voice activity detectors: the protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from huiyin.services.common.audio import Samples

Probabilities = npt.NDArray[np.float32]


class SpeechDetector(Protocol):
    """Finds the speech in one recording. It has a state: each recording needs a detector of its own."""

    name: str
    frame_s: float
    """Length of one decision. The n-th (from 0) is about the sound from n * frame_s on."""
    threshold: float
    """From this probability on a frame counts as speech."""

    def push(self, samples: Samples) -> Probabilities:
        """float32 (n,) of any length, mono 16 kHz in [-1, 1] -> float32 (frames,) in [0, 1].

        One value for each frame completed since the last call; the last frames of a recording need some sound after
        them (0.1 s of zeros will do). The result does not depend on how the sound is divided between calls.
        """
        ...


Detectors = Callable[[], SpeechDetector]
"""Makes a fresh detector; the model behind it is loaded once and shared, from any thread."""
