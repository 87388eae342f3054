"""fsmn-vad as a classifier of frames: speech or not.

Model: iic/speech_fsmn_vad_zh-cn-16k-common-pytorch (FunASR; a feed-forward sequential memory network, Zhang et al.,
"Deep-FSMN for large vocabulary continuous speech recognition", 2018), in the ONNX form with its memories as inputs and
outputs. It gives 248 probabilities for each 10 ms, the first of which is silence. Only the network is used: FunASR's
rules for segments are made for streaming and cut speech without pauses anywhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from huiyin.services.asr.signal.detector import Detectors, Probabilities
from huiyin.services.asr.signal.kaldi import FRAME, MELS, SHIFT, Features, log_mels, read_cmvn
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.onnx import open_model

_STACK = 5  # frames side by side, the classified one in the middle
_SIDE = _STACK // 2
_MEAN = 10  # decisions: single ones flicker
_MEMORIES = 4  # layers with a memory
_MEMORY_SHAPE = (1, 128, 19, 1)


def load(folder: Path) -> Detectors:
    """The detectors of the model in `folder` (model.onnx, am.mvn). Raises OSError or ModelFolderError."""
    shared = open_model(folder / "model.onnx")
    shift, scale = read_cmvn(folder / "am.mvn", MELS * _STACK)
    return lambda: _Fsmn(shared, shift, scale)


class _Fsmn:
    """See `huiyin.services.asr.signal.detector.SpeechDetector`."""

    name = "fsmn"
    frame_s = SHIFT / SAMPLE_RATE
    # 0.8 in FunASR's rules; here that missed a whole sentence in noise 10 dB below the speech.
    threshold = 0.6

    def __init__(self, shared: onnxruntime.InferenceSession, shift: Features, scale: Features) -> None:
        self._session, self._shift, self._scale = shared, shift, scale
        self._rest = np.empty(0, np.float32)  # samples of the frames not yet complete
        self._features = np.empty((0, MELS), np.float32)  # frames still needed beside others
        self._recent = np.zeros(_MEAN // 2 - 1, np.float32)  # decisions still part of a mean
        self._memories = {f"in_cache{i}": np.zeros(_MEMORY_SHAPE, np.float32) for i in range(_MEMORIES)}

    def push(self, samples: Samples) -> Probabilities:
        sound = np.concatenate([self._rest, samples], dtype=np.float32)
        count = max(0, (len(sound) - FRAME) // SHIFT + 1)
        self._rest = sound[count * SHIFT :]
        if not count:
            return np.empty(0, np.float32)
        new = log_mels(sound[: (count - 1) * SHIFT + FRAME])
        if not len(self._features):
            new = np.concatenate([np.repeat(new[:1], _SIDE, axis=0), new])  # before the first: itself
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
