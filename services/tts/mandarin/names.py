"""Surnames: 单先生 is shan4, not dan1. The characters, titles and signs are in `names.toml`."""

from __future__ import annotations

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
    if SURNAMES.isdisjoint(run):
        return {}
    starts = _starts_of_names(run)
    return {
        token.start: _SURNAMES[token.word]
        for i, token in enumerate(tokens)
        if token.word in _SURNAMES and _is_surname(run, tokens, i, token.start in starts)
    }


def _is_surname(run: str, tokens: Sequence[Token], i: int, starts_name: bool) -> bool:
    token = tokens[i]
    before = run[: token.start]
    if before.endswith(_BEFORE):
        return True
    if token.word in _ONLY_AFTER_THE_WORD or before.endswith(_NOT_AFTER):
        return False
    if starts_name or (i + 1 < len(tokens) and tokens[i + 1].word in _TITLES):
        return True
    return i > 0 and tokens[i - 1].word in _FAMILIAR  # 老任


def _starts_of_names(run: str) -> set[int]:
    """Where jieba finds the name of a person."""
    import jieba.posseg

    starts = set()
    at = 0
    for pair in jieba.posseg.cut(run):
        if pair.flag == "nr" and 1 < len(pair.word) <= _LONGEST_NAME:
            starts.add(at)
        at += len(pair.word)
    return starts
