"""Kaldi's features, which FunASR's models use: log mel energies, and the file that normalises them."""

from __future__ import annotations

import re
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import numpy.typing as npt

from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.common.audio import SAMPLE_RATE, Samples

Features = npt.NDArray[np.float32]

FRAME = 400  # samples, 25 ms
SHIFT = 160  # samples, 10 ms, from one frame to the next
MELS = 80
_FULL_SCALE = np.float32(32768.0)  # Kaldi takes 16-bit numbers
_MS = 1000 / SAMPLE_RATE  # of a sample


def log_mels(samples: Samples) -> Features:
    """Log mel energies, float32 (frames, 80), of float32 (n,) at 16 kHz in [-1, 1]; whole frames only, n >= 400."""
    return _fbank(samples * _FULL_SCALE, _OPTIONS)


def unscaled_log_mels(samples: Samples) -> Features:
    """The same by Kaldi's own defaults (Povey's window), of the samples as they are: what 3D-Speaker's models take."""
    return _fbank(samples, _POVEY)


def _fbank(samples: Samples, options: kaldi_native_fbank.FbankOptions) -> Features:
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(SAMPLE_RATE, samples)
    fbank.input_finished()
    return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])


def read_cmvn(path: Path, size: int) -> tuple[Features, Features]:
    """``am.mvn``, a Kaldi nnet text file: (shift to add to the features, scale to multiply), float32 (size,) each.

    Raises ModelFolderError when it is something else, OSError when it cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    vectors: list[Features] = []
    for tag in ("AddShift", "Rescale"):
        numbers = re.search(rf"<{tag}>[^\[]*\[([^\]]*)\]", text)
        try:
            vectors.append(np.array(numbers[1].split() if numbers else [], np.float32))
        except ValueError as error:
            raise ModelFolderError("asr.cmvn_not_numbers", path=path, tag=tag, error=error) from error
    shift, scale = vectors
    if len(shift) != size or len(scale) != size:
        raise ModelFolderError("asr.cmvn_size", path=path, size=size, shifts=len(shift), scales=len(scale))
    return shift, scale


def _options(window: str) -> kaldi_native_fbank.FbankOptions:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.window_type = window
    options.frame_opts.frame_length_ms = FRAME * _MS
    options.frame_opts.frame_shift_ms = SHIFT * _MS
    options.frame_opts.dither = 0.0  # the published configurations have it: random results
    options.frame_opts.snip_edges = True
    options.energy_floor = 0.0
    options.mel_opts.num_bins = MELS
    return options


_OPTIONS = _options("hamming")
_POVEY = _options("povey")
