"""Loops of Whisper's decoder: it can fall into repeating its own last words."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.services.asr.text.formats import compression_ratio

_COMPRESSION_RATIO = 2.4  # the threshold of openai/whisper: ordinary text stays below
_PERIODS = 4  # repetitions; a real "no no no no" costs a second decoding, "no no no" does not
_LONGEST_PERIOD = 12  # tokens; a repeated sentence
_LONG_REPEAT = 8  # tokens at the end that occurred before; people rarely repeat themselves word for word


def looks_looped(tokens: Sequence[int], text: str) -> bool:
    """Whether `text` (of these `tokens`) may be a loop rather than speech."""
    return compression_ratio(text) > _COMPRESSION_RATIO or _period(tokens) > 0 or _ends_in_a_repeat(tokens)


def without_loop(tokens: Sequence[int]) -> list[int]:
    """`tokens` with the repetition at their end reduced to one."""
    period = _period(tokens)
    end = len(tokens)
    while period and end >= 2 * period and tokens[end - period : end] == tokens[end - 2 * period : end - period]:
        end -= period
    return list(tokens[:end])


def _period(tokens: Sequence[int]) -> int:
    """Length of the shortest run of tokens that the sequence ends with `_PERIODS` times, 0 if none."""
    for period in range(1, _LONGEST_PERIOD + 1):
        length = period * _PERIODS
        tail = tokens[-length:]
        if len(tail) == length and tail[period:] == tail[:-period]:
            return period
    return 0


def _ends_in_a_repeat(tokens: Sequence[int]) -> bool:
    tail = tokens[-_LONG_REPEAT:]
    starts = range(len(tokens) - 2 * _LONG_REPEAT + 1)
    return any(tokens[start : start + _LONG_REPEAT] == tail for start in starts)
