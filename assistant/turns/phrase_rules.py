"""Short phrases by rules: which rows of words say nothing else, and which may be the beginning of one.

A rule is a row of slots; in a slot stands one of several words ('a|b'), and it may be left out where it begins with
"?". A word is plain, or a regular expression; in Latin script it is whole, and may be several ("got it"). Texts are as
`normalised` leaves them. All ways to read a text are followed at once, from left to right: there is no backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from huiyin.services.common.text import HAN_CHARACTER

Rule = tuple[str, ...]
_Row = list["_Slot"]
_WORD_ENDS = r"(?![a-z0-9'])"
_LETTER = re.compile(r"[a-z]")
_IN_A_WORD = re.compile(r"[a-z0-9']{2}")


class PhraseRules:
    """Rules for one kind of phrase, or for several that may stand in a row."""

    def __init__(self, *rules: Rule, beside: Iterable[PhraseRules] = ()) -> None:
        """`beside`: those whose phrases may stand among these."""
        self._rows = [[_built(slot) for slot in rule] for rule in rules]
        self._rows += [row for others in beside for row in others._rows]
        self._rows_from: dict[str, list[_Row]] = {}  # by the first letter of a phrase

    def reached(self, text: str) -> set[int]:
        """Where in `text` a row of these phrases, or none, may end that begins with it."""
        found = {0}
        new = [0]
        while new:
            at = new.pop()
            ends = {end for row in self._from(text, at) for end in _ends(row, text, at)} - found
            new += ends
            found |= ends
        return found

    def make_up(self, text: str) -> bool:
        """Whether `text` is one of these phrases, or several. '' is not."""
        return bool(text) and len(text) in self.reached(text)

    def may_make_up(self, text: str) -> bool:
        """Whether it is, or would be if it went on; the last word of a phrase may be half there."""
        reached = self.reached(text)
        is_whole = bool(text) and len(text) in reached
        return is_whole or any(_is_begun(row, text, at) for at in reached for row in self._from(text, at))

    def follow(self, text: str, starts: Iterable[int]) -> bool:
        """Whether one of these phrases begins at one of `starts`."""
        return any(_ends(row, text, at) for at in starts for row in self._from(text, at))

    def _from(self, text: str, at: int) -> list[_Row]:
        """The rules by which a phrase may begin there."""
        letter = text[at : at + 1]
        if letter not in self._rows_from:
            self._rows_from[letter] = [row for row in self._rows if letter and _may_begin_with(row, letter)]
        return self._rows_from[letter]


class _Slot:
    """The words of a slot: the plain ones are looked up, by their lengths."""

    def __init__(self, slot: str) -> None:
        words = list(_words(slot.removeprefix("?")))
        self.is_optional = slot.startswith("?")
        self._plain = {word for word in words if word.replace(" ", "").replace("'", "").isalpha()}
        self._begun = {begun for word in self._plain for begun in _beginnings(word)}
        self._lengths: dict[str, set[int]] = {}  # by the first letter
        for word in self._plain:
            self._lengths.setdefault(word[0], set()).add(len(word))
        expressions = [word for word in words if word not in self._plain]
        latin = "|".join(filter(_is_latin, expressions))
        other = "|".join(word for word in expressions if not _is_latin(word))
        self._latin = re.compile(f"(?:{latin}){_WORD_ENDS}") if latin else None
        self._other = re.compile(other) if other else None

    def may_begin_with(self, letter: str) -> bool:
        """Whether one of its words may."""
        return letter in self._lengths or self._pattern(letter) is not None

    def ends(self, text: str, at: int) -> Iterator[int]:
        """Where its words that stand at `at` end, with the space behind them."""
        letter = text[at : at + 1]
        for length in self._lengths.get(letter, ()):
            end = at + length
            if text[at:end] in self._plain and not _IN_A_WORD.match(text, end - 1):
                yield end + text.startswith(" ", end)
        if (pattern := self._pattern(letter)) and (match := pattern.match(text, at)):
            yield match.end() + text.startswith(" ", match.end())

    def is_begun(self, text: str, at: int) -> bool:
        """Whether the rest of `text` is the beginning of one of its words, or all of it."""
        pattern = self._pattern(text[at : at + 1])
        return text[at:] in self._begun or bool(pattern and pattern.fullmatch(text, at))

    def _pattern(self, letter: str) -> re.Pattern[str] | None:
        return self._latin if letter.isascii() else self._other


@cache
def _built(slot: str) -> _Slot:
    """Many rules have the same long list of words in one of their slots."""
    return _Slot(slot)


def _may_begin_with(row: _Row, letter: str) -> bool:
    for slot in row:
        if slot.may_begin_with(letter):
            return True
        if not slot.is_optional:
            break
    return False


def _ends(row: _Row, text: str, at: int) -> set[int]:
    """Where a phrase by this row that begins at `at` may end."""
    ends = {at}
    for slot in row:
        after = {end for start in ends for end in slot.ends(text, start)}
        ends = ends | after if slot.is_optional else after
        if not ends:
            break
    return ends - {at}


def _is_begun(row: _Row, text: str, at: int) -> bool:
    """Whether the rest of `text` is the beginning of such a phrase."""
    starts = {at}
    for slot in row:
        if any(slot.is_begun(text, start) for start in starts):
            return True
        after = {end for start in starts for end in slot.ends(text, start)}
        starts = starts | after if slot.is_optional else after
    return False


def _beginnings(word: str) -> Iterator[str]:
    """The first characters of a Chinese word, the first words of an English one, and all of it."""
    parts, between = (word.split(), " ") if _is_latin(word) else (list(word), "")
    return (between.join(parts[:count]) for count in range(1, len(parts) + 1))


def _is_latin(word: str) -> bool:
    return not HAN_CHARACTER.search(word) and bool(_LETTER.search(word))


def _words(slot: str) -> Iterator[str]:
    """The words of a slot; what stands in brackets stays together."""
    word, depth = "", 0
    for letter in slot:
        if letter == "|" and not depth:
            yield word
            word = ""
            continue
        depth += (letter in "([") - (letter in ")]")
        word += letter
    yield word
