"""Voice activity: the probability of speech for each frame.

Two detectors of one protocol, both through onnxruntime on one core: Silero (snakers4/silero-vad v5, MIT, 32 ms frames)
and fsmn-vad (Alibaba, 10 ms frames, see `fsmn`). Measured on the project's clips with 0.5 s between them:
Silero finds more of the pauses (fsmn takes the tone of a room for speech) and, in noise, more of the speech; whisper
makes 3 % errors in English after Silero's cuts, 9 % after fsmn's. FunASR's recognisers were made to follow fsmn-vad.
Where a recording is cut: `huiyin.services.asr.signal.pieces`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.recogniser import FindModel
from huiyin.services.asr.signal.detector import Detectors, Probabilities
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.onnx import SILERO_CONTEXT, SILERO_FILE, SILERO_FRAME, Silero, open_model

log = logging.getLogger(__name__)

FSMN = "fsmn-vad"  # a folder of the model store
_FSMN_ENGINES = ("sensevoice", "paraformer")
_LEVEL = 0.5  # peak at which Silero works best; it missed a quarter of speech at -40 dB, over half at -50 dB
_QUIETEST = 3e-4  # peaks below (-70 dBFS, ten steps of 16 bits) are amplified no further
_DECAY = 0.5 ** (SILERO_FRAME / (10.0 * SAMPLE_RATE))  # of the peak, a frame: half after 10 s


def load_detectors(
    settings: AsrSettings, find_model: FindModel, is_here: Callable[[str], bool] = lambda name: False
) -> Detectors:
    """The detector that `settings.vad` names; 'auto': fsmn for FunASR's engines if `is_here` says so, else Silero.

    What `find_model` raises passes through, and ImportError for vad=fsmn without kaldi-native-fbank.
    """
    auto = settings.vad == "auto" and settings.engine in _FSMN_ENGINES
    if settings.vad == "fsmn" or (auto and is_here(FSMN)):
        try:
            from huiyin.services.asr.signal.fsmn import load

            return load(find_model(FSMN))
        except ImportError:
            if settings.vad == "fsmn":
                raise
            log.warning("fsmn-vad is here, but kaldi-native-fbank is not installed: Silero finds the speech")
    shared = open_model(find_model(SILERO_FILE))
    return lambda: _Silero(Silero(shared))


class _Silero:
    """See `huiyin.services.asr.signal.detector.SpeechDetector`. Takes 0.5 % of real time.

    Quiet sound is amplified, by the loudest peak of the last seconds.
    """

    name = "silero"
    frame_s = SILERO_FRAME / SAMPLE_RATE
    threshold = 0.5

    def __init__(self, model: Silero) -> None:
        self._model = model
        self._rest = np.zeros(SILERO_CONTEXT, np.float32)  # the context, then the incomplete frame
        self._peak = _QUIETEST

    def push(self, samples: Samples) -> Probabilities:
        sound = np.concatenate([self._rest, samples], dtype=np.float32)
        frames = (len(sound) - SILERO_CONTEXT) // SILERO_FRAME
        probabilities = np.empty(frames, np.float32)
        for i in range(frames):
            window = sound[i * SILERO_FRAME : (i + 1) * SILERO_FRAME + SILERO_CONTEXT]
            self._peak = max(float(np.abs(window).max()), self._peak * _DECAY, _QUIETEST)
            probabilities[i] = self._model(window * np.float32(max(_LEVEL / self._peak, 1.0)))
        self._rest = sound[frames * SILERO_FRAME :]
        return probabilities
