"""Recognising the recogniser's own stutter: Whisper's decoder can fall into repeating what it has just written."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

_COMPRESSION_RATIO = 2.4  # the threshold of openai/whisper: ordinary text stays below
_PERIODS = 4  # "no no no no" may have been said and costs a second look; three of them may not
_LONGEST_PERIOD = 12  # tokens; a repeated sentence
_LONG_REPEAT = 8  # tokens: ending in words that were there before; people rarely do that word for word


def looks_looped(tokens: Sequence[int], text: str) -> bool:
    """Whether `text` (of these `tokens`) may be a loop rather than speech."""
    data = text.encode()
    if data and len(data) / len(zlib.compress(data)) > _COMPRESSION_RATIO:
        return True
    return _period(tokens) > 0 or _ends_in_a_repeat(tokens)


def without_loop(tokens: Sequence[int]) -> list[int]:
    """`tokens` with the repetition at their end said once."""
    period = _period(tokens)
    if not period:
        return list(tokens)
    end = len(tokens)
    while end >= 2 * period and tokens[end - period : end] == tokens[end - 2 * period : end - period]:
        end -= period
    return list(tokens[:end])


def _period(tokens: Sequence[int]) -> int:
    """Length of the shortest run of tokens that the sequence ends with `_PERIODS` times, 0 if none."""
    for period in range(1, _LONGEST_PERIOD + 1):
        tail = tokens[-period * _PERIODS :]
        if len(tail) == period * _PERIODS and all(tail[i] == tail[i - period] for i in range(period, len(tail))):
            return period
    return 0


def _ends_in_a_repeat(tokens: Sequence[int]) -> bool:
    if len(tokens) < 2 * _LONG_REPEAT:
        return False
    tail = list(tokens[-_LONG_REPEAT:])
    return any(list(tokens[i : i + _LONG_REPEAT]) == tail for i in range(len(tokens) - 2 * _LONG_REPEAT + 1))
