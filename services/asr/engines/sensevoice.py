"""SenseVoiceSmall: text, language, emotion and events in one pass (arXiv 2407.04051).

Features, decoding and tags are the project's own (`services/asr/sensevoice`); the weights are FunASR's, and the tests
compare with its stock call. On a CPU neither FunASR nor PyTorch is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.engines.funasr_models import find_device, funasr_is_installed
from huiyin.services.asr.recogniser import FindModel, Hints, ModelFolderError, Recognition
from huiyin.services.asr.sensevoice import tags
from huiyin.services.asr.sensevoice.decoding import Decoder
from huiyin.services.asr.sensevoice.export import exported
from huiyin.services.asr.sensevoice.features import Frontend
from huiyin.services.asr.sensevoice.network import Network, OnnxNetwork, TorchNetwork
from huiyin.services.common.audio import SAMPLE_RATE, Samples

_GPU_BATCH_S = 600.0  # beyond the planner's own limit, which decides


def load(settings: AsrSettings, find_model: FindModel) -> SenseVoiceEngine:
    """The engine, warmed up. Raises SettingsError (a language, a precision, no FunASR) or ModelFolderError."""
    unknown = [code for code in settings.languages if code not in tags.LANGUAGES]
    if unknown:
        raise SettingsError("asr.sensevoice_languages", unknown=unknown, known=tags.LANGUAGES)
    folder = find_model(settings.model)
    device = _device(settings)
    runtime = settings.runtime
    if runtime == "auto":
        runtime = "onnx" if device == "cpu" else "torch"
    network: Network
    if runtime == "onnx":
        workers = settings.workers or settings.threads
        network = _onnx(settings, folder, device, workers)
    else:
        workers = 1
        network = _torch(settings, folder, device)
    engine = SenseVoiceEngine(folder, network, settings.languages, workers)
    engine.recognise([np.zeros(SAMPLE_RATE, np.float32)], Hints())
    return engine


def _device(settings: AsrSettings) -> str:
    """The device to run on: a choice that only a CPU supports decides it."""
    only_cpu = settings.runtime == "onnx" or settings.precision == "int8"
    return "cpu" if only_cpu and settings.device == "auto" else find_device(settings.device)


def _onnx(settings: AsrSettings, folder: Path, device: str, workers: int) -> Network:
    precision = "int8" if settings.precision == "auto" else settings.precision
    if device != "cpu" or precision not in ("int8", "fp32"):
        raise SettingsError("asr.onnx_precision", precision=precision, device=device)
    return OnnxNetwork(exported(folder, precision), max(1, settings.threads // workers))


def _torch(settings: AsrSettings, folder: Path, device: str) -> Network:
    precision = settings.precision
    if precision == "auto":
        precision = "fp32" if device == "cpu" else "fp16"
    if precision == "int8":
        raise SettingsError("asr.torch_int8")
    if not funasr_is_installed():
        raise SettingsError("asr.no_funasr_for_torch")
    return TorchNetwork(folder, device, precision, settings.threads)


class SenseVoiceEngine:
    """See `huiyin.services.asr.recogniser.Engine`."""

    languages = tags.LANGUAGES
    max_piece_s = 30.0  # it was trained on no more
    uses_hotwords = False
    translates = False

    def __init__(self, folder: Path, network: Network, allowed: tuple[str, ...], workers: int) -> None:
        """`allowed`: the languages that may be recognised by default. Raises ModelFolderError, OSError."""
        from sentencepiece import SentencePieceProcessor

        files = sorted(folder.glob("*.bpe.model"))
        if len(files) != 1:
            raise ModelFolderError("asr.not_one_vocabulary", folder=folder, count=len(files))
        self._decoder = Decoder(SentencePieceProcessor(model_file=str(files[0])))
        cmvn = folder / "am.mvn"
        self._frontend = Frontend(cmvn if cmvn.is_file() else None)
        self._network, self._allowed = network, allowed
        self.model = folder.name
        self.device = network.device
        self.workers = workers
        self.batch_s = _GPU_BATCH_S if network.batches else 0.0

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """See Engine. A language that is not allowed is never recognised: such a piece is decoded a second time."""
        allowed = hints.languages or self._allowed
        features = [self._frontend(samples) for samples in pieces]
        outputs = self._network.run(features, _queries(allowed[0] if len(allowed) == 1 else "auto", hints.itn))
        recognitions = []
        for samples, rows, output in zip(pieces, features, outputs, strict=True):
            answers = self._decoder.tags.read(output.tags, allowed)
            if len(allowed) > 1 and answers.best_language in tags.LANGUAGES and answers.best_language not in allowed:
                language = answers.language
                (output,) = self._network.run([rows], _queries(language, hints.itn))
                answers = self._decoder.tags.read(output.tags, (language,))
            length_s = len(samples) / SAMPLE_RATE
            segments = self._decoder.segments(output.frames, output.probabilities, answers, length_s)
            recognitions.append(Recognition(segments))
        return recognitions


def _queries(language: str, itn: bool) -> tuple[int, int, int, int]:
    return (
        tags.LANGUAGE_QUERIES[language],
        tags.EMOTION_QUERY,
        tags.EVENT_QUERY,
        tags.ITN_QUERY if itn else tags.SPOKEN_QUERY,
    )
