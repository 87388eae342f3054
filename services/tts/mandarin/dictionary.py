"""How words are read: CC-CEDICT, then pypinyin's phrases, and a small table of our own before both.

CC-CEDICT (CC BY-SA 4.0, as data of the package `pypinyin-dict`) writes neutral tones, as pypinyin's phrases do not, and
has a third more right on the rows of `tests/data/readings.tsv`.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huiyin.configs.tables import read_table

Syllables = tuple[str, ...]
"""Pinyin of each character, the tone as a digit, 5 for the neutral one: ('ni3', 'hao3')."""

OWN = read_table(Path(__file__).with_name("words.toml"))
LONGEST_WORD = 8  # characters: longer entries are sayings, whose characters are read as usual
_load_lock = threading.Lock()


@dataclass(frozen=True)
class Dictionary:
    """The words of all sources, and what jieba knows of parts of speech."""

    words: dict[str, Any]
    """Word -> its reading: Syllables, or as pypinyin writes it."""
    tags: dict[str, str]

    def __contains__(self, word: str) -> bool:
        return word in self.words

    def reading(self, word: str) -> Syllables | None:
        """Of a word in the dictionary; None for another."""
        found = self.words.get(word)
        if found is None or isinstance(found, tuple):
            return found
        return _in_digits(found)

    def tag(self, word: str) -> str:
        """Its part of speech in ICTCLAS's tags ('n', 'vn', 'ud'); 'x' for a word that is not known."""
        return self.tags.get(word, "x")


@functools.lru_cache(maxsize=1)
def _dictionary() -> Dictionary:
    import jieba
    import jieba.posseg
    from pypinyin.phrases_dict import phrases_dict as common
    from pypinyin_dict.phrase_pinyin_data.cc_cedict import phrases_dict as cedict

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    words: dict[str, Any] = dict(common)
    for word, reading in cedict.items():
        if 1 < len(word) <= LONGEST_WORD and (word not in words or _is_certain(reading)):
            words[word] = reading
    words.update({word: tuple(reading.split()) for word, reading in OWN["readings"].items()})
    for word in OWN["apart"]["words"]:
        words.pop(word, None)
    return Dictionary(words, jieba.posseg.dt.word_tag_tab)


def dictionary() -> Dictionary:
    """The one dictionary; the first call reads it (about a second)."""
    with _load_lock:
        return _dictionary()


def _is_certain(reading: Iterable[list[str]]) -> bool:
    """Whether each character has one reading."""
    return all(len(each) == 1 for each in reading)


@functools.lru_cache(maxsize=20_000)
def _digits(syllable: str) -> str:
    from pypinyin.contrib.tone_convert import to_tone3

    return str(to_tone3(syllable, neutral_tone_with_five=True))


def _in_digits(reading: Iterable[list[str]]) -> Syllables:
    return tuple(_digits(each[0]) for each in reading)


@functools.lru_cache(maxsize=20_000)
def usual(character: str) -> str:
    """The most common reading of a character; the character itself where it has none."""
    from pypinyin import Style, lazy_pinyin

    (reading,) = lazy_pinyin(character, style=Style.TONE3, neutral_tone_with_five=True, errors=list)  # type: ignore[arg-type]
    return str(OWN["readings"].get(character, reading))
