"""Where somebody speaks: voice activity as a probability for each frame.

Two detectors with one face, both through onnxruntime on one core: Silero (snakers4/silero-vad v5, MIT, 32 ms frames)
and fsmn-vad (Alibaba, 10 ms frames, see `fsmn`). Measured on the project's clips with 0.5 s between them:
Silero finds more of the pauses (fsmn takes the tone of a room for speech) and, in noise, more of the speech; whisper
makes 3 % errors in English after Silero's cuts, 9 % after fsmn's. FunASR's recognisers were made to follow fsmn-vad.
What the probabilities mean for cutting a recording is decided in `huiyin.services.asr.signal.pieces`, not here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.recogniser import FindModel
from huiyin.services.asr.signal.detector import Detectors, Probabilities, open_model
from huiyin.services.common.audio import SAMPLE_RATE, Samples

log = logging.getLogger(__name__)

FSMN = "fsmn-vad"  # a folder of the model store
SILERO = "silero_vad.onnx"  # a file of the model store
_FSMN_ENGINES = ("sensevoice", "paraformer")
_SILERO_FRAME = 512  # samples that the model takes at once: 32 ms
_SILERO_CONTEXT = 64  # samples of the previous frame that it wants in front
_LEVEL = 0.5  # peak at which Silero hears best; of speech at -40 dB it missed a quarter, at -50 dB more than half
_QUIETEST = 3e-4  # peaks below (-70 dBFS, ten steps of 16 bits) are not raised further
_FORGET = 0.5 ** (_SILERO_FRAME / (10.0 * SAMPLE_RATE))  # a frame: a loud moment weighs half after 10 s


def load_detectors(
    settings: AsrSettings, find_model: FindModel, is_here: Callable[[str], bool] = lambda name: False
) -> Detectors:
    """The detector that `settings.vad` names; 'auto': fsmn for FunASR's engines where `is_here` finds it, else Silero.

    What `find_model` raises passes through, and ImportError when fsmn is wanted without kaldi-native-fbank.
    """
    if settings.vad == "fsmn" or (settings.vad == "auto" and settings.engine in _FSMN_ENGINES and is_here(FSMN)):
        try:
            from huiyin.services.asr.signal.fsmn import load

            return load(find_model(FSMN))
        except ImportError:
            if settings.vad == "fsmn":
                raise
            log.warning("fsmn-vad is here, but kaldi-native-fbank is not installed: Silero finds the speech")
    return _silero(find_model(SILERO))


def _silero(model: Path) -> Detectors:
    shared = open_model(model)
    return lambda: _Silero(shared)


class _Silero:
    """See `huiyin.services.asr.signal.detector.SpeechDetector`. Takes 0.5 % of real time.

    Quiet sound is raised by the loudest peak of the last seconds.
    """

    name = "silero"
    frame_s = _SILERO_FRAME / SAMPLE_RATE
    threshold = 0.5

    def __init__(self, shared: onnxruntime.InferenceSession) -> None:
        self._session = shared
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._state = np.zeros((2, 1, 128), np.float32)
        self._held = np.zeros(_SILERO_CONTEXT, np.float32)  # the context, then what is no whole frame yet
        self._peak = _QUIETEST

    def push(self, samples: Samples) -> Probabilities:
        held = np.concatenate([self._held, samples], dtype=np.float32)
        frames = (len(held) - _SILERO_CONTEXT) // _SILERO_FRAME
        heard = np.empty(frames, np.float32)
        for i in range(frames):
            window = held[None, i * _SILERO_FRAME : (i + 1) * _SILERO_FRAME + _SILERO_CONTEXT]
            self._peak = max(float(np.abs(window).max()), self._peak * _FORGET, _QUIETEST)
            window = window * np.float32(max(_LEVEL / self._peak, 1.0))
            out, self._state = self._session.run(None, {"input": window, "state": self._state, "sr": self._rate})
            heard[i] = out[0, 0]
        self._held = held[frames * _SILERO_FRAME :]
        return heard
