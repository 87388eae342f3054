"""Surnames: 单先生 is shan4, not dan1. The characters, titles and signs are in `names.toml`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from huiyin.configs.tables import read_table
from huiyin.services.tts.mandarin.cutting import Token

_TABLE = read_table(Path(__file__).with_name("names.toml"))
_SURNAMES: dict[str, str] = _TABLE["surnames"]
_ONLY_AFTER_THE_WORD = frozenset(_TABLE["only_after_surname_word"]["characters"])
_TITLES = frozenset(_TABLE["around"]["titles"])
_BEFORE = tuple(_TABLE["around"]["before"])
_FAMILIAR = frozenset(_TABLE["around"]["familiar"])
_NOT_AFTER = tuple(_TABLE["around"]["not_after"])
_LONGEST_NAME = 4  # characters

SURNAMES = frozenset(_SURNAMES)
"""Characters that are read otherwise as surnames."""


def surnames(run: str, tokens: Sequence[Token]) -> dict[int, str]:
    """Where in the run of Chinese characters a surname stands, with its reading."""
    return {
        token.start: _SURNAMES[token.word]
        for i, token in enumerate(tokens)
        if token.word in _SURNAMES and _is_surname(run, tokens, i)
    }


def _is_surname(run: str, tokens: Sequence[Token], i: int) -> bool:
    token = tokens[i]
    if run.endswith(_BEFORE, 0, token.start):
        return True
    if token.word in _ONLY_AFTER_THE_WORD or run.endswith(_NOT_AFTER, 0, token.start):
        return False
    if i + 1 < len(tokens) and tokens[i + 1].word in _TITLES:
        return True
    if i > 0 and tokens[i - 1].word in _FAMILIAR:  # 老任
        return True
    start = tokens[i - 1].start if i > 0 else 0
    return _starts_name(run[start : token.start + _LONGEST_NAME + 1], token.start - start)


@functools.lru_cache(maxsize=10_000)
def _starts_name(text: str, at: int) -> bool:
    """Whether jieba finds the name of a person there (0.2 ms a character)."""
    import jieba.posseg

    start = 0
    for pair in jieba.posseg.cut(text):
        if start == at:
            return pair.flag == "nr" and 1 < len(pair.word) <= _LONGEST_NAME
        start += len(pair.word)
    return False
