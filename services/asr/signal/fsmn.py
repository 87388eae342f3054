"""fsmn-vad as a classifier of frames: speech, or one of the sounds that are none.

Model: iic/speech_fsmn_vad_zh-cn-16k-common-pytorch (FunASR; a feed-forward sequential memory network, Zhang et al.,
"Deep-FSMN for large vocabulary continuous speech recognition", 2018), in the ONNX form with its memories as inputs and
outputs. It gives 248 probabilities for each 10 ms, the first of which is silence. Only the network is used: FunASR's
rules that turn frames into segments are made for streaming and cut speech that never pauses blindly.
"""

from __future__ import annotations

from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt
import onnxruntime

from huiyin.services.asr.signal.voice_activity import Detectors, Probabilities, session
from huiyin.services.common.audio import SAMPLE_RATE, Samples

_FRAME, _SHIFT = 400, 160  # samples: 25 ms, a step of 10 ms
_MELS = 80
_STACK = 5  # frames side by side, the one that is meant in the middle
_SIDE = _STACK // 2
_MEAN = 10  # decisions: single ones flicker
_MEMORIES, _MEMORY_SHAPE = 4, (1, 128, 19, 1)
_FULL_SCALE = 32768.0  # the features were made from 16-bit numbers

Features = npt.NDArray[np.float32]


def load(folder: Path) -> Detectors:
    """The detectors of the model in `folder` (model.onnx, am.mvn). Raises OSError or ValueError for a wrong file."""
    shared, (shift, scale) = session(folder / "model.onnx"), read_cmvn(folder / "am.mvn")
    return lambda: _Fsmn(shared, shift, scale)


def read_cmvn(path: Path) -> tuple[Features, Features]:
    """(added to the features, then multiplied with them), float32 (400,) each, from a Kaldi nnet text file.

    Raises ValueError when it is none.
    """
    words = path.read_text(encoding="utf-8").split()
    try:
        rows = [words[words.index("[", words.index(tag)) + 1 :] for tag in ("<AddShift>", "<Rescale>")]
        shift, scale = (np.array(row[: row.index("]")], np.float32) for row in rows)
    except ValueError as error:
        raise ValueError(f"{path} does not hold a mean and a scale: {error}") from error
    if len(shift) != _MELS * _STACK or len(scale) != _MELS * _STACK:
        raise ValueError(f"{path} holds {len(shift)} means and {len(scale)} scales, not {_MELS * _STACK}")
    return shift, scale


class _Fsmn:
    """See `huiyin.services.asr.signal.voice_activity.SpeechDetector`."""

    name = "fsmn"
    frame_s = _SHIFT / SAMPLE_RATE
    # Its makers want 0.8 in their rules; here, in noise 10 dB below the speech, that missed a whole sentence.
    threshold = 0.6

    def __init__(self, shared: onnxruntime.InferenceSession, shift: Features, scale: Features) -> None:
        self._session, self._shift, self._scale = shared, shift, scale
        self._options = _fbank_options()
        self._held = np.empty(0, np.float32)  # samples of frames that are not whole yet
        self._features = np.empty((0, _MELS), np.float32)  # frames that still stand beside others
        self._recent = np.zeros(_MEAN // 2 - 1, np.float32)  # decisions that are still part of a mean
        self._memories = {f"in_cache{i}": np.zeros(_MEMORY_SHAPE, np.float32) for i in range(_MEMORIES)}

    def push(self, samples: Samples) -> Probabilities:
        held = np.concatenate([self._held, samples], dtype=np.float32)
        count = max(0, (len(held) - _FRAME) // _SHIFT + 1)
        self._held = held[count * _SHIFT :]
        if not count:
            return np.empty(0, np.float32)
        new = self._fbank(held[: (count - 1) * _SHIFT + _FRAME], count)
        if not len(self._features):
            new = np.concatenate([np.repeat(new[:1], _SIDE, axis=0), new])  # the first frame stands for those before it
        features = np.concatenate([self._features, new])
        ready = len(features) - 2 * _SIDE
        self._features = features[max(ready, 0) :]
        if ready <= 0:
            return np.empty(0, np.float32)
        stacked = np.concatenate([features[i : i + ready] for i in range(_STACK)], axis=1)
        inputs = {"speech": ((stacked + self._shift) * self._scale)[None], **self._memories}
        probabilities, *memories = self._session.run(None, inputs)
        self._memories = dict(zip(self._memories, memories, strict=True))
        recent = np.concatenate([self._recent, 1.0 - probabilities[0, :, 0]])
        self._recent = recent[-(_MEAN - 1) :]
        if len(recent) < _MEAN:
            return np.empty(0, np.float32)
        return np.convolve(recent, np.full(_MEAN, 1 / _MEAN), mode="valid").astype(np.float32)

    def _fbank(self, samples: Samples, count: int) -> Features:
        """Log mel energies (count, 80), every frame for itself."""
        fbank = knf.OnlineFbank(self._options)
        fbank.accept_waveform(SAMPLE_RATE, samples * _FULL_SCALE)
        return np.stack([fbank.get_frame(i) for i in range(count)])


def _fbank_options() -> knf.FbankOptions:
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.frame_opts.dither = 0.0  # the same answer every time
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = _MELS
    options.energy_floor = 0.0
    return options
