"""What a voice activity detector is: the protocol, and how its model is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from huiyin.services.common.audio import Samples
from huiyin.services.common.onnx import session_options

Probabilities = npt.NDArray[np.float32]


class SpeechDetector(Protocol):
    """Finds the speech in one recording: keeps its state between calls, so one recording needs one of its own."""

    name: str
    frame_s: float
    """Length of one decision. The n-th (from 0) is about the sound from n * frame_s on."""
    threshold: float
    """From this probability on a frame counts as speech."""

    def push(self, samples: Samples) -> Probabilities:
        """float32 (n,) of any length, mono 16 kHz in [-1, 1] -> float32 (frames,) in [0, 1].

        One value for each frame completed so far and not returned before; the last frames of a recording need some
        sound after them (0.1 s of zeros will do). How the sound is divided between calls makes no difference.
        """
        ...


Detectors = Callable[[], SpeechDetector]
"""Makes a fresh detector; the model behind it is loaded once and shared, from any thread."""


def open_model(model: Path) -> onnxruntime.InferenceSession:
    """A model on one core: these are far too small to share out."""
    return onnxruntime.InferenceSession(str(model), session_options(1), providers=["CPUExecutionProvider"])
