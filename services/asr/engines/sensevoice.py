"""SenseVoiceSmall: text, language, emotion and events in one pass (arXiv 2407.04051).

Features, decoding and tags are the project's own (`services/asr/sensevoice`); the weights are FunASR's, and its stock
call is what the tests compare with. On a CPU neither FunASR nor PyTorch is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.engines.funasr_models import find_device, funasr_is_installed
from huiyin.services.asr.recogniser import FindModel, Hints, ModelFolderError, Recognition
from huiyin.services.asr.sensevoice.decoding import Decoder
from huiyin.services.asr.sensevoice.export import exported
from huiyin.services.asr.sensevoice.features import Frontend
from huiyin.services.asr.sensevoice.network import Network, OnnxNetwork, Output, TorchNetwork
from huiyin.services.asr.sensevoice.tags import (
    EMOTION_QUERY,
    EVENT_QUERY,
    ITN_QUERY,
    LANGUAGE_QUERIES,
    LANGUAGES,
    SPOKEN_QUERY,
    Answers,
)
from huiyin.services.common.audio import SAMPLE_RATE, Samples

_GPU_BATCH_S = 600.0  # as much as the planner finds room for; more gains nothing
_WARM_UP_S = 1.0


def load(settings: AsrSettings, find_model: FindModel) -> SenseVoiceEngine:
    """The engine, warmed up. Raises SettingsError (a language, a precision, no FunASR) or ModelFolderError."""
    unknown = [code for code in settings.languages if code not in LANGUAGES]
    if unknown:
        raise SettingsError("asr.sensevoice_languages", unknown=unknown, known=LANGUAGES)
    folder = find_model(settings.model)
    device = _device(settings)
    on_cpu = device == "cpu"
    workers = (settings.workers or settings.threads) if on_cpu else 1
    runtime = settings.runtime if settings.runtime != "auto" else ("onnx" if on_cpu else "torch")
    precision = settings.precision if settings.precision != "auto" else _usual_precision(runtime, on_cpu)
    network: Network
    if runtime == "onnx":
        if not on_cpu or precision not in ("int8", "fp32"):
            raise SettingsError("asr.onnx_precision", precision=precision, device=device)
        network = OnnxNetwork(exported(folder, precision), max(1, settings.threads // workers))
    else:
        if precision == "int8":
            raise SettingsError("asr.torch_int8")
        if not funasr_is_installed():
            raise SettingsError("asr.no_funasr_for_torch")
        workers = 1
        network = TorchNetwork(folder, device, precision, settings.threads)
    engine = SenseVoiceEngine(folder, network, settings.languages, workers)
    engine.recognise([np.zeros(round(_WARM_UP_S * SAMPLE_RATE), np.float32)], Hints())
    return engine


class SenseVoiceEngine:
    """See `huiyin.services.asr.recogniser.Engine`."""

    languages = LANGUAGES
    max_piece_s = 30.0  # it was trained on no more
    uses_hotwords = False

    def __init__(self, folder: Path, network: Network, allowed: tuple[str, ...], workers: int) -> None:
        """`allowed`: the languages that may be spoken when a caller names none. Raises ModelFolderError, OSError."""
        from sentencepiece import SentencePieceProcessor

        files = sorted(folder.glob("*.bpe.model"))
        if len(files) != 1:
            raise ModelFolderError("asr.not_one_vocabulary", folder=folder, count=len(files))
        self._decoder = Decoder(SentencePieceProcessor(model_file=str(files[0])))
        cmvn = folder / "am.mvn"
        self._frontend = Frontend(cmvn if cmvn.is_file() else None)
        self._network, self._allowed = network, allowed
        self.model, self.device, self.workers = folder.name, network.device, workers
        self.batch_s = _GPU_BATCH_S if network.batches else 0.0

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """See Engine. A language outside those allowed is never heard: such a piece is listened to again."""
        allowed = hints.languages or self._allowed
        features = [self._frontend(samples) for samples in pieces]
        outputs = self._network.run(features, _queries(allowed[0] if len(allowed) == 1 else "auto", hints.itn))
        answers = [self._decoder.tags.read(output.tags, allowed) for output in outputs]
        for i, answer in enumerate(answers):
            if len(allowed) > 1 and answer.best_language in LANGUAGES and answer.best_language not in allowed:
                (outputs[i],) = self._network.run([features[i]], _queries(answer.language, hints.itn))
                answers[i] = self._decoder.tags.read(outputs[i].tags, (answer.language,))
        return [
            self._recognition(output, answer, len(samples) / SAMPLE_RATE)
            for output, answer, samples in zip(outputs, answers, pieces, strict=True)
        ]

    def _recognition(self, output: Output, answers: Answers, length_s: float) -> Recognition:
        return Recognition(self._decoder.segments(output.frames, output.probabilities, answers, length_s))


def _queries(language: str, itn: bool) -> tuple[int, int, int, int]:
    return LANGUAGE_QUERIES[language], EMOTION_QUERY, EVENT_QUERY, ITN_QUERY if itn else SPOKEN_QUERY


def _usual_precision(runtime: str, on_cpu: bool) -> str:
    if runtime == "onnx":
        return "int8"
    return "fp32" if on_cpu else "fp16"


def _device(settings: AsrSettings) -> str:
    """Where to run: what only a CPU can do is not taken to a GPU."""
    only_cpu = settings.runtime == "onnx" or settings.precision == "int8"
    return "cpu" if only_cpu and settings.device == "auto" else find_device(settings.device)
