"""Whether a recording begins with a phrase: what a sleeping assistant asks of each stretch of speech."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from huiyin.services.asr.recogniser import Engine, PhraseEngine
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.errors import ApiError

LONGEST = 100
"""Characters of a phrase."""
_MOST_S = 10.0  # of the recording; a phrase takes less than two seconds


def phrase_in(blocks: Iterable[Samples], engine: Engine, phrase: str, language: str) -> dict[str, Any]:
    """``score``, ``end_s`` (both null without speech) and ``model`` for JSON; see `PhraseScore`.

    `blocks`: float32 (n,) of any sizes, mono 16 kHz; what comes after 10 s is not read. Raises ApiError 422
    `cannot_hear_phrases`.
    """
    if not isinstance(engine, PhraseEngine):
        raise ApiError(422, "asr.cannot_hear_phrases", model=engine.model)
    read: list[Samples] = [np.empty(0, np.float32)]
    for block in blocks:
        read.append(block)
        if sum(map(len, read)) >= _MOST_S * SAMPLE_RATE:
            break
    samples = np.concatenate(read)[: round(_MOST_S * SAMPLE_RATE)]
    found = engine.phrase_score(samples, phrase, language) if samples.any() else None
    score, end_s = (round(found.score, 3), round(found.end_s, 3)) if found else (None, None)
    return {"score": score, "end_s": end_s, "model": engine.model}
