"""What the network hears: log-mel energies, seven frames joined, normalised — as FunASR's WavFrontend makes them.

Dither is off: the published configuration leaves it on, and the same file then gives different answers.
"""

from __future__ import annotations

import re
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import numpy.typing as npt

from huiyin.services.common.audio import SAMPLE_RATE, Samples

Features = npt.NDArray[np.float32]

MELS = 80
FRAME_S = 0.06  # between two rows: six frames of 10 ms
_WINDOW_MS, _SHIFT_MS = 25.0, 10.0
_JOINED, _STEP = 7, 6  # low frame rate: rows of 7 frames, 6 apart
_FULL_SCALE = 32768.0  # Kaldi's features are of 16-bit numbers

_NUMBERS = re.compile(r"<LearnRateCoef>\s+\S+\s+\[([^\]]*)\]")


class Frontend:
    """Samples to features. Safe from several threads at once."""

    def __init__(self, cmvn: Path | None) -> None:
        """`cmvn`: Kaldi's ``am.mvn`` with 560 shifts and scales; None leaves the features as they are.

        Raises ValueError when the file is something else, OSError when it cannot be read.
        """
        still = np.zeros(1, np.float32), np.ones(1, np.float32)
        self._shift, self._scale = _read_cmvn(cmvn) if cmvn else still
        options = kaldi_native_fbank.FbankOptions()
        options.frame_opts.samp_freq = SAMPLE_RATE
        options.frame_opts.window_type = "hamming"
        options.frame_opts.frame_length_ms = _WINDOW_MS
        options.frame_opts.frame_shift_ms = _SHIFT_MS
        options.frame_opts.dither = 0.0
        options.frame_opts.snip_edges = True
        options.energy_floor = 0.0
        options.mel_opts.num_bins = MELS
        self._options = options

    def __call__(self, samples: Samples) -> Features:
        """(T, 560) for float32 (n,) at 16 kHz in [-1, 1], at least 25 ms; T = ceil of the 10 ms frames / 6."""
        fbank = kaldi_native_fbank.OnlineFbank(self._options)
        fbank.accept_waveform(SAMPLE_RATE, samples * np.float32(_FULL_SCALE))
        fbank.input_finished()
        count = fbank.num_frames_ready
        frames = np.stack([fbank.get_frame(i) for i in range(count)])
        rows = -(-count // _STEP)
        # The first and last frame stand in for those beyond the edges.
        index = np.arange(rows)[:, None] * _STEP + np.arange(_JOINED) - _JOINED // 2
        joined = frames[np.clip(index, 0, count - 1)].reshape(rows, _JOINED * MELS)
        return np.asarray((joined + self._shift) * self._scale, dtype=np.float32)


def _read_cmvn(path: Path) -> tuple[Features, Features]:
    vectors = [np.array(text.split(), np.float32) for text in _NUMBERS.findall(path.read_text("utf-8"))]
    if [len(vector) for vector in vectors] != [_JOINED * MELS] * 2:
        raise ValueError(f"{path} is no am.mvn of SenseVoice: it wants {_JOINED * MELS} shifts and as many scales")
    return vectors[0], vectors[1]
