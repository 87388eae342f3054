"""What a server's transcription says: OpenAI's ``json`` and ``verbose_json``, and what Huiyin adds to it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from huiyin.services.asr.recogniser import Emotion, Recognition, Segment, SoundEvent, Word
from huiyin.services.common.text import is_chinese

_NAMES = {
    "chinese": "zh", "mandarin": "zh", "cantonese": "yue", "english": "en", "japanese": "ja", "korean": "ko",
    "german": "de", "french": "fr", "spanish": "es", "russian": "ru", "italian": "it", "portuguese": "pt",
}  # fmt: skip
_LONGEST_CODE = 3  # letters


def recognition_in(answer: Any, length_s: float) -> Recognition | None:
    """What was said in a piece of `length_s` seconds; None where `answer` is no transcription."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("text"), str):
        return None
    text, language = answer["text"].strip(), _language(answer.get("language"), answer["text"])
    listed = answer.get("segments")
    rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    if not rows and text:
        rows = [{"text": text, "start": 0.0, "end": length_s, **answer}]
    segments = [segment for row in rows if (segment := _segment(row, language, length_s))]
    return Recognition(tuple(_with_words(segments, answer.get("words"), length_s)))


def _segment(row: Mapping[str, Any], language: str, length_s: float) -> Segment | None:
    """None where it has no words."""
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return None
    start_s = _number(row.get("start"), 0.0, 0.0, length_s)
    return Segment(
        start_s,
        _number(row.get("end"), length_s, start_s, length_s),
        text.strip(),
        _language(row.get("language"), text) if row.get("language") else language,
        _number(row.get("confidence"), math.exp(_number(row.get("avg_logprob"), 0.0, -100.0, 0.0)), 0.0, 1.0),
        _emotion(row.get("emotion")),
        _events(row.get("events"), length_s),
    )


def _with_words(segments: list[Segment], words: Any, length_s: float) -> list[Segment]:
    """The segments with those of the listed words that begin in them."""
    rows = [row for row in words if isinstance(row, Mapping)] if isinstance(words, list) else []
    timed = [
        Word(row["word"].strip(), start_s, _number(row.get("end"), start_s, start_s, length_s))
        for row in rows
        if isinstance(row.get("word"), str)
        for start_s in [_number(row.get("start"), 0.0, 0.0, length_s)]
    ]
    ends = [*(segment.start_s for segment in segments[1:]), math.inf]
    found, at = [], 0
    for segment, end_s in zip(segments, ends, strict=False):
        own = []
        while at < len(timed) and timed[at].start_s < end_s:
            own.append(timed[at])
            at += 1
        found.append(replace(segment, words=tuple(own)))
    return found


def _language(named: Any, text: str) -> str:
    """The code of a language that is named by its code or in English; else by the text's script."""
    if isinstance(named, str):
        name = named.strip().lower()
        code = _NAMES.get(name, name.partition("-")[0])
        if 1 < len(code) <= _LONGEST_CODE:
            return code
    return "zh" if is_chinese(text) else "en"


def _emotion(row: Any) -> Emotion | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
        return None
    scores = row.get("scores")
    listed = scores.items() if isinstance(scores, Mapping) else ()
    numbers = {str(label): _number(score, 0.0, 0.0, 1.0) for label, score in listed}
    return Emotion(row["label"], _number(row.get("confidence"), 0.0, 0.0, 1.0), numbers)


def _events(rows: Any, length_s: float) -> tuple[SoundEvent, ...]:
    listed = rows if isinstance(rows, list) else []
    return tuple(
        SoundEvent(
            row["label"],
            _number(row.get("start_s"), 0.0, 0.0, length_s),
            _number(row.get("end_s"), length_s, 0.0, length_s),
            _number(row.get("confidence"), 1.0, 0.0, 1.0),
        )
        for row in listed
        if isinstance(row, Mapping) and isinstance(row.get("label"), str)
    )


def _number(value: Any, default: float, low: float, high: float) -> float:
    """`value` within `low` and `high`; `default` where it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return default
    return min(max(float(value), low), high)
