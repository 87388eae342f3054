"""Key phrases in a transcript: apologies, promises, and the caller's own; where each is said, and by whom.

They are compared word by word, Chinese character by character: punctuation, spaces, capitals, apostrophes, full-width
letters and traditional characters make no difference. A phrase is looked for within a segment.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from huiyin.configs.tables import read_table
from huiyin.services.asr.recogniser import Segment
from huiyin.services.asr.report.labels import clock, page_word, phrase_word
from huiyin.services.asr.text.simplified import simplified
from huiyin.services.asr.text.subtitles import timed_units
from huiyin.services.common.errors import ApiError
from huiyin.services.common.text import HAN, columns

MOST = 500
"""Phrases of one request."""
LONGEST = 60
"""Characters of a phrase, or of a group's name."""
BUILT_IN: dict[str, tuple[str, ...]] = {
    name: (*group["en"], *group["zh"]) for name, group in read_table(Path(__file__).with_name("phrases.toml")).items()
}
"""Groups that are known by name -> their phrases."""

_CODE = "bad_phrases"
_SEPARATORS = re.compile(r"[,，、;；]+")
_COLON = re.compile(r"[:：]")
_WORD = re.compile(rf"[{HAN}]|[^\W_{HAN}](?:['’]?[^\W_{HAN}])*")
_WORD_OR_BEGINNING = re.compile(rf"(?:{_WORD.pattern})\*?")
_APOSTROPHES = re.compile("['’]")
_ANY = "*"  # at the end of a word: whatever comes there

Groups = dict[str, tuple[str, ...]]
"""Name of a group -> its phrases."""


@dataclass(frozen=True)
class Mention:
    """A key phrase that is said. Times in seconds from the start of the recording."""

    group: str
    text: str
    """As it is said."""
    start_s: float
    end_s: float
    speaker: str | None
    segment: int
    """Number of its segment, from 0."""
    span: tuple[int, int]
    """Where it stands in the segment's text, of which each run of blanks is one space."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times to the millisecond."""
        fields = asdict(self)
        del fields["span"]
        return fields | {"start_s": round(self.start_s, 3), "end_s": round(self.end_s, 3)}


def groups_of(text: str) -> Groups:
    """The groups that a text names, line by line: "apology, promise", "refund: money back, 退款", or phrases alone.

    A built-in group is named, alone or with a colon and nothing behind it; a phrase alone is a group of its own. Lines
    that begin with # are left out. Raises ApiError 422 `bad_phrases`.
    """
    groups: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, *phrases = _COLON.split(line, maxsplit=1)
        if not phrases:
            for phrase in _listed(name):
                groups.setdefault(phrase, []).extend(BUILT_IN.get(phrase, (phrase,)))
        elif name := _plain(name):
            groups.setdefault(name, []).extend(_listed(phrases[0]) or BUILT_IN.get(name, ()))
    if sum(map(len, groups.values())) > MOST:
        raise ApiError(422, "asr.too_many_phrases", code=_CODE, most=MOST)
    return {name: _checked(name, phrases) for name, phrases in groups.items()}


def _listed(text: str) -> list[str]:
    return [plain for part in _SEPARATORS.split(text) if (plain := _plain(part))]


def _plain(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _checked(name: str, phrases: Iterable[str]) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(phrases))
    if not unique:
        raise ApiError(422, "asr.no_such_phrases", code=_CODE, group=name[:LONGEST], known=list(BUILT_IN))
    for phrase in (name, *unique):
        if len(phrase) > LONGEST:
            raise ApiError(422, "asr.phrase_too_long", code=_CODE, phrase=phrase[:LONGEST], most=LONGEST)
    for phrase in unique:
        if not _words(phrase):
            raise ApiError(422, "asr.phrase_without_letter", code=_CODE, phrase=phrase)
    return unique


def mentions(segments: Sequence[Segment], groups: Groups) -> list[Mention]:
    """Where phrases of `groups` are said, in order. Of phrases of one group that overlap the first, longest counts."""
    phrases = _Phrases(groups)
    return [mention for number, segment in enumerate(segments) for mention in phrases.found(number, segment)]


def marked(text: str, said: Iterable[Mention]) -> Iterator[tuple[str, str]]:
    """A segment's text in parts, each with the group that it is a phrase of; '' for none."""
    text, at = " ".join(text.split()), 0
    for mention in sorted(said, key=lambda mention: mention.span):
        start, end = mention.span
        if start >= at:  # phrases of two groups may overlap
            yield text[at:start], ""
            yield text[start:end], mention.group
            at = end
    yield text[at:], ""


def as_table(said: Sequence[Mention], language: str) -> str:
    """Lines for people: when, who, which group, and the words; '' where nothing was said."""
    if not said:
        return ""
    rows = [(clock(one.start_s), one.speaker or "", phrase_word(one.group, language), one.text) for one in said]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for row in rows
    ]
    return "\n".join([f"{page_word('phrases', language)}:", *lines]) + "\n"


class _Phrases:
    """All phrases, by their first word."""

    def __init__(self, groups: Groups) -> None:
        self._by_word: dict[str, list[tuple[str, list[str]]]] = {}
        self._by_beginning: list[tuple[str, list[str]]] = []
        for group, phrases in groups.items():
            for phrase in phrases:
                words = [word for word, *_ in _words(phrase, _WORD_OR_BEGINNING)]
                if words[0].endswith(_ANY):
                    self._by_beginning.append((group, words))
                else:
                    self._by_word.setdefault(words[0], []).append((group, words))

    def found(self, number: int, segment: Segment) -> Iterator[Mention]:
        """What is said in a segment, which has this number."""
        text = " ".join(segment.text.split())
        words = _words(text)
        said = [word for word, *_ in words]
        taken: dict[str, int] = {}  # group -> word after its last mention
        units = None
        for first in range(len(words)):
            for group, count in self._at(said, first).items():
                if first < taken.get(group, 0):
                    continue
                taken[group] = first + count
                span = words[first][1], words[first + count - 1][2]
                units = units or _Times(segment)
                yield Mention(group, text[slice(*span)], *units.of(span), segment.speaker, number, span)

    def _at(self, said: Sequence[str], first: int) -> dict[str, int]:
        """Group -> number of words of its longest phrase that begins with this word."""
        longest: dict[str, int] = {}
        for group, words in (*self._by_word.get(said[first], ()), *self._by_beginning):
            here = said[first : first + len(words)]
            if len(here) == len(words) and all(map(_is, here, words)):
                longest[group] = max(longest.get(group, 0), len(words))
        return longest


class _Times:
    """When a part of a segment's text is said."""

    def __init__(self, segment: Segment) -> None:
        self._units = list(timed_units(segment))
        self._ends = list(accumulate(len(unit.text) for unit in self._units))

    def of(self, span: tuple[int, int]) -> tuple[float, float]:
        """(start, end) in seconds of these characters."""
        first, last = (self._units[bisect_right(self._ends, at)] for at in (span[0], span[1] - 1))
        return first.start_s, max(first.start_s, last.end_s)


def _words(text: str, pattern: re.Pattern[str] = _WORD) -> list[tuple[str, int, int]]:
    """(word as it is compared, where it begins, where it ends)."""
    return [(_compared(match[0]), match.start(), match.end()) for match in pattern.finditer(text)]


def _compared(word: str) -> str:
    return simplified(unicodedata.normalize("NFKC", _APOSTROPHES.sub("", word)).casefold())


def _is(said: str, word: str) -> bool:
    return said.startswith(word[:-1]) if word.endswith(_ANY) else said == word
