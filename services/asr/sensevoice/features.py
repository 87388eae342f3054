"""The network's input: log-mel energies, seven frames joined, normalised, as FunASR's WavFrontend makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from huiyin.services.asr.signal.kaldi import MELS, Features, log_mels, read_cmvn
from huiyin.services.common.audio import Samples

FRAME_S = 0.06  # between two rows: six frames of 10 ms
_JOINED = 7  # frames in a row: fewer rows, less work for the network
_STEP = 6  # frames from one row to the next


class Frontend:
    """Samples to features. Safe from several threads at once."""

    def __init__(self, cmvn: Path | None) -> None:
        """`cmvn`: Kaldi's ``am.mvn`` with 560 shifts and scales; None leaves the features as they are.

        Raises ModelFolderError when the file is something else, OSError when it cannot be read.
        """
        unchanged = np.zeros(1, np.float32), np.ones(1, np.float32)
        self._shift, self._scale = read_cmvn(cmvn, _JOINED * MELS) if cmvn else unchanged

    def __call__(self, samples: Samples) -> Features:
        """(T, 560) for float32 (n,) at 16 kHz in [-1, 1], at least 25 ms; T = ceil of the 10 ms frames / 6."""
        frames = log_mels(samples)
        count = len(frames)
        rows = -(-count // _STEP)
        # Beyond the edges the first and last frame are repeated.
        index = np.arange(rows)[:, None] * _STEP + np.arange(_JOINED) - _JOINED // 2
        joined = frames[np.clip(index, 0, count - 1)].reshape(rows, _JOINED * MELS)
        return np.asarray((joined + self._shift) * self._scale, dtype=np.float32)
