"""The voice of a recording in which one person speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import split
from huiyin.services.asr.speakers.diarisation import speech_spans
from huiyin.services.asr.speakers.embedding import SpeakerEngine
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.errors import ApiError

MOST_S = 30.0
"""Of speech that is used."""
_LEAST_S = 0.5  # of speech
_AT_ONCE_S = 10.0  # a longer piece tells no more


def voice_of(blocks: Iterable[Samples], engine: SpeakerEngine, detectors: Detectors) -> dict[str, Any]:
    """``embedding`` (of length 1), ``model`` and ``speech_s`` for JSON.

    `blocks`: float32 (n,) of any sizes, mono 16 kHz; what comes after 30 s of speech is not read. Raises ApiError 422
    `no_speech` for less than half a second of it.
    """
    speech = np.concatenate([np.empty(0, np.float32), *_speech(blocks, detectors)])[: round(MOST_S * SAMPLE_RATE)]
    speech_s = len(speech) / SAMPLE_RATE
    if speech_s < _LEAST_S:
        raise ApiError(422, "asr.too_little_speech", code="no_speech", speech_s=speech_s, least_s=_LEAST_S)
    parts = np.array_split(speech, int(np.ceil(speech_s / _AT_ONCE_S)))
    mean = engine.embed(parts).mean(axis=0)
    embedding = mean / np.linalg.norm(mean)
    return {"embedding": [round(float(x), 6) for x in embedding], "model": engine.model, "speech_s": round(speech_s, 3)}


def _speech(blocks: Iterable[Samples], detectors: Detectors) -> Iterator[Samples]:
    """The speech without its pauses, until that is enough."""
    found_s = 0.0
    for piece in split(blocks, MOST_S, detectors):
        for start_s, end_s in speech_spans(piece.samples, detectors):
            yield piece.samples[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
            found_s += end_s - start_s
        if found_s >= MOST_S:
            return
