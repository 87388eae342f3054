"""Whether words begin with the phrase that wakes the assistant, by how they sound: pure.

A recogniser that hears 你好回音 writes 你好，回应 or "ni hao hui yin". Syllables are compared by initial and final;
those that speakers and recognisers confuse are close to each other (n and l, zh and z, -n and -ng). A Latin phrase is
compared by its letters, reduced to what is heard of them. Before the phrase may stand a word such as "hey".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from huiyin.configs.errors import HuiyinError
from huiyin.services.common.text import HAN

_UNIT = re.compile(rf"[{HAN}]|[A-Za-z']+|\d+")
_LEAST_SYLLABLES = 3  # a shorter phrase is said by every television
_LEAST_LETTERS = 6
_BEFORE = 2  # units before it, at most
_CLOSE = 0.15  # of a syllable's distance 1: a confusion of its initial or final
_MISSING = 0.5  # a syllable that is not there, or one too many
_MOST = 0.15  # distance a syllable, of the whole phrase
_MOST_LETTERS = 0.25  # of a Latin phrase's letters, likewise

_INITIALS = (
    {"n", "l", "r"}, {"zh", "z", "j"}, {"ch", "c", "q"}, {"sh", "s", "x"}, {"h", "f", "w"}, {"b", "p"}, {"d", "t"},
    {"g", "k"},
)  # fmt: skip
_HEARD = (
    ("ph", "f"), ("ck", "k"), ("c", "k"), ("q", "k"), ("wh", "w"), ("y", "i"), ("z", "s"), ("ee", "i"), ("oo", "u"),
)  # fmt: skip
"""Letters -> those of the same sound."""
_NASAL = re.compile("(?:ng|n)$")


class WakePhraseError(HuiyinError):
    """A phrase that cannot be listened for."""

    exit_status = 2


@dataclass(frozen=True)
class _Sound:
    """A syllable, or the letters of a Latin word; `end`: where it ends in the text."""

    initial: str
    final: str
    end: int


class WakePhrase:
    """The phrase. Raises WakePhraseError where it is too short to be told from other speech."""

    def __init__(self, phrase: str) -> None:
        self.text = phrase
        self._is_latin = not re.search(f"[{HAN}]", phrase)
        self._letters = _reduced(phrase)
        self._sounds = [] if self._is_latin else _syllables(phrase)
        if len(self._letters) < _LEAST_LETTERS if self._is_latin else len(self._sounds) < _LEAST_SYLLABLES:
            raise WakePhraseError("wake.too_short", phrase=phrase)

    def end_in(self, text: str) -> int | None:
        """Where the phrase ends in `text`, marks behind it included; None where `text` does not begin with it."""
        end = self._end_of_letters(text) if self._is_latin else self._end_of_syllables(text)
        if end is None:
            return None
        behind = re.match(r"[\s\W]*", text[end:])
        return end + (behind.end() if behind else 0)

    def _end_of_syllables(self, text: str) -> int | None:
        heard = _syllables(text)
        best: tuple[float, int] | None = None
        for start in range(min(_BEFORE, len(heard)) + 1):
            for count in (len(self._sounds), len(self._sounds) - 1, len(self._sounds) + 1):
                window = heard[start : start + count]
                if not window or len(window) < len(self._sounds) - 1:
                    continue
                distance = _distance(self._sounds, window)
                if distance <= _MOST * len(self._sounds) and (best is None or distance < best[0]):
                    best = distance, window[-1].end
        return best[1] if best else None

    def _end_of_letters(self, text: str) -> int | None:
        units = [(unit[0], unit.end()) for unit in _UNIT.finditer(text)]
        best: tuple[float, int] | None = None
        for start in range(min(_BEFORE, len(units)) + 1):
            words = ""
            for unit, end in units[start:]:
                words += unit
                letters = _reduced(words)
                if len(letters) > len(self._letters) * (1 + _MOST_LETTERS):
                    break
                share = _edits(self._letters, letters) / len(self._letters)
                if share <= _MOST_LETTERS and (best is None or share <= best[0]):
                    best = share, end
        return best[1] if best else None


def _syllables(text: str) -> list[_Sound]:
    """Chinese characters, and Latin words that are pinyin, as syllables; other words as one sound that fits nothing."""
    sounds: list[_Sound] = []
    for unit in _UNIT.finditer(text):
        word = unit[0]
        if re.match(f"[{HAN}]", word):
            sounds.append(_Sound(*_parts(word), unit.end()))
        else:
            spelt = _spelt(word.lower())
            sounds += [_Sound(*_split(each), unit.end()) for each in spelt] or [_Sound("?", word.lower(), unit.end())]
    return sounds


@cache
def _parts(character: str) -> tuple[str, str]:
    from pypinyin import lazy_pinyin  # comes with the embedded voices

    return _split(lazy_pinyin(character)[0])


def _split(syllable: str) -> tuple[str, str]:
    """'zhang' -> ('zh', 'ang')."""
    initial = re.match("(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?", syllable)
    assert initial
    return initial[0], syllable[initial.end() :]


@cache
def _spelt(word: str) -> tuple[str, ...]:
    """A Latin word as pinyin syllables; none where it is not pinyin."""
    known = _all_syllables()
    for end in range(min(6, len(word)), 0, -1):
        if word[:end] in known:
            rest = _spelt(word[end:]) if end < len(word) else ()
            if rest or end == len(word):
                return (word[:end], *rest)
    return ()


@cache
def _all_syllables() -> frozenset[str]:
    from pypinyin import Style
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.style import convert

    readings = {reading for each in PINYIN_DICT.values() for reading in each.split(",")}
    return frozenset(convert(reading, Style.NORMAL, strict=False) for reading in readings)


def _distance(phrase: Sequence[_Sound], heard: Sequence[_Sound]) -> float:
    """Edits between two rows of syllables: half for an initial, half for a final."""
    row = [_MISSING * index for index in range(len(heard) + 1)]
    for index, sound in enumerate(phrase, 1):
        before, row[0] = row[0], _MISSING * index
        for at, other in enumerate(heard, 1):
            before, row[at] = row[at], min(
                before + _apart(sound, other), row[at] + _MISSING, row[at - 1] + _MISSING
            )  # fmt: skip
    return row[-1]


def _apart(one: _Sound, other: _Sound) -> float:
    """0 the same, 1 nothing in common."""
    initial = 0.0 if one.initial == other.initial else 0.5
    if initial and any({one.initial, other.initial} <= group for group in _INITIALS):
        initial = _CLOSE
    final = 0.0 if one.final == other.final else 0.5
    if final and _NASAL.sub("", one.final) == _NASAL.sub("", other.final):
        final = _CLOSE
    return initial + final


def _reduced(text: str) -> str:
    """Letters as they sound, roughly: doubled letters once, ph as f, c as k."""
    letters = re.sub("[^a-z0-9]", "", text.lower())
    for written, heard in _HEARD:
        letters = letters.replace(written, heard)
    return re.sub(r"(.)\1+", r"\1", letters)


def _edits(one: str, other: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one, 1):
        before, row[0] = row[0], index
        for at, second in enumerate(other, 1):
            before, row[at] = row[at], min(before + (letter != second), row[at] + 1, row[at - 1] + 1)
    return row[-1]
