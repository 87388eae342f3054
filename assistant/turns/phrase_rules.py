"""Short phrases by rules: which rows of words say nothing else, and which may be the beginning of one.

A rule is a row of slots; in a slot stands one of several words ('a|b', each a regular expression, in Latin script a
whole word), and it may be left out where it begins with "?". Texts are as `normalised` leaves them. A text is read from
the left, phrase after phrase, each as long as its rule allows: the time is linear in its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from huiyin.services.common.text import HAN_CHARACTER

Rule = tuple[str, ...]
_WORD_ENDS = r"(?![a-z0-9'])"
_LETTER = re.compile(r"[a-z]")


class PhraseRules:
    """Rules for one kind of phrase, or for several that may stand in a row."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules
        self._wholes = [re.compile("".join(map(_one_of, rule))) for rule in rules]

    @cached_property
    def _beginnings(self) -> list[re.Pattern[str]]:
        return [re.compile(_beginning(rule)) for rule in self.rules]

    def reached(self, text: str, starts: Iterable[int] = (0,)) -> set[int]:
        """Where in `text` a row of these phrases (or none) that begins at one of `starts` may end."""
        found = set(starts)
        new = list(found)
        while new:
            at = new.pop()
            ends = {match.end() for whole in self._wholes if (match := whole.match(text, at))}
            new += ends - found
            found |= ends
        return found

    def make_up(self, text: str) -> bool:
        """Whether `text` is one of these phrases, or several. '' is not."""
        return bool(text) and len(text) in self.reached(text)

    def may_make_up(self, text: str) -> bool:
        """Whether it is, or would be if it went on."""
        return any(beginning.fullmatch(text, at) for at in self.reached(text) for beginning in self._beginnings)

    def follow(self, text: str, starts: Iterable[int]) -> bool:
        """Whether one of these phrases begins at one of `starts`."""
        return any(whole.match(text, at) for at in starts for whole in self._wholes)


def _one_of(slot: str) -> str:
    """A pattern for a slot and the space after it. Where one word begins another, the longer one is tried first."""
    words = sorted(_words(slot), key=len, reverse=True)
    pattern = "|".join(word + _WORD_ENDS if _is_latin(word) else word for word in words)
    return rf"(?:(?:{pattern})\s?)" + ("?" if slot.startswith("?") else "")


def _beginning(rule: Rule) -> str:
    """A pattern for the first words of what a rule says, or for all of it; the last word may be half there."""
    pattern = ""
    for slot in reversed(rule):
        begun = "|".join(map(_begun, _words(slot)))
        pattern = f"(?:{begun}|{_one_of(slot)}{pattern})" if pattern else f"(?:{begun})"
    return pattern


def _begun(word: str) -> str:
    """A pattern for the first characters of a Chinese word, the first words of an English phrase, or all of it."""
    if not word.replace(" ", "").isalpha():
        return word + _WORD_ENDS if _is_latin(word) else word
    units = [unit + _WORD_ENDS for unit in word.split()] if _is_latin(word) else list(word)
    between = " " if _is_latin(word) else ""
    pattern = units.pop()
    for unit in reversed(units):
        pattern = f"{unit}(?:{between}{pattern})?"
    return pattern


def _is_latin(word: str) -> bool:
    return not HAN_CHARACTER.search(word) and bool(_LETTER.search(word))


def _words(slot: str) -> Iterator[str]:
    """The words of a slot; what stands in brackets stays together."""
    word, depth = "", 0
    for letter in slot.removeprefix("?"):
        if letter == "|" and not depth:
            yield word
            word = ""
            continue
        depth += (letter in "([") - (letter in ")]")
        word += letter
    yield word
