"""A voice as a vector: the protocol, and the list of engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.recogniser import FindModel, ModelFolderError
from huiyin.services.common.audio import Samples
from huiyin.services.common.registry import import_object

Embeddings = npt.NDArray[np.float32]
"""(n, size), each row of length 1: the product of two rows is their cosine, how alike two voices are."""

# name -> "module:function"; the function is `load(find_model, threads) -> SpeakerEngine`
ENGINES = {"campplus": "huiyin.services.asr.speakers.embedding:load_campplus"}
DEFAULT = "campplus"
SHORTEST_S = 0.3
"""Of sound that tells anything of a voice."""
_CAMPPLUS = "campplus_cn_en_common.pt"  # of the model store


class SpeakerEngine(Protocol):
    """A loaded model. Safe from several threads at once."""

    model: str
    """Its id: vectors of different models cannot be compared."""
    size: int
    """Numbers of a vector."""

    def embed(self, pieces: Sequence[Samples]) -> Embeddings:
        """One row for each piece: float32 (n,), mono 16 kHz in [-1, 1], of speech, at least `SHORTEST_S`."""
        ...


def load_speaker_engine(find_model: FindModel, threads: int, name: str = DEFAULT) -> SpeakerEngine:
    """The engine `name` of `ENGINES`, on so many cores; what `find_model` raises passes through."""
    engine: SpeakerEngine = import_object(ENGINES[name])(find_model, threads)
    return engine


def load_campplus(find_model: FindModel, threads: int) -> SpeakerEngine:
    """CAM++, trained by 3D-Speaker on Chinese and English. Raises ModelFolderError."""
    return _CamPlusPlus(find_model(_CAMPPLUS), threads)


class _CamPlusPlus:
    """See `SpeakerEngine`. On a CPU a batch of several pieces is no faster than one after the other."""

    model = "campplus-zh-en"

    def __init__(self, checkpoint: Path, threads: int) -> None:
        import onnxruntime

        from huiyin.services.asr.sensevoice.checkpoint import read_checkpoint
        from huiyin.services.asr.speakers.campplus import build_graph
        from huiyin.services.common.onnx import session_options

        try:
            graph = build_graph(read_checkpoint(checkpoint))
        except (KeyError, ValueError) as error:
            raise ModelFolderError("asr.not_a_speaker_model", path=checkpoint, error=error) from error
        self._session: Any = onnxruntime.InferenceSession(
            graph.SerializeToString(), session_options(threads), providers=["CPUExecutionProvider"]
        )
        self.size = int(self._session.get_outputs()[0].shape[1])

    def embed(self, pieces: Sequence[Samples]) -> Embeddings:
        from huiyin.services.asr.signal.kaldi import unscaled_log_mels

        rows = np.empty((len(pieces), self.size), np.float32)
        for row, piece in zip(rows, pieces, strict=True):
            features = unscaled_log_mels(piece)
            features = features - features.mean(axis=0)
            row[:] = self._session.run(None, {"features": features[None]})[0][0]
        lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return np.asarray(rows / lengths, np.float32)
