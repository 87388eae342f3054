"""What was heard of a reply, from how much of its sound has been played."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from huiyin.assistant.dialogue.history import HeardClause
from huiyin.assistant.dialogue.persona import reply_language
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import ClauseSpan

_SLOWEST_SPEECH_S = {"zh": 0.35, "en": 0.09}  # a character: bounds the length of a clause still being synthesised


def heard_clauses(texts: Mapping[int, str], heard: int, spans: Iterable[ClauseSpan]) -> list[HeardClause]:
    """The clauses in `spans`, with how much of each lies in the first `heard` samples. `texts`: clause -> text."""
    clauses = []
    for span in spans:
        text = texts.get(span.clause, "")
        length = span.end - span.start
        if not span.ended:
            longest_s = len(text) * _SLOWEST_SPEECH_S[reply_language("", text)]
            length = max(length, round(longest_s * SAMPLE_RATE))
        share = (min(heard, span.end) - span.start) / length if length else 1.0
        clauses.append(HeardClause(text, min(1.0, max(0.0, share)), span.characters(heard)))
    return clauses
