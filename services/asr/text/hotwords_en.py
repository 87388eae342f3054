"""English hotwords (or any in Latin letters): where the text has other letters of the same sound.

Candidates have the hotword's consonants, by Metaphone (L. Philips, "Hanging on the Metaphone", Computer Language 7(12),
1990) with voiced and voiceless ones made equal. The distance of a candidate, with its vowels, is measured by Editex (J.
Zobel and P. Dart, "Phonetic string matching", SIGIR 1996). Words may be joined or divided: "pie torch" is tried as one
word, too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from huiyin.configs.tables import read_table
from huiyin.services.asr.text.common_words import is_common
from huiyin.services.asr.text.hotwords_zh import Match

# From `python -m benchmarks.hotwords`: Editex distance for each letter of the longer spelling.
_NEAR = 0.40  # with an unusual word in it
_NEAR_COMMON = 0.34  # of common words only: they must be long and fit well
_COMMON_CONSONANTS = 4  # fewer: common words are not replaced
_COMMON_LETTERS = 6  # the same
_SHORT_LETTERS = 5  # up to here a different vowel is a different word: Jan is not Jon
_EXTRA_WORDS = 2  # more words than the hotword has, at most
_SURE = 100.0  # the same letters, only spaced or capitalised differently

_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = frozenset("aeiou")
_FOLD = str.maketrans("BDGVZ0", "PTKFST", "Y")
_EDITEX_GROUPS = ("aeiouy", "bp", "ckq", "dt", "lr", "mn", "gj", "fpv", "sxz", "csz")
_METAPHONE: list[list[str]] = read_table(Path(__file__).with_name("sounds.toml"))["metaphone"]
_LETTER = re.compile("|".join(f"({pattern})" for pattern, _ in _METAPHONE))
_CODES = ["", *(code for _, code in _METAPHONE)]  # by the number of the group
_SILENT_STARTS = ("ae", "gn", "kn", "pn", "wr")


class EnglishHotwords:
    """Finds where one of `words` (in their right spelling; spaces and hyphens allowed) was meant."""

    def __init__(self, words: Sequence[str]) -> None:
        self._letters = [_letters(word) for word in words]
        self._sizes = [len(re.findall(r"[^\W_]+", word)) for word in words]
        self._by_sound: dict[str, list[int]] = {}
        for number, word in enumerate(words):
            for key in {_sound(word.split()), self._letters[number]}:
                self._by_sound.setdefault(key, []).append(number)
        self._longest = max(self._sizes, default=0) + _EXTRA_WORDS

    def matches(self, words: Sequence[str]) -> Iterator[Match]:
        """In consecutive `words`; start and end count words. Matches may overlap."""
        for start in range(len(words)):
            for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                candidate = words[start:end]
                keys = _sound(candidate), _letters("".join(candidate))
                for number in {number for key in keys for number in self._by_sound.get(key, ())}:
                    score = self._score(number, candidate)
                    if score > 0:
                        yield Match(number, start, end, score)

    def _score(self, number: int, candidate: Sequence[str]) -> float:
        """How sure it is that `candidate` is hotword `number`; 0: it is not."""
        if len(candidate) > self._sizes[number] + _EXTRA_WORDS:
            return 0.0
        meant, letters = self._letters[number], _letters("".join(candidate))
        common = all(map(is_common, candidate))
        if meant == letters:
            return 0.0 if common and len(candidate) == 1 else _SURE + len(candidate)
        longer = max(len(meant), len(letters))
        limit = _NEAR
        if common:
            consonants = len(_sound(candidate))
            if len(candidate) == 1 or consonants < _COMMON_CONSONANTS or longer < _COMMON_LETTERS:
                return 0.0
            limit = _NEAR_COMMON
        if longer <= _SHORT_LETTERS and _vowels(meant) != _vowels(letters):
            return 0.0
        return limit - editex(meant, letters) / longer


def metaphone(word: str) -> str:
    """The consonants of an English word by Philips's rules: 0 is th, X is sh or ch; vowels only at the beginning."""
    word = re.sub(r"([^c])\1+", r"\1", word.lower())
    if word.startswith(_SILENT_STARTS):
        word = word[1:]
    elif word.startswith("x"):
        word = "s" + word[1:]
    elif word.startswith("wh"):
        word = "w" + word[2:]
    return _LETTER.sub(lambda letter: _CODES[letter.lastindex or 0].replace("&", letter[0].upper()), word)


def editex(a: str, b: str) -> int:
    """Editex distance of two words in small letters: 1 for letters that may sound alike, 2 for others."""
    drops = _drops(b)
    above = [0, *accumulate(drops)]
    for letter_a, drop_a in zip(a, _drops(a), strict=True):
        row = [above[0] + drop_a]
        for j, (letter_b, drop_b) in enumerate(zip(b, drops, strict=True)):
            row.append(min(above[j + 1] + drop_a, row[j] + drop_b, above[j] + _replace(letter_a, letter_b)))
        above = row
    return above[-1]


def _drops(word: str) -> list[int]:
    """The cost of each letter that the other word does not have."""
    return [_drop(before, letter) for before, letter in zip(f" {word}", word, strict=False)]


def _drop(before: str, letter: str) -> int:
    """Less beside the silent letters, h and w, and for these."""
    silent = before != letter and (before in ("h", "w") or letter in ("h", "w"))
    return 1 if silent else _replace(before, letter)


@functools.cache
def _replace(a: str, b: str) -> int:
    if a == b:
        return 0
    return 1 if a and any(a in group and b in group for group in _EDITEX_GROUPS) else 2


def _sound(words: Sequence[str]) -> str:
    sounds = [_word_sound(word, first=i == 0) for i, word in enumerate(words)]
    return _DOUBLED.sub(r"\1", "".join(sounds))


@functools.lru_cache(maxsize=20_000)
def _word_sound(word: str, *, first: bool) -> str:
    """Metaphone of all parts ("wi-fi" has two), voiced and voiceless made equal; all first vowels are one."""
    code = "".join(metaphone(part) for part in re.findall(r"[^\W_]+", word.replace("'", "")))
    if code[:1] in tuple("AEIOU"):
        code = ("A" if first else "") + code[1:]
    return code.translate(_FOLD)


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def _vowels(letters: str) -> str:
    """The vowels as they sound when short: doubled ones and y for i make no difference."""
    return _DOUBLED.sub(r"\1", "".join(c for c in letters.replace("y", "i").rstrip("e") if c in _VOWELS))
